import { NOOP, openPacket, PONG, probePing, probePong, UPGRADE, withCount } from "@sockeye/codec";
import type {
  Clock,
  CloseReason,
  Frame,
  OpenData,
  PipeClose,
  PipeEnd,
  Timer,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import type { ProbeLimits, ServerEnd, ServerRole, ServerSession } from "./config.js";
import { ResendBudget } from "./resend-budget.js";
import type { Upgradable, Upgrade } from "./upgrade.js";
import { probeError } from "./upgrade.js";

/** What a candidate sends until it has taken over is a few bytes: nothing larger is collected. */
const MAX_PROBE_BYTES = 8192;
/** So many times as long a client may take to answer. */
const MORE_TIME = 4;
/** The part of the time to answer that the process may be late with a PING, at the cost of who answers. */
const HARDLY = 1 / 2;
/** Some eleven days: both together are no more than what timers of clients can wait. */
const LONGEST_MS = 1e9;

export const serverEnd: ServerEnd = {
  begin: (session, role, now, limits) => {
    session.queue(openPacket({ ...termsOf(session, role, undefined), limits }));
    if (role.initialPacket) session.queue(role.initialPacket);
    session.listens = role.pings === "client";
    session.heardAt = now;
    session.setDeadline(role.pings === "client" ? longestSilenceMs(role) : role.pingIntervalMs, now);
  },
  due: (session, role, now) => {
    if (isOverdue(session)) return;
    if (session.counted instanceof ResendBudget && session.counted.putOff) {
      session.counted.resume();
      session.flush();
      session.setDeadline(role.pingIntervalMs, now);
      return;
    }
    if (role.pings === "client") {
      const silenceMs = longestSilenceMs(role);
      if (now < session.heardAt + silenceMs) session.setDeadline(silenceMs, session.heardAt);
      else if (session.transport?.unread) session.setDeadline(silenceMs, now);
      else session.transportLost("ping timeout", undefined);
      return;
    }
    const timeoutMs = timeoutOf(session, role);
    const isFirst = session.pingsOut === 0;
    // What has come and waits for its turn is a sign of life.
    if (session.transport?.unread) session.heardAt = now;
    if (!isFirst && now >= session.heardAt + timeoutMs) {
      session.transportLost("ping timeout", undefined);
      return;
    }
    // A client whose answer waits behind something large must not take this end for dead.
    if (isFirst || (session.heardAt > session.pingedAt && now >= session.pingedAt + role.pingIntervalMs)) {
      session.pingedAt = isFirst ? session.dueAt : now;
      // A PING that is hardly late must not make the whole time longer.
      if (isFirst) session.heardAt = now - session.dueAt > timeoutMs * HARDLY ? now : session.dueAt;
      session.listens = true;
      session.pingsOut++;
      session.counted?.heartbeat();
      session.send(withCount("ping", session.counted?.unreported()));
    }
    const nextPing = session.pingedAt + role.pingIntervalMs;
    const deadline = session.heardAt + timeoutMs;
    session.setDeadline(0, nextPing > now ? Math.min(nextPing, deadline) : deadline);
  },
  pinged: (session, role, now) => {
    if (role.pings !== "client") {
      session.protocolError("ping");
    } else if (!isOverdue(session)) {
      session.send(PONG);
      session.setDeadline(longestSilenceMs(role), now);
    }
  },
  ponged: (session, role, now) => {
    if (role.pings === "client") {
      session.protocolError("pong");
    } else if (session.pingsOut > 0 && --session.pingsOut === 0) {
      session.listens = false;
      if (session.counted?.answered === false) {
        const text = "not all that was sent before the heartbeat has arrived";
        session.transportLost("transport error", new SessionError("ERR_NOT_ACKNOWLEDGED", text));
      } else {
        // Not from the answer on: heartbeats would drift.
        const next = session.pingedAt + role.pingIntervalMs;
        session.setDeadline(0, next > now ? next : now + role.pingIntervalMs);
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
    if (!session.switchTransport(transport, claim.received, longestSilenceMs(role))) return false;
    // A client that never got the last secret is told it once more.
    if (isLast) counted.generation++;
    counted.confirmed = false;
    counted.welcome = openPacket(termsOf(session, role, counted.received));
    session.pingsOut = 0;
    session.listens = false;
    // What is sent again has a price. The heartbeat comes after it.
    const putOffMs = counted instanceof ResendBudget ? counted.comeBack() : 0;
    session.setDeadline(putOffMs > 0 ? Math.min(putOffMs, role.pingIntervalMs) : role.pingIntervalMs, now);
    session.observer?.onResume?.(transport);
    return true;
  },
  probe: (session, candidate, limits) => new ServerUpgrade(session, candidate, limits),
};

/** Has the peer begun a packet and then forgotten it? Then the session has ended. */
function isOverdue(session: ServerSession): boolean {
  // It is coming, slowly.
  if (session.progressed) {
    session.progressed = false;
    return false;
  }
  if (!session.decoder.overdue?.()) return false;
  const error = new SessionError("ERR_ATTACHMENT_LATE", "an attachment is missing for too long");
  session.end({ reason: "parse error", cause: error });
  return true;
}

function termsOf(session: ServerSession, role: ServerRole, received: number | undefined): OpenData {
  const { counted, id } = session;
  return {
    sid: id,
    upgrades: role.upgrades(session.transport?.name ?? ""),
    pingInterval: Math.min(role.pingIntervalMs, LONGEST_MS),
    pingTimeout: Math.min(timeoutOf(session, role), LONGEST_MS),
    // JSON has no `Infinity`, and null for it, which not every client takes for that.
    maxPayload: Number.isFinite(role.maxPayload) ? role.maxPayload : undefined,
    resume: counted &&
      role.secrets && { secret: role.secrets.of(id, counted.generation), ...counted.terms, received },
  };
}

/** Where nothing got through over the last transport, the next one has more time: clients don't always see, and tell, that something large is coming in. */
function timeoutOf({ counted }: ServerSession, { pingTimeoutMs }: ServerRole): number {
  return counted?.isSlow ? pingTimeoutMs * MORE_TIME : pingTimeoutMs;
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
    this.#session.failUpgrade(probeError(this.#candidate, why, cause));
  }
}
