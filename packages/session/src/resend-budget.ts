import type { Clock, EncodedPacket as Encoded, ResumeTerms } from "@sockeye/protocol";
import { ReplayBuffer } from "./replay-buffer.js";

/** A session may be sent so many times what it keeps at most without having received any of it. */
const TIMES = 4;
/** After so long it may be sent it once more. */
const EACH_MS = 10_000;
/** What a session keeps counts as this much at least, since one message may be much larger than the bound. */
const LEAST_BYTES = 1_048_576;

/**
 * The server's end of a session that outlives its transports: what is sent again has a price. A claim costs its sender 100 bytes, and
 * the server all that it keeps. So there is a budget of bytes for that, which time fills up, and what the client acknowledges. Once
 * it is used up a client that comes back is let in as always, and told what came in, but what is kept waits.
 */
export class ResendBudget extends ReplayBuffer {
  readonly #clock: Clock;
  readonly #most: number;
  #budget: number;
  #filledAt: number;
  #state: "flowing" | "putOff" = "flowing";

  constructor(terms: Pick<ResumeTerms, "window" | "bytes">, clock: Clock) {
    super(terms);
    this.#clock = clock;
    this.#most = TIMES * Math.max(terms.bytes, LEAST_BYTES);
    this.#budget = this.#most;
    this.#filledAt = clock.now();
  }

  override get full(): boolean {
    return this.putOff || super.full;
  }

  /** Does what is kept wait, since it was sent too often? */
  get putOff(): boolean {
    return this.#state === "putOff";
  }

  override takeUnsent(): Encoded[] {
    // What tells the client that it is back leaves in any case.
    if (!this.putOff || this.welcome) return super.takeUnsent();
    const { controls = [] } = this;
    this.controls = undefined;
    return controls;
  }

  override acknowledge(count: number): boolean {
    const before = this.retainedBytes;
    const can = super.acknowledge(count);
    this.#budget = Math.min(this.#most, this.#budget + before - this.retainedBytes);
    return can;
  }

  /** The client has come back, and all that is kept is due again. @returns for how many milliseconds it must wait */
  comeBack(): number {
    const now = this.#clock.now();
    const perMs = this.#most / TIMES / EACH_MS;
    this.#budget = Math.min(this.#most, this.#budget + (now - this.#filledAt) * perMs);
    this.#filledAt = now;
    const missing = this.retainedBytes - this.#budget;
    this.#state = missing > 0 ? "putOff" : "flowing";
    if (missing > 0) return Math.ceil(missing / perMs);
    this.#budget -= this.retainedBytes;
    return 0;
  }

  /** It has waited. */
  resume(): void {
    this.#state = "flowing";
    this.#budget = 0;
    this.#filledAt = this.#clock.now();
  }
}
