import { UsageError } from "@sockeye/protocol";
import { systemClock } from "@sockeye/session";
import type { Unchecked } from "@sockeye/socket";
import { callGuarded } from "@sockeye/socket";
import { eventBytes } from "./event-bytes.js";
import type { Event, NamespaceMiddleware } from "./middleware.js";
import { type Rate, type RateStore, TokenBuckets } from "./rate-store.js";
import type { Socket } from "./socket.js";
import { Turnstile } from "./turnstile.js";

type AnySocket = Socket<Unchecked, Unchecked, Unchecked, Unchecked>;

/** Whose events are counted together. */
type Key = "socket" | "address" | ((socket: AnySocket) => string);

/** What happens to an event that is too much. */
type Exceeded = "ack" | "drop" | "close" | ((socket: AnySocket, event: Event, retryAfterMs: number) => void);

export interface RateLimitOptions extends Partial<Rate> {
  /** Counts somewhere else than in this process, in place of `points` and `perMs`. */
  store?: RateStore;
  /** Whose events are counted together. Default `socket`; `address` is that of the connection, a proxy's if there is one. */
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
}

/**
 * A middleware for namespaces that bounds how much clients may send: `io.use(rateLimit({ points: 50, perMs: 1000 }))`. Several can be used
 * beside each other, as one for all events and a stricter one for some. What is refused reaches no other middleware and no handler.
 *
 * @throws UsageError `ERR_BAD_OPTION`
 */
export function rateLimit(options: RateLimitOptions): NamespaceMiddleware<AnySocket> {
  const store = options.store ?? new TokenBuckets(rateOf(options), systemClock);
  const only = options.events && new Set<unknown>(options.events);
  const cost = costOf(options.cost);
  const exceeded = options.exceeded ?? "ack";
  return (socket) => {
    const key = keyOf(socket, options.by);
    const turnstile = new Turnstile();
    let counted = false;
    socket.use((event, next) => {
      if (only && !only.has(event[0])) {
        next();
        return;
      }
      if (!counted) {
        counted = true;
        if (key === socket.id) socket.on("disconnect", () => store.forget?.(key));
      }
      const { keeper } = socket.client;
      let kept: number | undefined;
      const decide = (waitMs: number): void => {
        keeper?.release(kept ?? 0);
        kept = 0;
        if (waitMs > 0) refuse(socket, { event, exceeded, waitMs });
        else next();
      };
      const failed = (error: unknown): void => {
        keeper?.release(kept ?? 0);
        kept = 0;
        socket.reportError(error, "rate limit");
        next();
      };
      if (!turnstile.enter(() => store.take(key, cost(event)), decide, failed)) decide(CROWDED_MS);
      kept ??= keeper?.keep(event);
    });
  };
}

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

function keyOf(socket: AnySocket, by: Key = "socket"): string {
  if (by === "socket") return socket.id;
  return by === "address" ? socket.conn.remoteAddress : by(socket);
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
