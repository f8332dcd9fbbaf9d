import { Socket } from "node:net";
import { ClusterError, startTimer, stopTimer, UsageError } from "@sockeye/protocol";

/** A `Pool` of the package `pg`, version 8 or later. */
export interface PoolLike {
  readonly options: object;
  readonly totalCount: number;
}

/** One statement. All that has a name is prepared once. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly Value[];
}
export type Value = string | number | Buffer | null | readonly (string | null)[] | readonly number[];
/** All columns come as PostgreSQL writes them. */
export type Row = readonly (string | null)[];

/** What a connection tells. */
export interface ConnectionSink {
  /** It has ended, for whatever reason, and does not come back. Told once. */
  lost(cause: unknown): void;
  notified(payload: string): void;
}

/** Of the package `pg`, as far as it is needed. */
interface PgClient {
  readonly processID: unknown;
  on(event: string, listener: (value?: unknown) => void): unknown;
  connect(): Promise<unknown>;
  query(statement: object): Promise<{ readonly rows: readonly Row[] }>;
  end(): Promise<unknown>;
}
export type MakeClient = (own: object) => PgClient;

/** Until PostgreSQL has let a connection in. */
const CONNECT_MS = 5_000;
const GOODBYE_MS = 1_000;

/** Clients with the options of a pool. @throws UsageError `ERR_BAD_OPTION` */
export function clientsOf(pool: PoolLike): MakeClient {
  const { options, Client } = (pool ?? {}) as {
    options?: Record<string, unknown>;
    Client?: new (options: object) => PgClient;
  };
  if (typeof Client !== "function" || typeof options !== "object")
    throw new UsageError("ERR_BAD_OPTION", "postgres() takes a Pool of the package pg.");
  return (own) => {
    // A pool hides the password from a glance: it is not enumerable.
    const all = Object.getOwnPropertyNames(options).map((name) => [name, options[name]] as const);
    return new Client({ ...Object.fromEntries(all), ...own });
  };
}

interface Asked {
  readonly statement: Statement;
  resolve(rows: readonly Row[]): void;
  reject(error: unknown): void;
}

/** One connection to PostgreSQL. It asks one thing at a time, in order. */
export class Connection {
  readonly #sink: ConnectionSink;
  readonly #socket = new Socket();
  readonly #client: PgClient;
  #asked: Asked[] = [];
  #isBusy = false;
  #isOver = false;

  constructor(makeClient: MakeClient, sink: ConnectionSink) {
    this.#sink = sink;
    this.#client = makeClient({
      stream: () => this.#socket,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      // Apps may have changed how `pg` reads values: here they stay as they come.
      types: { getTypeParser: () => (value: unknown) => value },
    });
    this.#client.on("error", (error) => this.#lost(error));
    this.#client.on("end", () => this.#lost(new Error("PostgreSQL has closed the connection")));
    this.#client.on("notification", (message) => {
      const { payload } = message as { payload?: unknown };
      if (!this.#isOver && typeof payload === "string") sink.notified(payload);
    });
  }

  /** Which process of PostgreSQL it was told that it is served by. */
  get processId(): unknown {
    return this.#client.processID;
  }

  async open(): Promise<void> {
    try {
      await this.#client.connect();
    } catch (error) {
      this.#lost(error);
      throw error;
    }
  }

  /** Rejects with what PostgreSQL says, or with `ERR_BUS_DOWN` once the connection is lost. */
  ask(statement: Statement): Promise<readonly Row[]> {
    if (this.#isOver) return Promise.reject(isDown(undefined));
    return new Promise((resolve, reject) => {
      this.#asked.push({ statement, resolve, reject });
      this.#next();
    });
  }

  /** Ends it, for good. */
  cut(): void {
    this.#over(undefined);
    this.#socket.destroy();
  }

  /** The same, politely, if it answers. */
  async close(): Promise<void> {
    this.#over(undefined);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = startTimer(resolve, GOODBYE_MS);
    });
    await Promise.race([this.#client.end(), late]).catch(() => {});
    stopTimer(timer);
    this.#socket.destroy();
  }

  #next(): void {
    const [asked] = this.#asked;
    if (this.#isBusy || !asked) return;
    this.#isBusy = true;
    const { statement, resolve, reject } = asked;
    const done = (settle: () => void): void => {
      if (this.#isOver) return;
      this.#isBusy = false;
      this.#asked.shift();
      settle();
      this.#next();
    };
    this.#client.query({ ...statement, rowMode: "array" }).then(
      ({ rows }) => done(() => resolve(rows)),
      (error: unknown) => {
        if (isReply(error)) done(() => reject(error));
        else this.#lost(error);
      },
    );
  }

  #lost(cause: unknown): void {
    if (this.#isOver) return;
    this.#over(cause);
    this.#socket.destroy();
    this.#sink.lost(cause);
  }

  #over(cause: unknown): void {
    this.#isOver = true;
    const asked = this.#asked;
    this.#asked = [];
    for (const { reject } of asked) reject(isDown(cause));
  }
}

export function isDown(cause: unknown): ClusterError {
  return new ClusterError("ERR_BUS_DOWN", "the connection to PostgreSQL is lost", cause);
}

/** What PostgreSQL answers, if the connection stays usable after that. */
function isReply(error: unknown): boolean {
  const { severity, code } = error as { severity?: unknown; code?: unknown };
  return severity === "ERROR" && typeof code === "string";
}
