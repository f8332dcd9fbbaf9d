import type { Duplex } from "node:stream";
import type { Clock } from "@sockeye/protocol";
import type { IncomingUpgrade } from "../request/incoming.js";
import type { Pending } from "../request/pending.js";
import type { KnownSession } from "./checks.js";

/** A WebSocket that was never part of a session is cut after so long, if its peer has not closed it. */
const DISMISSAL_MS = 5000;

/** WebSockets whose end has begun and whose peers have not closed yet: each counts as held open by the address that it came from. */
export class ClosingSockets {
  readonly #clock: Clock;
  readonly #pending: Pending;
  readonly #addressOf: (visit: IncomingUpgrade) => string | undefined;
  readonly #addresses = new WeakMap<Duplex, string>();
  /** Sessions of which a WebSocket that they did not want has not closed yet. */
  readonly #turningAway = new WeakSet<KnownSession>();
  /** All whose end has begun. */
  readonly #open = new Set<Duplex>();
  #state: "open" | "closed" = "open";

  constructor(clock: Clock, pending: Pending, addressOf: (visit: IncomingUpgrade) => string | undefined) {
    this.#clock = clock;
    this.#pending = pending;
    this.#addressOf = addressOf;
  }

  /** The visit becomes a WebSocket. */
  remember(visit: IncomingUpgrade): void {
    if (!this.#pending.countsAddresses) return;
    const address = this.#addressOf(visit);
    if (address !== undefined) this.#addresses.set(visit.socket, address);
  }

  /** Is there one already that the session did not want? */
  isTurningAway(session: KnownSession): boolean {
    return this.#turningAway.has(session);
  }

  /** The session does not want it, and its end has begun. */
  turnAway(session: KnownSession, socket: Duplex): void {
    this.#turningAway.add(session);
    socket.once("close", () => this.#turningAway.delete(session));
    this.dismiss(socket);
  }

  /** The server closes: a peer that does not close is not to keep it from its end. */
  close(): void {
    this.#state = "closed";
    for (const socket of this.#open) this.dismiss(socket);
  }

  /** Its end has begun, and its peer has proved nothing: it is not given the time of a peer of ours. */
  dismiss(socket: Duplex): void {
    if (socket.destroyed) return;
    const timer = this.#clock.setTimer(() => socket.destroy(), DISMISSAL_MS);
    socket.once("close", () => this.#clock.clearTimer(timer));
  }

  /** Its end has begun. @param cut ends it at once */
  closing(socket: Duplex, cut: () => void): void {
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    if (this.#state === "closed") this.dismiss(socket);
    const address = this.#addresses.get(socket);
    if (address === undefined) return;
    const visitor = { address, cut };
    this.#pending.enterAddress(visitor);
    socket.once("close", () => this.#pending.leave(visitor));
  }
}
