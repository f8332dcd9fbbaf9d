import type {
  CloseReason,
  ContractError,
  EncodedPacket,
  Limits,
  Packet,
  ServerDisconnectReason,
} from "@sockeye/protocol";
import { LIMIT_BY_CODE, SockeyeError, shown } from "@sockeye/protocol";
import type { RefusedRequest } from "@sockeye/transport/server";
import { REFUSALS } from "@sockeye/transport/server";
import type { ErrorContext } from "./audience.js";
import { channelOf, type LimitName } from "./channels.js";
import type { Conn } from "./conn.js";
import { Histogram } from "./histogram.js";
import { warnOfNoDecision } from "./no-decision.js";
import type { EngineOptions } from "./options.js";
import { warnOfRefusedOrigin } from "./refused-origin.js";
import type { Socket } from "./socket.js";
import { Traffic } from "./traffic.js";
import { Warnings } from "./warnings.js";

const OPEN = channelOf("sockeye:session:open");
const UPGRADE = channelOf("sockeye:session:upgrade");
const SUSPEND = channelOf("sockeye:session:suspend");
const RESUME = channelOf("sockeye:session:resume");
const CLOSE = channelOf("sockeye:session:close");
const REFUSE = channelOf("sockeye:session:refuse");
const CONNECT = channelOf("sockeye:socket:connect");
const DISCONNECT = channelOf("sockeye:socket:disconnect");
const PACKET_IN = channelOf("sockeye:packet:in");
const PACKET_OUT = channelOf("sockeye:packet:out");
const LIMIT = channelOf("sockeye:limit");
const ERROR = channelOf("sockeye:error");

/** A connection, as the monitor sees it. Its {@link Conn} is made only if something asks for it. */
export interface Monitored {
  readonly conn: Conn;
}

/** Sees everything that happens in one server: counts it, and tells who has subscribed to the channels. */
export class Monitor {
  opened = 0;
  upgraded = 0;
  suspended = 0;
  resumed = 0;
  errors = 0;
  /** By the code of the refusal. */
  readonly eventsRefused: Map<string, number> = new Map();
  packetsIn = 0;
  packetsOut = 0;
  /** By reason; those that a limit has ended have one of their own. */
  readonly closed: Map<CloseReason | typeof LIMIT_EXCEEDED, number> = new Map();
  /** By the name of the refusal. */
  readonly refused: Map<string, number> = new Map();
  readonly disconnected: Map<ServerDisconnectReason, number> = new Map();
  connected = 0;
  readonly limits: Map<LimitName, number> = new Map();
  readonly traffic: Traffic = new Traffic();
  /** How long handlers hold the event loop, and how long acknowledgements take: measured from the first time that they are asked for. */
  handlerTime: Histogram | undefined = undefined;
  ackTime: Histogram | undefined = undefined;
  /** What the developer is told, once each. */
  readonly warnings: Warnings = new Warnings();
  readonly #options: () => EngineOptions;

  /** @param options those of the server, as they are now */
  constructor(options: () => EngineOptions = () => ({})) {
    this.#options = options;
  }

  /** From now on durations are measured. */
  measure(): void {
    this.handlerTime ??= new Histogram();
    this.ackTime ??= new Histogram();
  }

  sessionOpened(connection: Monitored): void {
    this.opened++;
    if (OPEN.hasSubscribers) OPEN.publish({ conn: connection.conn });
  }

  sessionUpgraded(connection: Monitored): void {
    this.upgraded++;
    if (UPGRADE.hasSubscribers) UPGRADE.publish({ conn: connection.conn });
  }

  sessionSuspended(connection: Monitored, reason: CloseReason, cause: Error | undefined): void {
    this.suspended++;
    if (SUSPEND.hasSubscribers) SUSPEND.publish({ conn: connection.conn, reason, cause });
  }

  sessionResumed(connection: Monitored): void {
    this.resumed++;
    if (RESUME.hasSubscribers) RESUME.publish({ conn: connection.conn });
  }

  sessionClosed(connection: Monitored, reason: CloseReason, cause: Error | undefined): void {
    countOne(this.closed, limitOf(cause) === undefined ? reason : LIMIT_EXCEEDED);
    if (CLOSE.hasSubscribers) CLOSE.publish({ conn: connection.conn, reason, cause });
  }

  requestRefused(refused: RefusedRequest): void {
    countOne(this.refused, REFUSAL_NAMES.get(refused.code) ?? String(refused.code));
    warnOfNoDecision(refused, this.warnings);
    warnOfRefusedOrigin(refused, { options: this.#options(), warnings: this.warnings });
    if (REFUSE.hasSubscribers) REFUSE.publish(refused);
  }

  socketConnected(socket: Socket): void {
    this.connected++;
    if (CONNECT.hasSubscribers) CONNECT.publish({ socket });
  }

  socketDisconnected(socket: Socket, reason: ServerDisconnectReason): void {
    countOne(this.disconnected, reason);
    if (DISCONNECT.hasSubscribers) DISCONNECT.publish({ socket, reason });
  }

  packetCame(connection: Monitored, packet: Packet): void {
    this.packetsIn++;
    if (PACKET_IN.hasSubscribers) PACKET_IN.publish({ conn: connection.conn, packet });
  }

  packetLeaves(connection: Monitored, packet: EncodedPacket): void {
    this.packetsOut++;
    if (PACKET_OUT.hasSubscribers) PACKET_OUT.publish({ conn: connection.conn, packet });
  }

  /**
   * A limit was exceeded, and the client was told. The one place that hears of limits; errors that speak of none are not
   * told.
   *
   * @param address of the client, as `handshake.address` has it
   * @param connection left out: it never got that far
   */
  limitExceeded(error: SockeyeError, address: string, connection?: Monitored): void {
    const limit = LIMIT_BY_CODE[error.code];
    if (limit !== undefined) this.#exceeded(limit, error, { address, connection });
  }

  /** The same for a reader of a room over plain HTTP. */
  feedRefused(limit: LimitName, error: SockeyeError, address: string): void {
    this.#exceeded(limit, error, { address, connection: undefined });
  }

  #exceeded(
    limit: LimitName,
    error: SockeyeError,
    { address, connection }: { address: string; connection: Monitored | undefined },
  ): void {
    countOne(this.limits, limit);
    this.warnings.warnOnce("SOCKEYE_LIMIT", limit, () => limitText(limit, error, address));
    if (LIMIT.hasSubscribers) LIMIT.publish({ limit, error, address, conn: connection?.conn });
  }

  /** An event or call of a client does not keep to the contract. */
  eventRefused(error: ContractError, { event, namespace }: ErrorContext): void {
    countOne(this.eventsRefused, error.code);
    this.warnings.warnOnce("SOCKEYE_EVENT_REFUSED", String(event), () => refusedText(error, namespace));
  }

  failed(error: unknown, context: ErrorContext): void {
    this.errors++;
    if (ERROR.hasSubscribers) ERROR.publish({ error, context });
  }
}

/** The reason in the metrics for sessions that a limit has ended. Their clients are told one of Socket.IO's. */
export const LIMIT_EXCEEDED = "limit exceeded";

/** By their codes. */
const REFUSAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(REFUSALS).map(([name, { code }]) => [code, name]),
);

function refusedText({ code, message }: ContractError, namespace: string): string {
  return `An event was refused in namespace ${shown(namespace)} (${code}: ${shown(message)}). See docs/contract.md; io.on("error") tells of each`;
}

function limitOf(cause: Error | undefined): keyof Limits | undefined {
  return cause instanceof SockeyeError ? LIMIT_BY_CODE[cause.code] : undefined;
}

function limitText(limit: LimitName, { code, message }: SockeyeError, address: string): string {
  const option = limit === "maxMessageBytes" ? "maxHttpBufferSize: …" : `limits: { ${limit}: … }`;
  const more = `If it is right that clients need more: new Server(http, { ${option} }), and see docs/limits.md`;
  return `A client at ${shown(address)} has hit the limit ${limit} (${code}: ${shown(message)}). ${more}`;
}

/** Words of our own are fewer; another engine's may be anything, and are not counted beyond this. */
const MOST_KEYS = 200;

/** The keys come from short, fixed lists. */
function countOne<Key>(counts: Map<Key, number>, key: Key): void {
  if (counts.size >= MOST_KEYS && !counts.has(key)) return;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
