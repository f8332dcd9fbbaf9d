import type { Bus, BusSink, Position } from "@sockeye/protocol";
import { deferTask, startTimer, stopTimer, UsageError } from "@sockeye/protocol";
import { hashOf, rungBy } from "./bell.js";
import { clientsOf, isDown, type MakeClient, type PoolLike, type Row, type Statement } from "./connection.js";
import { Link } from "./link.js";
import { PostgresLog } from "./postgres-log.js";
import { PostgresRecords } from "./postgres-records.js";
import { Reader } from "./reader.js";
import { Sweeper } from "./sweeper.js";
import { DEFAULT_PREFIX, type Tables, tablesOf } from "./tables.js";
import { Writer } from "./writer.js";

export interface PostgresBusOptions {
  /** Before the names of tables, with a schema and a dot before it if need be. Default `sockeye_`. */
  readonly prefix?: string | undefined;
}

/** A value of PostgreSQL takes more; but it is written and read as a whole. */
const MAX_BYTES = 16_777_216;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** It will say the same tomorrow: no such user, password or database, or not allowed. */
const FINAL = new Set(["28P01", "28000", "3D000", "42501"]);

/**
 * PostgreSQL as the bus of a cluster: rows carry what is said, and `NOTIFY` rings. It makes two connections of its own, with the options of the
 * pool that it is given; they must lead to PostgreSQL itself, without a pooler such as PgBouncer between them.
 *
 * ```ts
 * new Server(http, { cluster: { bus: postgres(new pg.Pool({ connectionString })), name: "shop" } });
 * ```
 *
 * @param pool of the package `pg`; it is not used itself, and not ended
 * @throws UsageError `ERR_BAD_OPTION` for something else, or a prefix that cannot be one
 */
export function postgres(pool: PoolLike, { prefix = DEFAULT_PREFIX }: PostgresBusOptions = {}): Bus {
  return new PostgresBus(clientsOf(pool), tablesOf(prefix));
}

/** What there is while it is up, or about to be. */
interface Current {
  readonly link: Link;
  readonly writer: Writer;
  readonly reader: Reader;
  sweeper?: Sweeper;
}

class PostgresBus implements Bus {
  readonly maxBytes: number = MAX_BYTES;
  readonly order: "all" = "all";
  readonly local: boolean = false;
  readonly log: PostgresLog;
  readonly records: PostgresRecords;
  readonly #makeClient: MakeClient;
  readonly #tables: Tables;
  readonly #topics = new Set<string>();
  /** How many topics there are of each hash. */
  readonly #hashes = new Map<string, number>();
  #sink: BusSink | undefined = undefined;
  #state: "starting" | "up" | "down" | "closed" = "starting";
  #current: Current | undefined = undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: ReturnType<typeof setTimeout> | undefined = undefined;
  #opening: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} };

  constructor(makeClient: MakeClient, tables: Tables) {
    const ask = (statement: Statement): Promise<readonly Row[]> => {
      const link = this.#state === "up" ? this.#current?.link : undefined;
      return link ? link.ask(statement) : Promise.reject(isDown(undefined));
    };
    this.#makeClient = makeClient;
    this.#tables = tables;
    this.log = new PostgresLog(tables, ask);
    this.records = new PostgresRecords(tables, ask);
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
    if (this.#state === "up") this.#current?.writer.put(topic, bytes);
  }

  /** All bells are heard anyway. */
  subscribe(topics: readonly string[]): void {
    for (const topic of topics) {
      if (!this.#topics.has(topic)) this.#count(topic, 1);
      this.#topics.add(topic);
    }
    const current = this.#current;
    deferTask(() => {
      if (this.#state === "up" && current === this.#current) this.#sink?.subscribed(topics);
    });
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) if (this.#topics.delete(topic)) this.#count(topic, -1);
  }

  restart(): void {
    if (this.#state !== "closed") this.#renew(new Error("nothing was heard"));
  }

  async close(): Promise<void> {
    const wasUp = this.#state === "up";
    const current = this.#current;
    this.#state = "closed";
    this.#sink = undefined;
    stopTimer(this.#retry);
    current?.reader.stop();
    current?.sweeper?.stop();
    if (wasUp) await current?.writer.idle();
    this.#stop();
    if (wasUp) await current?.link.close();
  }

  // ---- inside

  #connect(): void {
    const link = new Link({
      makeClient: this.#makeClient,
      tables: this.#tables,
      notified: (payload) => reader.put(rungBy(payload, (hash) => this.#hashes.has(hash))),
      lost: (cause) => this.#lost(current, cause),
    });
    const terms = { link, tables: this.#tables };
    const reader = new Reader({
      ...terms,
      read: (topics, bytes, at) => this.#read(topics, bytes, at),
      missed: (cause) => this.#lost(current, cause),
    });
    const writer = new Writer({ ...terms, failed: (cause) => this.#lost(current, cause) });
    const current: Current = { link, reader, writer };
    this.#current = current;
    link.open().then(
      () => {
        if (current !== this.#current || this.#state === "closed") return;
        current.sweeper = new Sweeper({ ...terms, writer });
        this.#up();
      },
      (error: unknown) => this.#refused(current, error),
    );
  }

  #refused(current: Current, error: unknown): void {
    // It may have been lost first, which does not say why.
    if (this.#state === "starting" && isFinal(error)) {
      this.#stop();
      this.#opening.reject(error);
    } else this.#lost(current, error);
  }

  #up(): void {
    const isFirst = this.#state === "starting";
    this.#state = "up";
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#sink?.subscribed([...this.#topics]);
    if (isFirst) this.#opening.resolve();
    else this.#sink?.up(true);
  }

  /** It connects again after a pause: each longer than the last one, and none like another node's. */
  #lost(current: Current, cause: unknown): void {
    if (current !== this.#current || this.#state === "closed") return;
    this.#down(cause);
    const pause = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#retry = startTimer(() => this.#connect(), pause);
  }

  #renew(cause: Error): void {
    this.#down(cause);
    this.#connect();
  }

  #down(cause: unknown): void {
    const wasUp = this.#state === "up";
    if (wasUp) this.#state = "down";
    this.#stop();
    if (wasUp) this.#sink?.down(isDown(cause));
  }

  #stop(): void {
    stopTimer(this.#retry);
    const current = this.#current;
    this.#current = undefined;
    current?.sweeper?.stop();
    current?.reader.stop();
    current?.writer.stop();
    current?.link.cut();
  }

  #read(topics: readonly string[], bytes: Uint8Array, at: Position | undefined): void {
    const [topic = ""] = topics;
    if (!topics.some((each) => this.#topics.has(each))) return;
    if (at) this.#sink?.message(topic, bytes, at);
    else this.#sink?.message(topic, bytes);
  }

  #count(topic: string, by: number): void {
    const hash = hashOf(topic);
    const count = (this.#hashes.get(hash) ?? 0) + by;
    if (count > 0) this.#hashes.set(hash, count);
    else this.#hashes.delete(hash);
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof UsageError || FINAL.has(String((error as { code?: unknown }).code));
}
