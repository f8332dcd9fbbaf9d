import { NOOP, openPacket, probePing, probePong, UPGRADE } from "@sockeye/codec";
import type { Clock, CloseReason, Frame, Timer, Transport, TransportSink } from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import type { ProbeLimits, ServerActs } from "./config.js";
import type { Upgradable, Upgrade } from "./upgrade.js";
import { probeError } from "./upgrade.js";

export const serverActs: ServerActs = {
  greeting: (role, sid, transport) => {
    const open = openPacket({
      sid,
      upgrades: role.upgrades(transport),
      pingInterval: role.pingIntervalMs,
      pingTimeout: role.pingTimeoutMs,
      maxPayload: role.maxPayload,
    });
    return role.initialPacket ? [open, role.initialPacket] : [open];
  },
  overdue: (decoder) => {
    if (!decoder.overdue?.()) return undefined;
    return new SessionError("ERR_ATTACHMENT_LATE", "an attachment is missing for too long");
  },
  probe: (session, candidate, limits) => new ServerUpgrade(session, candidate, limits),
};

/** The accepting half of an upgrade: see the picture in upgrade.ts. */
class ServerUpgrade implements Upgrade, TransportSink {
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
      this.#session.beginUpgrade(this.#candidate);
      const { transport } = this.#session;
      if (transport?.writable) this.release(transport);
    } else if (frame === UPGRADE.head && this.#probed) {
      this.#clock.clearTimer(this.#timer);
      this.#session.completeUpgrade(this.#candidate);
    } else {
      this.#fail("no probe");
    }
  }

  writable(): void {}

  closed(_from: Transport, reason: CloseReason, cause?: Error): void {
    this.#fail(reason, cause);
  }

  release(old: Transport): void {
    if (this.#probed) old.send([NOOP]);
  }

  abandon(): void {
    this.#clock.clearTimer(this.#timer);
    this.#candidate.close(true);
  }

  #fail(why: string, cause?: Error): void {
    this.abandon();
    this.#session.failUpgrade(probeError(this.#candidate, why, cause));
  }
}
