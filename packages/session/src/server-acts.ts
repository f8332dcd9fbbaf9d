import { NOOP, openPacket, PONG, probePing, probePong, UPGRADE, withCount } from "@sockeye/codec";
import type { Clock, CloseReason, Frame, OpenData, Timer, Transport, TransportSink } from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import type { ProbeLimits, Served, ServerActs, ServerRole } from "./config.js";
import { moved } from "./counted.js";
import type { Upgradable, Upgrade } from "./upgrade.js";
import { probeError } from "./upgrade.js";

/** Some eleven days: both together are no more than what timers of clients can wait. */
const LONGEST_MS = 1e9;

export const serverActs: ServerActs = {
  begin: (session, role, now, limits) => {
    session.queue(openPacket({ ...termsOf(session, role, undefined), limits }));
    if (role.initialPacket) session.queue(role.initialPacket);
    session.dueIn(role.pings === "client" ? longestSilenceMs(role) : role.pingIntervalMs, now);
  },
  due: (session, role, now) => {
    if (isOverdue(session)) return;
    const clientPings = role.pings === "client";
    if (!clientPings && !session.awaitsPong) {
      session.awaitsPong = true;
      session.counted?.heartbeat();
      session.send(withCount("ping", session.counted?.untold()));
    } else if (!session.heard) {
      session.broken("ping timeout", undefined);
      return;
    }
    session.dueIn(clientPings ? longestSilenceMs(role) : role.pingTimeoutMs, now);
  },
  pinged: (session, role, now) => {
    if (role.pings !== "client") {
      session.violated("ping");
    } else if (!isOverdue(session)) {
      session.send(PONG);
      session.dueIn(longestSilenceMs(role), now);
    }
  },
  ponged: (session, role, now) => {
    if (role.pings === "client") {
      session.violated("pong");
    } else if (session.awaitsPong) {
      session.awaitsPong = false;
      if (session.counted?.answered === false) {
        const text = "not all that was sent before the heartbeat has arrived";
        session.broken("transport error", new SessionError("ERR_NOT_ACKNOWLEDGED", text));
      } else {
        session.dueIn(role.pingIntervalMs, now);
      }
    }
  },
  claimed: (session, role, { transport, claim, now }) => {
    const { counted, id } = session;
    const { secrets } = role;
    if (!counted || !secrets) return false;
    const isLast = secrets.fits(id, counted.generation, claim.secret);
    if (!isLast && (counted.confirmed || !secrets.fits(id, counted.generation - 1, claim.secret)))
      return false;
    if (!session.goOn(transport, claim.received)) return false;
    // A client that never got the last secret is told it once more.
    if (isLast) counted.generation++;
    counted.confirmed = false;
    counted.controls = [openPacket(termsOf(session, role, counted.received))];
    session.awaitsPong = false;
    session.dueIn(role.pingIntervalMs, now);
    session.observer?.onResume?.(transport);
    return true;
  },
  probe: (session, candidate, limits) => new ServerUpgrade(session, candidate, limits),
};

/** Has the peer begun a packet and then forgotten it? Then the session has ended. */
function isOverdue(session: Served): boolean {
  if (!session.decoder.overdue?.()) return false;
  const error = new SessionError("ERR_ATTACHMENT_LATE", "an attachment is missing for too long");
  session.end("parse error", error, true);
  return true;
}

function termsOf(session: Served, role: ServerRole, received: number | undefined): OpenData {
  const { counted, id } = session;
  return {
    sid: id,
    upgrades: role.upgrades(session.transport?.name ?? ""),
    pingInterval: Math.min(role.pingIntervalMs, LONGEST_MS),
    pingTimeout: Math.min(role.pingTimeoutMs, LONGEST_MS),
    // JSON has no `Infinity`, and null for it, which not every client takes for that.
    maxPayload: Number.isFinite(role.maxPayload) ? role.maxPayload : undefined,
    resume: counted &&
      role.secrets && { secret: role.secrets.of(id, counted.generation), ...counted.terms, received },
  };
}

function longestSilenceMs({ pingIntervalMs, pingTimeoutMs }: ServerRole): number {
  return pingIntervalMs + pingTimeoutMs;
}

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

  lost(_from: Transport, reason: CloseReason, cause?: Error): void {
    this.#fail(reason, cause);
  }

  release(old: Transport): void {
    if (this.#probed) old.send([NOOP]);
  }

  abandon(cause?: Error): void {
    this.#clock.clearTimer(this.#timer);
    this.#candidate.close(!cause, cause);
  }

  #fail(why: string, cause?: Error): void {
    // The client may have moved to it already, and must not take this for the end.
    this.abandon(this.#session.counted && moved());
    this.#session.failUpgrade(probeError(this.#candidate, why, cause));
  }
}
