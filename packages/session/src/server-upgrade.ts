import { NOOP, probePing, probePong, UPGRADE } from "@sockeye/codec";
import type {
  Clock,
  CloseReason,
  Frame,
  PipeClose,
  PipeEnd,
  Timer,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import type { Upgradable, Upgrade } from "./upgrade.js";
import { beginUpgrade, completeUpgrade, failUpgrade, probeError } from "./upgrade.js";

/** What a candidate sends until it has taken over is a few bytes: nothing larger is collected. */
const MAX_PROBE_BYTES = 8192;

export interface ProbeLimits {
  readonly clock: Clock;
  /** Time for an upgrade to complete, in ms. */
  readonly timeoutMs: number;
}

/** The accepting half of an upgrade: see the picture in upgrade.ts. */
export class ServerUpgrade implements Upgrade, TransportSink {
  readonly #session: Upgradable;
  readonly #candidate: Transport;
  readonly #clock: Clock;
  readonly #timer: Timer;
  #probed = false;

  constructor(session: Upgradable, candidate: Transport, limits: ProbeLimits) {
    this.#session = session;
    this.#candidate = candidate;
    this.#clock = limits.clock;
    this.#timer = limits.clock.setTimer(() => this.#fail("upgradeTimeout"), limits.timeoutMs);
    candidate.bind(this);
  }

  frame(_from: Transport, frame: Frame): void {
    if (frame === probePing.head && !this.#probed) {
      this.#probed = true;
      this.#candidate.send([probePong]);
      beginUpgrade(this.#session, this.#candidate);
      const { transport } = this.#session;
      if (transport?.writable) this.release(transport);
    } else if (frame === UPGRADE.head && this.#probed) {
      this.#clock.clearTimer(this.#timer);
      completeUpgrade(this.#session, this.#candidate);
    } else {
      this.#fail("no probe");
    }
  }

  writable(): void {}

  holds(from: Transport): void {
    if ((from.gatheredBytes ?? 0) > MAX_PROBE_BYTES) this.#fail("no probe");
  }

  ended(_from: Transport, _how: PipeEnd, reason: CloseReason, cause?: Error): void {
    this.#fail(reason, cause);
  }

  release(old: Transport): void {
    if (this.#probed) old.send([NOOP]);
  }

  abandon(how: PipeClose): void {
    this.#clock.clearTimer(this.#timer);
    this.#candidate.close(how);
  }

  #fail(why: string, cause?: Error): void {
    // The client may have moved to it already, and must not take this for the end.
    this.abandon(this.#session.counted ? "moved" : "goodbye");
    failUpgrade(this.#session, probeError(this.#candidate, why, cause));
  }
}
