import { type Limits, SessionError, type SockeyeError } from "@sockeye/protocol";

export type PendingLimits = Pick<Limits, "maxPending" | "maxPendingPerAddress">;

/** A connection that is held open and belongs to no session: it may be cut, and counts as gone then. */
export interface PendingVisitor {
  /** The address under which it counts; `undefined`: under none. */
  readonly address: string | undefined;
  /** Ends it. It may tell that it has left then, or later. */
  cut(): void;
}

/**
 * All that is held open without being a session, the eldest first: claims that are not granted, WebTransport sessions before their
 * first packet, WebSockets that close. One too many ends the eldest, since a client that means it is done within a round trip.
 */
export class Pending {
  readonly #limits: PendingLimits;
  readonly #exceeded: (error: SockeyeError, address: string | undefined) => void;
  readonly #all = new Set<PendingVisitor>();
  readonly #byAddress = new Map<string, Set<PendingVisitor>>();

  /** @param exceeded told when one is cut for a limit */
  constructor(limits: PendingLimits, exceeded: (error: SockeyeError, address: string | undefined) => void) {
    this.#limits = limits;
    this.#exceeded = exceeded;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Is anything counted by address? */
  get countsAddresses(): boolean {
    return this.#limits.maxPendingPerAddress !== Number.POSITIVE_INFINITY;
  }

  /** Comes in. Counts until {@link leave}. */
  enter(visitor: PendingVisitor): void {
    this.#all.add(visitor);
    this.#enterAddress(visitor);
    const { maxPending } = this.#limits;
    if (this.#all.size <= maxPending) return;
    this.#cutEldest(this.#all, new SessionError("ERR_TOO_MANY_PENDING", "too many are held open"));
  }

  /** The same for one that was a session, or a candidate for one: it counts for its address alone. */
  enterAddress(visitor: PendingVisitor): void {
    this.#enterAddress(visitor);
  }

  /** Harmless if it has left. */
  leave(visitor: PendingVisitor): void {
    this.#all.delete(visitor);
    const { address } = visitor;
    if (address === undefined) return;
    const neighbours = this.#byAddress.get(address);
    neighbours?.delete(visitor);
    if (neighbours?.size === 0) this.#byAddress.delete(address);
  }

  #enterAddress(visitor: PendingVisitor): void {
    const { address } = visitor;
    if (address === undefined || !this.countsAddresses) return;
    let neighbours = this.#byAddress.get(address);
    if (neighbours === undefined) {
      neighbours = new Set();
      this.#byAddress.set(address, neighbours);
    }
    neighbours.add(visitor);
    if (neighbours.size <= this.#limits.maxPendingPerAddress) return;
    const text = "too many are held open for this address";
    this.#cutEldest(neighbours, new SessionError("ERR_TOO_MANY_PENDING_OF_ADDRESS", text));
  }

  #cutEldest(visitors: ReadonlySet<PendingVisitor>, error: SockeyeError): void {
    for (const eldest of visitors) {
      this.leave(eldest);
      this.#exceeded(error, eldest.address);
      eldest.cut();
      return;
    }
  }
}
