import { startTimer, stopTimer } from "@sockeye/protocol";
import type { Connection, ConnectionSink } from "./connection.js";
import type { RedisArgument } from "./scripts.js";
import type { Server, Servers } from "./servers.js";
import { slotOf } from "./slot.js";

/** How long it may take to find the servers and to connect to them. */
const OPEN_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** Answers of a server that is not the right one any more. */
const ELSEWHERE = /^(?:MOVED|READONLY|CLUSTERDOWN|MASTERDOWN|LOADING) /;

/**
 * Connections to all servers that are needed, as one: the loss of one is the loss of all. Then the servers are looked up again, since another one may
 * have taken over.
 */
export class RoutedConnection implements Connection {
  readonly #find: () => Servers;
  readonly #sink: ConnectionSink;
  /** Those that were asked for. Once it comes back, there is a connection for each of them. */
  readonly #slots = new Set<number>();
  readonly #routes = new Map<number, Promise<Connection>>();
  readonly #byName = new Map<string, Promise<Connection>>();
  #open: Connection[] = [];
  #servers: Servers | undefined;
  #state: "opening" | "ready" | "lost" | "cut" = "opening";
  /** What belongs to an older one is ignored. */
  #attempt = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: ReturnType<typeof startTimer> | undefined;

  constructor(find: () => Servers, sink: ConnectionSink) {
    this.#find = find;
    this.#sink = sink;
    this.#begin();
  }

  subscribe(channels: readonly string[]): Promise<unknown> {
    const bySlot = new Map<number, string[]>();
    for (const channel of channels) {
      const slot = slotOf(channel);
      const known = bySlot.get(slot);
      if (known) known.push(channel);
      else bySlot.set(slot, [channel]);
    }
    return this.#orLost(
      Promise.all([...bySlot].map(async ([slot, those]) => (await this.#route(slot)).subscribe(those))),
    );
  }

  unsubscribe(channels: readonly string[]): Promise<unknown> {
    return Promise.all(
      channels.map(async (channel) => (await this.#route(slotOf(channel))).unsubscribe([channel])),
    );
  }

  publish(channel: string, bytes: Uint8Array): Promise<unknown> {
    return this.#orLost(
      this.#route(slotOf(channel)).then((connection) => connection.publish(channel, bytes)),
    );
  }

  ask(command: readonly RedisArgument[]): Promise<unknown> {
    const [name, key, , scriptKey] = command;
    const isScript = name === "EVALSHA" || name === "EVAL";
    const attempt = this.#attempt;
    return this.#route(slotOf(`${isScript ? scriptKey : key}`))
      .then((connection) => connection.ask(command))
      .catch((error: unknown) => {
        if (error instanceof Error && ELSEWHERE.test(error.message)) this.#lost(attempt, error);
        throw error;
      });
  }

  cut(): void {
    this.#state = "cut";
    this.#end();
  }

  // ---- inside

  /** A message that was not taken, or a subscription that is not in force, is a gap. */
  #orLost<T>(done: Promise<T>): Promise<T> {
    const attempt = this.#attempt;
    return done.catch((error: unknown) => {
      this.#lost(attempt, error);
      throw error;
    });
  }

  #begin(): void {
    const attempt = ++this.#attempt;
    this.#state = "opening";
    const servers = this.#find();
    this.#servers = servers;
    this.#timer = startTimer(() => this.#lost(attempt, new Error("the servers do not answer")), OPEN_MS);
    servers
      .open()
      .then(() => Promise.all([...this.#slots].map((slot) => this.#route(slot))))
      .then(
        () => {
          if (attempt !== this.#attempt) return;
          stopTimer(this.#timer);
          this.#pauseMs = FIRST_PAUSE_MS;
          this.#state = "ready";
          this.#sink.ready();
        },
        (error: unknown) => this.#lost(attempt, error),
      );
  }

  /** In the order of the calls: what waits for a connection comes before what is said later. */
  #route(slot: number): Promise<Connection> {
    this.#slots.add(slot);
    const known = this.#routes.get(slot);
    if (known) return known;
    const [attempt, servers] = [this.#attempt, this.#servers];
    if (!servers) return Promise.reject(new Error("there is no connection"));
    const route = servers.of(slot).then((server) => this.#connect(attempt, server));
    route.catch((error: unknown) => this.#lost(attempt, error));
    this.#routes.set(slot, route);
    return route;
  }

  #connect(attempt: number, { name, dial }: Server): Promise<Connection> {
    if (attempt !== this.#attempt) return Promise.reject(new Error("the connection is lost"));
    const known = this.#byName.get(name);
    if (known) return known;
    const connected = new Promise<Connection>((resolve, reject) => {
      const connection = dial({
        ready: () => resolve(connection),
        lost: (cause) => {
          reject(cause instanceof Error ? cause : new Error("the connection is lost"));
          this.#lost(attempt, cause);
        },
        message: (channel, bytes) => {
          if (attempt === this.#attempt) this.#sink.message(channel, bytes);
        },
      });
      this.#open.push(connection);
    });
    this.#byName.set(name, connected);
    return connected;
  }

  #lost(attempt: number, cause: unknown): void {
    if (attempt !== this.#attempt || this.#state === "cut") return;
    this.#state = "lost";
    this.#end();
    this.#sink.lost(cause);
    if ((this.#state as string) === "cut") return;
    this.#timer = startTimer(() => this.#begin(), this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  #end(): void {
    this.#attempt += 1;
    stopTimer(this.#timer);
    this.#routes.clear();
    this.#byName.clear();
    for (const connection of this.#open) connection.cut();
    this.#open = [];
    this.#servers?.close();
    this.#servers = undefined;
  }
}
