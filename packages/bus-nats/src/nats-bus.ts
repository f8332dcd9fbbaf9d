import { createHash } from "node:crypto";
import type { Bus, BusSink } from "@sockeye/protocol";
import { ClusterError, startTimer, stopTimer, UsageError } from "@sockeye/protocol";
import { type HeadersLike, JetStream } from "./jet-stream.js";
import { Link, type MessageLike, type NatsConnectionLike } from "./link.js";
import { NatsLog } from "./nats-log.js";
import { NatsRecords } from "./nats-records.js";

export interface JetStreamOptions {
  /** `headers` of `@nats-io/transport-node`. */
  headers(): HeadersLike;
  /** How many servers of a NATS cluster have what is kept. Default 1. */
  readonly replicas?: number | undefined;
  /** Default `file`. */
  readonly storage?: "file" | "memory" | undefined;
}

export interface NatsBusOptions {
  /** Before the names of subjects. Default `sockeye.` */
  readonly prefix?: string | undefined;
  /** Keeps a log and records of sessions in JetStream. All nodes must say the same. Default: nothing is kept. */
  readonly jetStream?: JetStreamOptions | undefined;
}

const DEFAULT_MAX_BYTES = 1_048_576;
const CONNECT_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** What nobody has written for so long is forgotten. */
const IDLE_MS = 604_800_000;
/** Begins the name under which a group's log is heard. */
const LIVE = "\0";
const PREFIX = /^[\w-]+(\.[\w-]+)*\.?$/;

/**
 * NATS, 2.9 or later, as the bus of a cluster. It makes a connection of its own, with the options that it is given, and reconnects by itself.
 *
 * ```ts
 * import { connect } from "@nats-io/transport-node";
 * new Server(http, { cluster: { bus: nats(connect, { servers: "nats://10.0.0.1:4222" }), name: "shop" } });
 * ```
 *
 * With `{ jetStream: { headers } }` it keeps a log, as `connectionStateRecovery` needs it.
 *
 * @param connect of `@nats-io/transport-node`, version 3
 * @param terms its options; how it reconnects is the bus's own business
 * @throws UsageError `ERR_BAD_OPTION` for something else
 */
export function nats<Terms extends object>(
  connect: (terms: Terms) => Promise<NatsConnectionLike>,
  terms: Terms,
  { prefix = "sockeye.", jetStream }: NatsBusOptions = {},
): Bus {
  if (typeof connect !== "function" || typeof terms !== "object" || terms === null) {
    const text = "nats() takes connect of the package @nats-io/transport-node, and its options.";
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  if (!PREFIX.test(prefix)) {
    const text = `The option prefix must be letters, digits, hyphens and underscores, with dots between, not ${JSON.stringify(prefix)}.`;
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  if (jetStream && typeof jetStream.headers !== "function") {
    const text =
      "The option jetStream takes { headers }, which is headers of the package @nats-io/transport-node.";
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  const own = { reconnect: false, waitOnFirstConnect: false, timeout: CONNECT_MS, noEcho: false };
  return new NatsBus(() => connect({ ...terms, ...own }), prefix, jetStream);
}

class NatsBus implements Bus {
  readonly order: "all" = "all";
  readonly local: boolean = false;
  readonly #dial: () => Promise<NatsConnectionLike>;
  readonly #prefix: string;
  readonly #topics = new Set<string>();
  #sink: BusSink | undefined = undefined;
  #state: "starting" | "up" | "down" | "closed" = "starting";
  #maxBytes = DEFAULT_MAX_BYTES;
  #link: Link | undefined = undefined;
  /** Of the connections: what older ones still tell is ignored. */
  #generation = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: ReturnType<typeof setTimeout> | undefined = undefined;
  #opening: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} };
  readonly log: NatsLog | undefined;
  readonly records: NatsRecords | undefined;
  readonly #create: () => Promise<void> = async () => {};
  /** How many topics of a group are subscribed to. */
  readonly #groups = new Map<string, number>();

  constructor(
    dial: () => Promise<NatsConnectionLike>,
    prefix: string,
    options: JetStreamOptions | undefined,
  ) {
    this.#dial = dial;
    this.#prefix = prefix;
    if (!options) return;
    const { headers, replicas = 1, storage = "file" } = options;
    const jetStream = new JetStream(
      (...question) => this.#ask(...question),
      () => headers(),
    );
    const [log, records] = ["log", "records"].map((what) => prefix.replaceAll(".", "_") + what) as [
      string,
      string,
    ];
    const subject = (what: string, name = "*"): string => `${prefix}${what}.${name}`;
    this.log = new NatsLog({
      ...{ stream: log, jetStream },
      subject: (group) => subject("log", token(group)),
      maxBytes: () => this.#maxBytes,
    });
    this.records = new NatsRecords({
      ...{ stream: records, jetStream },
      subject: (key) => subject("record", token(key)),
    });
    const common = { replicas, storage, maxAgeMs: IDLE_MS };
    this.#create = async () => {
      await jetStream.create({
        ...common,
        name: log,
        subject: subject("log"),
        told: subject("live", "{{wildcard(1)}}"),
      });
      await jetStream.create({ ...common, name: records, subject: subject("record"), perSubject: 1 });
    };
  }

  /** What the server says once it is connected. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  open(sink: BusSink): Promise<void> {
    this.#sink = sink;
    const opened = new Promise<void>((resolve, reject) => {
      this.#opening = { resolve, reject };
    });
    this.#connect();
    return opened;
  }

  publish(topic: string, bytes: Uint8Array): void {
    if (this.#state === "up") this.#link?.publish(topic, bytes);
  }

  subscribe(topics: readonly string[]): void {
    for (const topic of topics) {
      if (!this.#topics.has(topic)) this.#count(topic, 1);
      this.#topics.add(topic);
    }
    if (this.#state === "up") this.#link?.subscribe(this.#withLogs(topics));
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#count(topic, this.#topics.delete(topic) ? -1 : 0);
    const left = [...new Set(topics.map(groupOf))].filter((group) => !this.#groups.has(group));
    for (const group of left) this.log?.left(group);
    this.#link?.unsubscribe([...topics, ...left.map((group) => LIVE + group)]);
  }

  restart(): void {
    if (this.#state === "closed") return;
    this.#down(new Error("nothing was heard"));
    this.#connect();
  }

  async close(): Promise<void> {
    const link = this.#state === "up" ? this.#link : undefined;
    this.#state = "closed";
    this.#sink = undefined;
    await link?.close();
    this.#stop();
  }

  // ---- inside

  #connect(): void {
    const generation = ++this.#generation;
    const isCurrent = (): boolean => generation === this.#generation && this.#state !== "closed";
    this.#dial().then(
      (connection) => {
        if (isCurrent()) this.#begin(connection, isCurrent);
        else connection.close().catch(() => {});
      },
      (error: unknown) => {
        if (!isCurrent()) return;
        if (this.#state === "starting" && isFinal(error)) this.#opening.reject(error);
        else this.#lost(error);
      },
    );
  }

  #begin(connection: NatsConnectionLike, isCurrent: () => boolean): void {
    this.#maxBytes = connection.info?.max_payload ?? DEFAULT_MAX_BYTES;
    const link = new Link(connection, {
      subject: (topic) =>
        this.#prefix + (topic.startsWith(LIVE) ? `live.${token(topic.slice(LIVE.length))}` : token(topic)),
      heard: (topic, message) => {
        if (!isCurrent()) return;
        if (topic.startsWith(LIVE)) this.#logged(topic.slice(LIVE.length), message, isCurrent);
        else this.#sink?.message(topic, message.data);
      },
      subscribed: (topics) => {
        if (isCurrent()) this.#sink?.subscribed(topics.filter((topic) => !topic.startsWith(LIVE)));
      },
      lost: (cause) => {
        if (isCurrent()) this.#lost(cause);
      },
    });
    this.#link = link;
    this.#create().then(
      () => {
        if (isCurrent()) this.#subscribeAll(link, this.#withLogs([...this.#topics]));
      },
      (error: unknown) => {
        if (!isCurrent()) return;
        if (this.#state === "starting" && isNobody(error)) {
          this.#stop();
          this.#opening.reject(new UsageError("ERR_NOT_SUPPORTED", "This NATS runs without JetStream."));
        } else this.#lost(error);
      },
    );
  }

  /** What is told of a group's log goes to all who hear any of its topics, and what is not meant for them is left out here. */
  #logged(group: string, { data, headers }: MessageLike, isCurrent: () => boolean): void {
    const seq = Number(headers?.get("Nats-Sequence"));
    const added = Number.isSafeInteger(seq) ? this.log?.heard(group, data, seq) : undefined;
    if (added === "gap") {
      this.#lost(new Error("something of the log was not heard"));
      return;
    }
    for (const [index, { topics, bytes }] of (added?.entries ?? []).entries()) {
      if (!added || !isCurrent()) return;
      const at = { epoch: added.epoch, number: added.before + index + 1 };
      if (topics.some((topic) => this.#topics.has(topic))) this.#sink?.message(topics[0] ?? "", bytes, at);
    }
  }

  #count(topic: string, more: number): void {
    const group = groupOf(topic);
    const count = (this.#groups.get(group) ?? 0) + more;
    if (count > 0) this.#groups.set(group, count);
    else this.#groups.delete(group);
  }

  /** These topics, and the logs of their groups. */
  #withLogs(topics: readonly string[]): readonly string[] {
    return this.log ? [...topics, ...new Set(topics.map((topic) => LIVE + groupOf(topic)))] : topics;
  }

  async #ask(subject: string, payload: Uint8Array, headers?: HeadersLike): Promise<Uint8Array> {
    const link = this.#state === "closed" ? undefined : this.#link;
    try {
      if (!link) throw new Error("there is no connection");
      return await link.request(subject, payload, headers);
    } catch (error) {
      // Its streams are gone, and are made again with a new connection.
      if (this.#state === "up" && this.#link === link && isNobody(error)) this.#lost(error);
      throw new ClusterError("ERR_BUS_DOWN", "NATS has not answered", error);
    }
  }

  /** It is up once it has asked for all topics, those that came meanwhile, too. */
  async #subscribeAll(link: Link, topics: readonly string[]): Promise<void> {
    await link.subscribe(topics);
    if (this.#link !== link || this.#state === "closed") return;
    const later = this.#withLogs([...this.#topics]).filter((topic) => !link.has(topic));
    if (later.length > 0) await this.#subscribeAll(link, later);
    else this.#up();
  }

  #up(): void {
    const isFirst = this.#state === "starting";
    this.#state = "up";
    this.#pauseMs = FIRST_PAUSE_MS;
    if (isFirst) this.#opening.resolve();
    else this.#sink?.up(true);
  }

  /** It connects again after a pause: each longer than the last one, and none like another node's. */
  #lost(cause: unknown): void {
    this.#down(cause);
    const pause = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#retry = startTimer(() => this.#connect(), pause);
  }

  #down(cause: unknown): void {
    const wasUp = this.#state === "up";
    if (wasUp) this.#state = "down";
    this.#stop();
    if (wasUp) this.#sink?.down(new ClusterError("ERR_BUS_DOWN", "the connection to NATS is lost", cause));
  }

  #stop(): void {
    stopTimer(this.#retry);
    this.#generation += 1;
    this.#link?.cut();
    this.#link = undefined;
    this.log?.lost();
  }
}

/** Longer names are hashed: NATS bounds its lines. */
const MAX_TOKEN = 200;

/** A topic as one token of a subject: it has no spaces, dots or wildcards. */
export function token(topic: string): string {
  let text = "";
  for (const byte of Buffer.from(topic)) {
    const char = String.fromCharCode(byte);
    text += /[\w-]/.test(char) ? char : `=${byte.toString(16).padStart(2, "0")}`;
  }
  return text.length > MAX_TOKEN ? `==${createHash("sha256").update(topic).digest("base64url")}` : text;
}

/** Nobody listens there. */
function isNobody(error: unknown): boolean {
  const { name, cause } = error instanceof Error ? error : { name: "", cause: undefined };
  return name === "NoResponders" || (cause !== undefined && isNobody(cause));
}

function groupOf(topic: string): string {
  return topic.slice(0, topic.indexOf("}") + 1);
}

/** It will say the same tomorrow. */
function isFinal(error: unknown): boolean {
  const name = error instanceof Error ? error.name : "";
  return ["AuthorizationError", "InvalidArgumentError"].includes(name);
}
