import { openPacket, PONG, withCount } from "@sockeye/codec";
import type { Claim, CloseReason, EncodedPacket, OpenData, PacketLimits, Transport } from "@sockeye/protocol";
import { SESSION_STATES, SessionError } from "@sockeye/protocol";
import type { Bounds, SessionConfig, SessionSink } from "./config.js";
import { unexpected } from "./control-packets.js";
import type { Sender } from "./outgoing.js";
import type { ReplayBuffer } from "./replay-buffer.js";
import { ResendBudget } from "./resend-budget.js";
import { ServerOutgoing } from "./server-outgoing.js";
import { ServerUpgrade } from "./server-upgrade.js";
import { Session } from "./session.js";
import type { SessionEnd } from "./session-end.js";

/** How many times as long a client may take to answer. */
const MORE_TIME = 4;
/** The part of the time to answer that the process may be late with a PING, at the cost of who answers. */
const HARDLY = 1 / 2;
/** Some eleven days: both together are no more than what timers of clients can wait. */
const LONGEST_MS = 1e9;

/** Secrets by which clients prove that a session is theirs. Each generation of a session has its own. */
export interface Secrets {
  of(sid: string, generation: number): string;
  /** Takes the same time whatever is wrong. */
  fits(sid: string, generation: number, secret: string): boolean;
}

/** The accepting end: it sets the terms, pings, and lets itself be upgraded. */
export interface ServerRole {
  /** Time from one PING to the next, in ms. One that is answered later than that is followed by the next after this time. */
  readonly pingIntervalMs: number;
  /** Time for the PONG to come, in ms. Each sign of life starts it again. */
  readonly pingTimeoutMs: number;
  /** Time for an upgrade to complete, in ms. */
  readonly upgradeTimeoutMs: number;
  /**
   * Who keeps the connection alive. In revision 3 of the protocol it is the client that pings, and this end only waits:
   * at most both times together. Default: this end.
   */
  readonly pings?: "server" | "client" | undefined;
  /** Told to the client: bytes of the largest message. */
  readonly maxPayload: number;
  /** Told to clients that know what it means: what is accepted of one packet. */
  readonly limits?: PacketLimits | undefined;
  /** A message that every client gets right after OPEN. */
  readonly initialPacket: EncodedPacket | undefined;
  /** Needed if sessions are counted. */
  readonly secrets?: Secrets | undefined;
  /** The transports to which a session on this one may be upgraded, as told to the client. */
  upgrades(transport: string): readonly string[];
  /** A candidate has taken over. */
  upgraded?(transport: Transport, sid: string): void;
  /** The transport of a session is lost, and the client may come back. */
  suspended?(sid: string, reason: CloseReason, cause: Error | undefined): void;
  /** The session needs nothing any more, its pipe included. Its id may be forgotten. */
  ended(sid: string, reason: CloseReason): void;
}

export interface ServerConfig extends SessionConfig, Bounds {
  readonly role: ServerRole;
}

/** What a session is made with. */
export interface ServerStart {
  readonly id?: string | undefined;
  /** Set if the client has offered to count as well. */
  readonly counted?: ReplayBuffer | undefined;
  /** This client is told these, too. */
  readonly limits?: PacketLimits | undefined;
}

/** The server's end of a session: it tells the terms, pings, and lets the client change to another transport. */
export class ServerEnd implements SessionEnd {
  readonly session: Session;
  /** How often the session has come back, which names its secret. */
  generation = 0;
  readonly #config: ServerConfig;
  readonly #limits: PacketLimits | undefined;
  readonly #counted: ReplayBuffer | undefined;
  /** Does the client know the secret of this generation? Until then that of the one before holds as well. */
  #confirmed = true;
  /** PINGs without an answer. */
  #pingsOut = 0;
  /** When the last one was due. */
  #pingedAt = 0;

  constructor(config: ServerConfig, sink: SessionSink, { id, counted, limits }: ServerStart = {}) {
    this.#config = config;
    this.#limits = limits;
    this.#counted = counted;
    this.session = new Session(config, this, sink, id);
  }

  get writesInUpgrade(): boolean {
    return true;
  }

  /** A client that was never heard of may not even know that it has a session. */
  get maySuspend(): boolean {
    const counted = this.#counted;
    return counted !== undefined && counted.received > 0;
  }

  // ---- from the layer above

  /** A second transport for this session has come in and wants to take over. Refused unless the session is just open. */
  offer(candidate: Transport): void {
    const { session } = this;
    const { clock, role } = this.#config;
    if (
      session.state !== "open" ||
      session.upgraded ||
      session.upgrade ||
      candidate.name === session.transport?.name
    ) {
      candidate.close("goodbye");
      return;
    }
    session.upgrade = new ServerUpgrade(session, candidate, { clock, timeoutMs: role.upgradeTimeoutMs });
  }

  /**
   * A client says over a new transport that this session is its own. If it proves it, the session continues there, whatever
   * has become of the old one.
   *
   * @returns false if not, and then nothing has changed
   */
  acceptClaim(transport: Transport, claim: Pick<Claim, "secret" | "received">): boolean {
    const { session } = this;
    const { clock, role } = this.#config;
    const counted = this.#counted;
    if (!counted || !this.proves(claim.secret)) return false;
    const isLast = role.secrets?.fits(session.id, this.generation, claim.secret) === true;
    if (!counted.move(session, transport, claim.received, this.#longestSilenceMs)) return false;
    // A client that never got the last secret is told it once more.
    if (isLast) this.generation++;
    this.#confirmed = false;
    counted.welcome = openPacket(this.#terms(counted.received));
    this.#pingsOut = 0;
    session.awaitsSign = false;
    // What is sent again has a price. The heartbeat comes after it.
    const putOffMs = counted instanceof ResendBudget ? counted.comeBack() : 0;
    session.setDeadline(
      putOffMs > 0 ? Math.min(putOffMs, role.pingIntervalMs) : role.pingIntervalMs,
      clock.now(),
    );
    session.observer?.onResume?.(transport);
    return true;
  }

  /** The session is closed next. Behind all that waits its client is told how much has arrived here, for nothing does any more. */
  tellLast(): void {
    const { state, outgoing } = this.session;
    const { accepts, writes } = SESSION_STATES[state];
    if (this.#counted && accepts && writes && outgoing instanceof ServerOutgoing)
      outgoing.append(withCount("close", this.#counted.received));
  }

  /** Does this come from the client? The last secret proves it, and the one before as long as the last may not have arrived. */
  proves(secret: string): boolean {
    const { secrets } = this.#config.role;
    const { id } = this.session;
    if (!this.#counted || !secrets) return false;
    return (
      secrets.fits(id, this.generation, secret) ||
      (!this.#confirmed && secrets.fits(id, this.generation - 1, secret))
    );
  }

  // ---- from the session

  outgoingOf(session: Sender, sink: SessionSink): ServerOutgoing {
    return new ServerOutgoing(session, sink, this.#config, this.#counted);
  }

  begin(now: number): void {
    const { session } = this;
    const { role } = this.#config;
    session.outgoing.queue(openPacket(this.#terms(undefined, this.#limits)));
    if (role.initialPacket) session.outgoing.queue(role.initialPacket);
    session.awaitsSign = role.pings === "client";
    session.heardAt = now;
    session.setDeadline(role.pings === "client" ? this.#longestSilenceMs : role.pingIntervalMs, now);
    session.open();
  }

  onDeadline(now: number): void {
    const { session } = this;
    const { pings, pingIntervalMs } = this.#config.role;
    if (this.#isOverdue()) return;
    if (this.#counted instanceof ResendBudget && this.#counted.putOff) {
      this.#counted.resume();
      session.outgoing.flush();
      session.setDeadline(pingIntervalMs, now);
    } else if (pings === "client") {
      this.#expectPing(now);
    } else {
      this.#ping(now);
    }
  }

  opened(): void {
    this.session.parseError(unexpected("open"));
  }

  pinged(now: number): void {
    if (this.#config.role.pings !== "client") {
      this.session.parseError(unexpected("ping"));
    } else if (!this.#isOverdue()) {
      this.session.send(PONG);
      this.session.setDeadline(this.#longestSilenceMs, now);
    }
  }

  ponged(now: number): void {
    const { session } = this;
    const { pings, pingIntervalMs } = this.#config.role;
    if (pings === "client") {
      session.parseError(unexpected("pong"));
    } else if (this.#pingsOut > 0 && --this.#pingsOut === 0) {
      session.awaitsSign = false;
      if (this.#counted?.answered === false) {
        const text = "not all that was sent before the heartbeat has arrived";
        session.transportLost("transport error", new SessionError("ERR_NOT_ACKNOWLEDGED", text));
      } else {
        // Not from the answer on: heartbeats would drift.
        const next = this.#pingedAt + pingIntervalMs;
        session.setDeadline(0, next > now ? next : now + pingIntervalMs);
      }
    }
  }

  progressed(): void {}

  acknowledged(): void {
    this.#confirmed = true;
  }

  /** A server's machine does not sleep while its clients wait: its timers are enough. */
  isStale(): boolean {
    return false;
  }

  redial(): undefined {}

  upgraded(transport: Transport): void {
    this.#config.role.upgraded?.(transport, this.session.id);
  }

  suspended(reason: CloseReason, cause: Error | undefined): void {
    this.#config.role.suspended?.(this.session.id, reason, cause);
  }

  ended(reason: CloseReason): void {
    this.#config.role.ended(this.session.id, reason);
  }

  // ---- inside

  #expectPing(now: number): void {
    const { session } = this;
    const silenceMs = this.#longestSilenceMs;
    if (now < session.heardAt + silenceMs) session.setDeadline(silenceMs, session.heardAt);
    else if (session.transport?.unread) session.setDeadline(silenceMs, now);
    else session.transportLost("ping timeout", undefined);
  }

  #ping(now: number): void {
    const { session } = this;
    const { pingIntervalMs } = this.#config.role;
    const timeoutMs = this.#timeoutMs;
    const isFirst = this.#pingsOut === 0;
    // What has come and waits for its turn is a sign of life.
    if (session.transport?.unread) session.heardAt = now;
    if (!isFirst && now >= session.heardAt + timeoutMs) {
      session.transportLost("ping timeout", undefined);
      return;
    }
    // A client whose answer waits behind something large must not take this end for dead.
    if (isFirst || (session.heardAt > this.#pingedAt && now >= this.#pingedAt + pingIntervalMs)) {
      this.#pingedAt = isFirst ? session.dueAt : now;
      // A PING that is hardly late must not make the whole time longer.
      if (isFirst) session.heardAt = now - session.dueAt > timeoutMs * HARDLY ? now : session.dueAt;
      session.awaitsSign = true;
      this.#pingsOut++;
      this.#counted?.heartbeat();
      session.send(withCount("ping", this.#counted?.unreported()));
    }
    const nextPing = this.#pingedAt + pingIntervalMs;
    const deadline = session.heardAt + timeoutMs;
    session.setDeadline(0, nextPing > now ? Math.min(nextPing, deadline) : deadline);
  }

  /** Has the peer begun a packet and then forgotten it? Then the session has ended. */
  #isOverdue(): boolean {
    const { session } = this;
    // It is coming, slowly.
    if (session.progressed) {
      session.progressed = false;
      return false;
    }
    if (!session.decoder.overdue?.()) return false;
    session.parseError(new SessionError("ERR_ATTACHMENT_LATE", "an attachment is missing for too long"));
    return true;
  }

  #terms(received: number | undefined, limits?: PacketLimits): OpenData {
    const { id, transport } = this.session;
    const counted = this.#counted;
    const { role } = this.#config;
    return {
      sid: id,
      upgrades: role.upgrades(transport?.name ?? ""),
      pingInterval: Math.min(role.pingIntervalMs, LONGEST_MS),
      pingTimeout: Math.min(this.#timeoutMs, LONGEST_MS),
      // JSON has no `Infinity`, and null for it, which not every client takes for that.
      maxPayload: Number.isFinite(role.maxPayload) ? role.maxPayload : undefined,
      resume: counted &&
        role.secrets && { secret: role.secrets.of(id, this.generation), ...counted.terms, received },
      limits,
    };
  }

  /** Where nothing got through over the last transport, the next one has more time: clients don't always see, and tell, that something large is coming in. */
  get #timeoutMs(): number {
    const { pingTimeoutMs } = this.#config.role;
    return this.#counted?.isSlow ? pingTimeoutMs * MORE_TIME : pingTimeoutMs;
  }

  get #longestSilenceMs(): number {
    const { pingIntervalMs, pingTimeoutMs } = this.#config.role;
    return pingIntervalMs + pingTimeoutMs;
  }
}
