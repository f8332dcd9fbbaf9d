import type { Bus, BusSink } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import type { Connection, Dial } from "./connection.js";
import { LOGGED, RedisLog, readLogged } from "./redis-log.js";
import { RedisRecords } from "./redis-records.js";
import type { RedisArgument } from "./scripts.js";
import { type IoRedisLike, type NodeRedisLike, type Way, wayOf } from "./way.js";

export interface RedisBusOptions {
  /** Uses sharded pub/sub (Redis 7 or later). Default: only with a Redis Cluster, which takes no other. */
  readonly sharded?: boolean | undefined;
  /** Before the names of channels. Default `sockeye:`. */
  readonly prefix?: string | undefined;
}

/** Begins a message that would begin like one of the log, or like this. */
const PLAIN = 0xfe;

/** Redis cuts a subscriber for which 32 MB wait. */
const MAX_BYTES = 16_777_216;

/**
 * Redis or Valkey as the bus of a cluster, by its pub/sub. It makes connections of its own, like the client that it is given: with the same addresses
 * and the same options, but without a queue for what cannot be sent. With one server they are two; with a Redis Cluster, two for each server that has
 * something of this cluster.
 *
 * ```ts
 * new Server(http, { cluster: { bus: redis(createClient({ url })), name: "shop" } });
 * ```
 *
 * @param client of the package `redis` or `ioredis`, for one server, Sentinel or a Redis Cluster; it need not be connected, and is not closed
 * @throws UsageError `ERR_BAD_OPTION` for something else, and for `sharded: false` with a Redis Cluster
 */
export function redis(client: NodeRedisLike | IoRedisLike, options: RedisBusOptions = {}): Bus {
  return new RedisBus(wayOf(client, options.sharded), options.prefix);
}

class RedisBus implements Bus {
  readonly maxBytes: number = MAX_BYTES;
  readonly order: "all" | "group";
  readonly local: boolean = false;
  readonly #dial: Dial;
  readonly #prefix: string;
  readonly #topics = new Set<string>();
  #sink: BusSink | undefined = undefined;
  #publisher: Connection | undefined = undefined;
  #subscriber: Connection | undefined = undefined;
  #publisherReady = false;
  #subscriberReady = false;
  #state: "starting" | "up" | "down" | "closed" = "starting";
  /** Of the connections: what older ones still tell is ignored. */
  #generation = 0;
  #lastPublish: Promise<unknown> = Promise.resolve();
  #opened: () => void = () => {};
  readonly log: RedisLog;
  readonly records: RedisRecords;
  /** Of questions that have no answer yet. */
  readonly #asked = new Set<(error: ClusterError) => void>();

  constructor({ dial, isSharded: sharded }: Way, prefix = "sockeye:") {
    const ask = (command: readonly RedisArgument[]): Promise<unknown> => this.#ask(command);
    this.#dial = dial;
    this.#prefix = prefix;
    this.log = new RedisLog({ prefix, ask, sharded });
    this.records = new RedisRecords({ prefix, ask });
    this.order = sharded ? "group" : "all";
  }

  open(sink: BusSink): Promise<void> {
    this.#sink = sink;
    const opened = new Promise<void>((resolve) => {
      this.#opened = resolve;
    });
    this.#connect();
    return opened;
  }

  publish(topic: string, bytes: Uint8Array): void {
    if (!this.#publisher || this.#state === "closed") return;
    // What fails with its connection is part of the gap that is told then.
    const message = (bytes[0] ?? 0) < PLAIN ? bytes : Buffer.concat([Buffer.of(PLAIN), bytes]);
    this.#lastPublish = this.#publisher.publish(this.#prefix + topic, message).catch(() => {});
  }

  subscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.add(topic);
    if (this.#subscriberReady) this.#subscribe(topics).catch(() => {});
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.delete(topic);
    if (!this.#subscriberReady || topics.length === 0) return;
    this.#subscriber?.unsubscribe(topics.map((topic) => this.#prefix + topic)).catch(() => {});
  }

  restart(): void {
    if (this.#state === "closed") return;
    this.#down(new Error("nothing was heard"));
    this.#cut();
    this.#connect();
  }

  async close(): Promise<void> {
    this.#state = "closed";
    this.#sink = undefined;
    // Without a connection nothing leaves any more, and nobody waits for it.
    if (this.#publisherReady) await this.#lastPublish;
    this.#failAsked(undefined);
    this.#cut();
  }

  // ---- inside

  #connect(): void {
    this.log.reconnects();
    const generation = ++this.#generation;
    const isCurrent = (): boolean => generation === this.#generation && this.#state !== "closed";
    this.#publisherReady = false;
    this.#subscriberReady = false;
    this.#subscriber = this.#dial({
      ready: () => {
        if (!isCurrent()) return;
        this.#subscriberReady = true;
        this.#subscribe([...this.#topics]).then(
          () => this.#check(),
          // The connection has broken again, and tells.
          () => {},
        );
      },
      lost: (cause) => {
        if (!isCurrent()) return;
        this.#subscriberReady = false;
        this.#down(cause);
      },
      message: (channel, bytes) => {
        if (isCurrent() && channel.startsWith(this.#prefix))
          this.#message(channel.slice(this.#prefix.length), bytes);
      },
    });
    this.#publisher = this.#dial({
      ready: () => {
        if (!isCurrent()) return;
        this.#publisherReady = true;
        this.#check();
      },
      lost: (cause) => {
        if (!isCurrent()) return;
        this.#publisherReady = false;
        this.#down(cause);
      },
      message: () => {},
    });
  }

  async #subscribe(topics: readonly string[]): Promise<void> {
    const generation = this.#generation;
    if (topics.length > 0) await this.#subscriber?.subscribe(topics.map((topic) => this.#prefix + topic));
    if (generation === this.#generation) this.#sink?.subscribed(topics);
  }

  #message(topic: string, bytes: Uint8Array): void {
    if (bytes[0] === LOGGED) {
      const entry = readLogged(bytes);
      if (entry) this.#sink?.message(entry.topic, entry.bytes, entry.at);
    } else this.#sink?.message(topic, bytes[0] === PLAIN ? bytes.subarray(1) : bytes);
  }

  /** Clients may send a command again when they are back, or forget it: here it has failed once the connection is lost. */
  #ask(command: readonly RedisArgument[]): Promise<unknown> {
    const publisher = this.#publisher;
    if (!publisher || this.#state !== "up") return Promise.reject(isDown(undefined));
    return new Promise((resolve, reject) => {
      this.#asked.add(reject);
      const answer = publisher.ask(command);
      const failed = (error: unknown): void => reject(isReply(error) ? error : isDown(error));
      answer.then(resolve, failed).finally(() => this.#asked.delete(reject));
    });
  }

  /** Up means: both connections work, and all that was subscribed to is in force. */
  #check(): void {
    if (!this.#publisherReady || !this.#subscriberReady || this.#state === "up") return;
    const isFirst = this.#state === "starting";
    this.#state = "up";
    if (isFirst) this.#opened();
    else this.#sink?.up(true);
  }

  #down(cause: unknown): void {
    if (this.#state !== "up") return;
    this.#state = "down";
    this.log.reconnects();
    this.#failAsked(cause);
    this.#sink?.down(isDown(cause));
  }

  #failAsked(cause: unknown): void {
    for (const reject of this.#asked) reject(isDown(cause));
    this.#asked.clear();
  }

  #cut(): void {
    this.#generation += 1;
    this.#subscriber?.cut();
    this.#publisher?.cut();
    this.#subscriberReady = false;
    this.#publisherReady = false;
  }
}

function isDown(cause: unknown): ClusterError {
  return new ClusterError("ERR_BUS_DOWN", "the connection to Redis is lost", cause);
}

/** Errors of Redis itself begin with a code. Some of them say that it cannot be asked now, or not here. */
function isReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{3,} /.test(error.message) && !NOT_NOW.test(error.message);
}

const NOT_NOW = /^(?:ASK|CLUSTERDOWN|LOADING|MASTERDOWN|MOVED|READONLY|TRYAGAIN) /;
