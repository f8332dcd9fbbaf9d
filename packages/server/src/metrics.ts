import type { ClusterStats } from "@sockeye/cluster";
import type { CloseReason, ServerDisconnectReason } from "@sockeye/protocol";
import { LIMIT_BY_CODE } from "@sockeye/protocol";
import { DEFAULT_TRANSPORTS, REFUSALS } from "@sockeye/transport/server";
import type { Durations } from "./histogram.js";
import { BOUNDS } from "./histogram.js";
import type { Monitor } from "./monitor.js";
import { LIMIT_EXCEEDED } from "./monitor.js";

/** What a server looks like now, beside what its {@link Monitor} has counted. */
export interface Gauges {
  /** Live sessions by transport, without those that have none. */
  readonly sessions: ReadonlyMap<string, number>;
  /** Live sessions whose transport is lost. */
  readonly suspended: number;
  /** Sessions that have joined no namespace yet. */
  readonly waiting: number;
  readonly namespaces: number;
  readonly sockets: number;
  /** Rooms of all namespaces, those of the sockets' own ids among them. */
  readonly rooms: number;
  /** Bytes held for all connections of the process. */
  readonly heldBytes: number;
  /** Bytes that wait for clients. */
  readonly waitingBytes: number;
  readonly maxWaitingBytes: number;
  readonly slowClients: number;
  /** Acknowledgements that sockets wait for. */
  readonly acksPending: number;
  readonly cluster: ClusterNumbers | undefined;
}

/** A server as a node of a cluster. */
export interface ClusterNumbers extends ClusterStats {
  /** How many other nodes are known, by state. */
  readonly nodes: Readonly<Record<string, number>>;
}

type Samples = ReadonlyArray<readonly [labels: Readonly<Record<string, string>>, value: number]>;

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** By what stands behind the name. */
  readonly samples: ReadonlyArray<readonly [suffix: string, samples: Samples]>;
}

const NONE: Durations = { count: 0, sum: 0, buckets: [] };

const TRANSPORTS: readonly string[] = [...DEFAULT_TRANSPORTS, "webtransport"];
const REASONS: readonly CloseReason[] = [
  "transport close",
  "transport error",
  "ping timeout",
  "parse error",
  "forced close",
  "forced server close",
  "server shutting down",
];
const CLOSED: readonly string[] = [...REASONS, LIMIT_EXCEEDED];
const LEFT: readonly ServerDisconnectReason[] = [
  ...REASONS,
  "server namespace disconnect",
  "client namespace disconnect",
];
const NODE_STATES: readonly string[] = ["up", "draining", "suspect", "down"];
const LIMITS: readonly string[] = [...Object.values(LIMIT_BY_CODE), "maxRoomFeeds", "maxRoomFeedsPerAddress"];

/** A snapshot of a server's numbers, made by `io.metrics()`. It does not change any more. */
export class Metrics {
  /** Live sessions by transport, without those that are suspended. */
  readonly sessions: Readonly<Record<string, number>>;
  /** Sessions whose transport is lost, and whose client may come back. */
  readonly suspended: number;
  /** Sessions that have joined no namespace yet. */
  readonly waiting: number;
  readonly namespaces: number;
  /** Connected sockets of this node, in all namespaces. */
  readonly sockets: number;
  readonly rooms: number;
  /** Bytes that wait in memory for clients or from them, of all servers of the process: what `maxProcessBytes` bounds. */
  readonly heldBytes: number;
  /** Bytes that wait for clients of this server, all together. */
  readonly waitingBytes: number;
  /** For the one for whom the most waits. */
  readonly maxWaitingBytes: number;
  /** Clients for whom more than 64 KiB wait. */
  readonly slowClients: number;
  /** Acknowledgements of clients that are waited for. */
  readonly acksPending: number;
  /** On a node of a cluster: other nodes by state, messages lost and dropped, what waits for the bus, how long the bus takes. */
  readonly cluster: ClusterNumbers | undefined;
  /** Bytes of the TCP connections that the server uses, headers among them. Without HTTP/2 and WebTransport. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** How long handlers have held the event loop, for each packet. Since metrics were first asked for. */
  readonly handlerTime: Durations;
  /** From an emit to its acknowledgement. Since metrics were first asked for. */
  readonly ackTime: Durations;
  /** Since the server began, as everything below. */
  readonly sessionsOpened: number;
  readonly sessionsUpgraded: number;
  /** How often a session has lost its transport and waited for its client. */
  readonly sessionsSuspended: number;
  /** How often a client has come back, or has moved to another transport by itself. */
  readonly sessionsResumed: number;
  /** By reason: those of `disconnect`, and `limit exceeded`. */
  readonly sessionsClosed: Readonly<Record<string, number>>;
  /** Handshakes and requests that were refused, by the name of their code: `FORBIDDEN`, say. */
  readonly requestsRefused: Readonly<Record<string, number>>;
  readonly socketsConnected: number;
  /** By reason. */
  readonly socketsDisconnected: Readonly<Record<string, number>>;
  readonly packetsReceived: number;
  /** Packets that were put into the outboxes of sessions; a broadcast counts once for each receiver. */
  readonly packetsSent: number;
  /** Limits that clients have exceeded, by name. */
  readonly limitsExceeded: Readonly<Record<string, number>>;
  /** Events and calls of clients that did not keep to the contract, by the code of the refusal. */
  readonly eventsRefused: Readonly<Record<string, number>>;
  /** Failures of the app's code. */
  readonly errors: number;

  constructor(monitor: Monitor, gauges: Gauges) {
    this.sessions = Object.fromEntries(gauges.sessions);
    this.suspended = gauges.suspended;
    this.waiting = gauges.waiting;
    this.namespaces = gauges.namespaces;
    this.sockets = gauges.sockets;
    this.rooms = gauges.rooms;
    this.heldBytes = gauges.heldBytes;
    this.waitingBytes = gauges.waitingBytes;
    this.maxWaitingBytes = gauges.maxWaitingBytes;
    this.slowClients = gauges.slowClients;
    this.acksPending = gauges.acksPending;
    this.cluster = gauges.cluster;
    const { received, sent } = monitor.traffic.bytes;
    this.bytesReceived = received;
    this.bytesSent = sent;
    this.handlerTime = monitor.handlerTime?.durations ?? NONE;
    this.ackTime = monitor.ackTime?.durations ?? NONE;
    this.sessionsOpened = monitor.opened;
    this.sessionsUpgraded = monitor.upgraded;
    this.sessionsSuspended = monitor.suspended;
    this.sessionsResumed = monitor.resumed;
    this.sessionsClosed = Object.fromEntries(monitor.closed);
    this.requestsRefused = Object.fromEntries(monitor.refused);
    this.socketsConnected = monitor.connected;
    this.socketsDisconnected = Object.fromEntries(monitor.disconnected);
    this.packetsReceived = monitor.packetsIn;
    this.packetsSent = monitor.packetsOut;
    this.limitsExceeded = Object.fromEntries(monitor.limits);
    this.eventsRefused = Object.fromEntries(monitor.eventsRefused);
    this.errors = monitor.errors;
  }

  /** The content type of {@link toString}. */
  static readonly contentType = "text/plain; version=0.0.4; charset=utf-8";

  /** In the text format that Prometheus reads (exposition format 0.0.4). */
  toString(): string {
    return `${this.#metrics().flatMap(lines).join("\n")}\n`;
  }

  #metrics(): Metric[] {
    return [
      gauge("sessions", "Live sessions.", by("transport", this.sessions, TRANSPORTS)),
      gauge("sessions_suspended", "Sessions whose client may come back.", one(this.suspended)),
      gauge("sessions_waiting", "Sessions that have joined no namespace yet.", one(this.waiting)),
      gauge("namespaces", "Namespaces.", one(this.namespaces)),
      gauge("sockets", "Connected sockets.", one(this.sockets)),
      gauge("rooms", "Rooms of all namespaces.", one(this.rooms)),
      gauge("held_bytes", "Bytes that wait for clients or from them.", one(this.heldBytes)),
      gauge("waiting_bytes", "Bytes that wait for clients.", one(this.waitingBytes)),
      gauge("waiting_bytes_max", "The same, of the slowest client.", one(this.maxWaitingBytes)),
      gauge("slow_clients", "Clients for whom more than 64 KiB wait.", one(this.slowClients)),
      gauge("acks_pending", "Acknowledgements waited for.", one(this.acksPending)),
      counter("bytes_received", "Bytes of the connections used.", one(this.bytesReceived)),
      counter("bytes_sent", "Bytes of the connections used.", one(this.bytesSent)),
      histogram("handler_seconds", "Time that handlers held the event loop.", this.handlerTime),
      histogram("ack_seconds", "Time from an emit to its acknowledgement.", this.ackTime),
      counter("sessions_opened", "Sessions that began.", one(this.sessionsOpened)),
      counter(
        "sessions_upgraded",
        "Sessions that changed to a better transport.",
        one(this.sessionsUpgraded),
      ),
      counter(
        "sessions_transport_lost",
        "Transports lost by sessions that continue.",
        one(this.sessionsSuspended),
      ),
      counter(
        "sessions_resumed",
        "Sessions that continued over another transport.",
        one(this.sessionsResumed),
      ),
      counter("sessions_closed", "Sessions that ended.", by("reason", this.sessionsClosed, CLOSED)),
      counter(
        "requests_refused",
        "Handshakes and requests refused.",
        by("code", this.requestsRefused, Object.keys(REFUSALS)),
      ),
      counter("sockets_connected", "Sockets that were let in.", one(this.socketsConnected)),
      counter("sockets_disconnected", "Sockets that left.", by("reason", this.socketsDisconnected, LEFT)),
      counter("packets_received", "Packets from clients.", one(this.packetsReceived)),
      counter("packets_sent", "Packets to clients, one for each receiver.", one(this.packetsSent)),
      counter(
        "limits_exceeded",
        "Limits that clients have exceeded.",
        by("limit", this.limitsExceeded, LIMITS),
      ),
      counter(
        "events_refused",
        "Events and calls that did not keep to the contract.",
        by("code", this.eventsRefused, ["ERR_INVALID", "ERR_UNDECLARED"]),
      ),
      counter("errors", "Failures of the app's code.", one(this.errors)),
      ...(this.cluster ? clusterMetrics(this.cluster) : []),
    ];
  }
}

/** A server without a cluster has none. */
function clusterMetrics({ nodes, gaps, dropped, waitingBytes, lagMs }: ClusterNumbers): Metric[] {
  return [
    gauge("cluster_nodes", "Other nodes that are known.", by("state", nodes, NODE_STATES)),
    counter("cluster_gaps", "Times that messages of other nodes may have been lost.", one(gaps)),
    counter("cluster_dropped", "Messages for other nodes that were dropped.", one(dropped)),
    gauge("cluster_waiting_bytes", "Bytes that wait for the bus.", one(waitingBytes)),
    gauge("cluster_lag_seconds", "Time that a message takes over the bus and back.", one(lagMs / 1000)),
  ];
}

function gauge(name: string, help: string, samples: Samples): Metric {
  return { name: `sockeye_${name}`, type: "gauge", help, samples: [["", samples]] };
}

function counter(name: string, help: string, samples: Samples): Metric {
  return { name: `sockeye_${name}_total`, type: "counter", help, samples: [["", samples]] };
}

function histogram(name: string, help: string, { count, sum, buckets }: Durations): Metric {
  const below: Samples = [
    ...BOUNDS.map((bound, index) => [{ le: String(bound) }, buckets[index] ?? 0] as const),
    [{ le: "+Inf" }, count],
  ];
  const samples = [["_bucket", below] as const, ["_sum", one(sum)] as const, ["_count", one(count)] as const];
  return { name: `sockeye_${name}`, type: "histogram", help, samples };
}

function one(value: number): Samples {
  return [[{}, value]];
}

/** A rate needs a zero to begin with. @param known values that are told also while there is nothing */
function by(label: string, values: Readonly<Record<string, number>>, known: readonly string[]): Samples {
  const all = new Map([...known.map((key) => [key, 0] as const), ...Object.entries(values)]);
  return [...all].map(([key, value]) => [{ [label]: key }, value]);
}

function lines({ name, type, help, samples }: Metric): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.flatMap(([suffix, each]) =>
      each.map(([labels, value]) => `${name}${suffix}${labelText(labels)} ${value}`),
    ),
  ];
}

/** The values are words of our own tables, and of other engines under this server: those are made plain. */
function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([key, value]) => `${key}="${labelValue(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join()}}`;
}

/** Nothing that would need an escape. */
function labelValue(value: string): string {
  return value.slice(0, 100).replace(/[^\w .:/+-]/g, "_");
}
