import { requirePositive } from "@sockeye/engine/server";
import type { Clock } from "@sockeye/protocol";
import { REPORT, UsageError } from "@sockeye/protocol";
import { systemClock } from "@sockeye/session";
import type { Unchecked } from "@sockeye/socket";
import { callGuarded } from "@sockeye/socket";
import { answerWithin, Silence } from "./answer-within.js";
import { eventBytes, eventWeight } from "./event-bytes.js";
import { Leases } from "./leases.js";
import type { Event, NamespaceMiddleware } from "./middleware.js";
import { type Rate, type RateStore, TokenBuckets } from "./rate-store.js";
import { SerialQueue } from "./serial-queue.js";
import type { Socket } from "./socket.js";

type AnySocket = Socket<Unchecked, Unchecked, Unchecked, Unchecked>;

/** Whose events are counted together. */
type Key = "socket" | "address" | ((socket: AnySocket) => string);

/** What happens to an event that is too much. */
type Exceeded = "ack" | "drop" | "close" | ((socket: AnySocket, event: Event, retryAfterMs: number) => void);

export interface RateLimitOptions extends Partial<Rate> {
  /** Counts somewhere else than in this process, in place of `points` and `perMs`. */
  store?: RateStore;
  /**
   * Whose events are counted together. Default `socket`: those of one client, in all namespaces that use this limit. It keeps its
   * bucket when it leaves and joins again, and its address does when it connects again. `address`: all clients of an address, by
   * the option `clientAddress` if there is one, and by /64 for IPv6. A function gives a key of the app's, as the id of a user; it is asked
   * once, when the socket joins.
   */
  by?: Key;
  /** What one event takes: 1, or the bytes of its arguments as they travel. Default `events`. */
  cost?: "events" | "bytes" | ((event: Event) => number);
  /** Only these events. Default: all. */
  events?: readonly string[];
  /**
   * What happens to an event that is too much: its acknowledgement, if there is one, gets `{ error: "ERR_RATE_LIMITED", retryAfterMs }`;
   * it is dropped in silence; the connection is closed; or whatever a function does. Default `ack`.
   */
  exceeded?: Exceeded;
  /** How many milliseconds a store may take to answer before it counts as failed. Default 5000. */
  timeoutMs?: number;
  /** What happens to events while the store fails, or does not answer in time: they pass, or are too much. Default `allow`. */
  onFailure?: "allow" | "refuse";
}

/**
 * A middleware for namespaces that bounds how much clients may send: `io.use(rateLimit({ points: 50, perMs: 1000 }))`. Several can be used
 * beside each other, as one for all events and a stricter one for some. What is refused reaches no other middleware and no handler.
 *
 * @throws UsageError `ERR_BAD_OPTION`
 */
export function rateLimit(options: RateLimitOptions): NamespaceMiddleware<AnySocket> {
  const limit = new Limit(options, systemClock);
  // The one parameter says that it passes on by returning.
  return (socket) => limit.watch(socket);
}

/** One limit, of all sockets that are watched. */
class Limit {
  readonly #store: RateStore;
  readonly #only: ReadonlySet<unknown> | undefined;
  readonly #cost: (event: Event) => number;
  readonly #exceeded: Exceeded;
  readonly #by: Key;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #allows: boolean;
  readonly #leases: Leases<AnySocket["client"]>;
  /** The app has been told that the store fails. */
  #failing = false;

  constructor(options: RateLimitOptions, clock: Clock) {
    const store = options.store ?? new TokenBuckets(rateOf(options), clock);
    const { timeoutMs = DEFAULT_TIMEOUT_MS, onFailure = "allow" } = options;
    requirePositive("timeoutMs", timeoutMs);
    if (onFailure !== "allow" && onFailure !== "refuse") {
      throw new UsageError("ERR_BAD_OPTION", 'The option onFailure must be "allow" or "refuse".');
    }
    this.#store = store;
    this.#only = options.events && new Set<unknown>(options.events);
    this.#cost = costOf(options.cost);
    this.#exceeded = options.exceeded ?? "ack";
    this.#by = options.by ?? "socket";
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#allows = onFailure === "allow";
    this.#leases = new Leases({
      clock,
      fullInMs: (key) => store.fullInMs?.(key) ?? KEPT_MS,
      forget: (key) => store.forget?.(key),
    });
  }

  watch(socket: AnySocket): void {
    const by = this.#by;
    let key = typeof by === "function" ? by(socket) : undefined;
    let known = false;
    const turnstile = new SerialQueue((bytes) => socket.client.keep(bytes));
    socket.use((event, next) => {
      if (this.#only && !this.#only.has(event[0])) {
        next();
        return;
      }
      if (!known) {
        known = true;
        key ??= this.#enter(socket);
        socket.on("disconnect", () => turnstile.clear());
      }
      this.#weigh({ socket, turnstile, key: key as string, event, next });
    });
  }

  /** A client that this limit keeps a bucket for. @returns the key of the bucket */
  #enter(socket: AnySocket): string {
    const { client } = socket;
    const { group } = client;
    if (this.#by === "address" && group !== undefined) return group;
    socket.on("disconnect", () => this.#leases.leave(client));
    // One that is not counted by its address keeps its bucket as long as its session lasts.
    return this.#leases.enter(client, group ?? client.id);
  }

  #weigh({ socket, turnstile, key, event, next }: Weighed): void {
    const decide = (waitMs: number): void => {
      this.#failing = false;
      if (waitMs > 0) refuse(socket, { event, exceeded: this.#exceeded, waitMs });
      else next();
    };
    const failed = (error: unknown): void => {
      this.#failed(socket, error);
      if (this.#allows) next();
      else refuse(socket, { event, exceeded: this.#exceeded, waitMs: CROWDED_MS });
      if (error instanceof Silence) turnstile.failAll(error);
    };
    const ask = (): number | Promise<number> => {
      const answer = this.#store.take(key, this.#cost(event));
      return typeof answer === "number" ? answer : answerWithin(answer, this.#timeoutMs, this.#clock);
    };
    if (!turnstile.enter(ask, decide, failed, () => eventWeight(event))) {
      refuse(socket, { event, exceeded: this.#exceeded, waitMs: CROWDED_MS });
    }
  }

  /** The app is told once, until the store answers again: clients choose how often it is asked. */
  #failed(socket: AnySocket, error: unknown): void {
    if (this.#failing) return;
    this.#failing = true;
    socket[REPORT](error, "rate limit");
  }
}

/** An event whose cost is about to be taken. */
interface Weighed {
  readonly socket: AnySocket;
  readonly turnstile: SerialQueue;
  readonly key: string;
  readonly event: Event;
  readonly next: () => void;
}

const DEFAULT_TIMEOUT_MS = 5000;

/** How long the bucket of a client that has left is kept, if the store does not say when it is full. */
const KEPT_MS = 60_000;

/** What a client is told to wait if its events come faster than the store answers. */
const CROWDED_MS = 1000;

function rateOf({ points, perMs }: RateLimitOptions): Rate {
  if (points === undefined || perMs === undefined) {
    throw new UsageError("ERR_BAD_OPTION", "A rate limit needs points and perMs, or a store.");
  }
  return { points, perMs };
}

function costOf(cost: RateLimitOptions["cost"]): (event: Event) => number {
  if (typeof cost === "function") return cost;
  return cost === "bytes" ? eventBytes : () => 1;
}

function refuse(
  socket: AnySocket,
  { event, exceeded, waitMs }: { event: Event; exceeded: Exceeded; waitMs: number },
): void {
  if (typeof exceeded === "function") {
    callGuarded(exceeded as never, [socket, event, waitMs], { target: socket, event: "rate limit" });
  } else if (exceeded === "close") socket.disconnect(true);
  else if (exceeded === "ack") {
    const ack: unknown = event.at(-1);
    if (typeof ack === "function") ack({ error: "ERR_RATE_LIMITED", retryAfterMs: waitMs });
  }
}
