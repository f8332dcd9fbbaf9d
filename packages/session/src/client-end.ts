import { PONG, readOpen, withCount } from "@sockeye/codec";
import type { CloseReason, Frame, OpenData, ResumeTerms, Transport } from "@sockeye/protocol";
import { TransportError } from "@sockeye/protocol";
import { ClientOutgoing } from "./client-outgoing.js";
import type { ClientProbe } from "./client-upgrade.js";
import type { SessionConfig, SessionSink } from "./config.js";
import { unexpected } from "./control-packets.js";
import type { Counting, Kept } from "./counting.js";
import type { Sender } from "./outgoing.js";
import { Session } from "./session.js";
import type { SessionEnd } from "./session-end.js";

/** A timer that is later than this by the time of day has slept, and what was heard before says nothing. */
const SLEEP_SLACK_MS = 5000;

/** The dialling end. */
export interface ClientRole {
  /** The server's terms have come. Called before the first packet. */
  opened(data: OpenData): void;
  /** What takes care of upgrades; without it there are none. */
  readonly probe: ClientProbe | undefined;
  /** Makes the counter of a session whose server counts, if this end counts, too. */
  count(terms: ResumeTerms, queue: Kept): Counting | undefined;
  /** Dials a candidate for an upgrade, or not. Called after {@link opened} for the transports that the server offers. */
  candidate(transport: string): Transport | undefined;
  /** Asked when a transport is dialled: ms until OPEN must have come over it, or it has failed. Without an answer there is no such limit. */
  openWithinMs(): number | undefined;
  /** The transport failed before OPEN came. Dials the next one; without one the session ends. */
  redial(cause: Error | undefined): Transport | undefined;
  /** A candidate has taken over. */
  upgraded(transport: Transport): void;
  /** The transport broke, and the session is suspended: from now on `resume` of client-return.ts may be called. */
  suspended(): void;
  /** The session is over; the layer above hears it next. */
  ended(reason: CloseReason): void;
  /** The server has sent a PING. */
  pinged(): void;
}

export interface ClientConfig extends SessionConfig {
  readonly role: ClientRole;
}

/** The client's end of a session: it dials, takes the server's terms, watches over its silence, and brings the session back. */
export class ClientEnd implements SessionEnd {
  readonly session: Session;
  readonly writesInUpgrade = false;
  readonly maySuspend = true;
  readonly #config: ClientConfig;
  #outgoing!: ClientOutgoing;
  /** The longest silence that the server's terms allow; 0 before there are any. */
  silenceMs = 0;
  /** Proves that the session is this client's, if it is counted. */
  secret = "";
  /** When the deadline was set, by both clocks. */
  #setAt = 0;
  #setWall = 0;
  /** How often the server is told that something comes in, and when it was last. */
  #tellMs = 0;
  #toldAt = 0;

  constructor(config: ClientConfig, sink: SessionSink) {
    this.#config = config;
    this.session = new Session(config, this, sink);
  }

  /** Tries these beside the transport in use, in place of those that are being tried. */
  probe(names: readonly string[]): void {
    const { role, clock } = this.#config;
    role.probe?.(this.session, { names, dial: (name) => role.candidate(name), clock });
  }

  // ---- from the session

  outgoingOf(session: Sender, sink: SessionSink): ClientOutgoing {
    this.#outgoing = new ClientOutgoing(session, sink, this.#config.clock);
    return this.#outgoing;
  }

  begin(now: number): void {
    const openWithinMs = this.#config.role.openWithinMs();
    if (openWithinMs) this.session.setDeadline(openWithinMs, now);
    else this.session.clearDeadline();
  }

  onDeadline(now: number): void {
    const { session } = this;
    const { state, transport, heardAt } = session;
    if (state === "opening") {
      // Another one may do better.
      transport?.close("dead");
      const cause = new TransportError("ERR_TRANSPORT_OPEN", "timeout");
      if (transport) session.ended(transport, "closed", "transport error", cause);
    } else if (now < heardAt + this.silenceMs && this.#silentMs() <= this.silenceMs + SLEEP_SLACK_MS) {
      this.#expect(heardAt, now);
    } else {
      session.transportLost("ping timeout", undefined);
    }
  }

  opened(data: Frame | undefined): void {
    const { session } = this;
    const { role } = this.#config;
    if (session.state !== "opening") {
      session.parseError(unexpected("open"));
      return;
    }
    try {
      const terms = readOpen(data);
      session.id = terms.sid;
      if (terms.resume) this.#outgoing.replay = role.count(terms.resume, this.#outgoing);
      session.open();
      this.accept(terms, terms.resume?.secret ?? "");
      role.opened(terms);
      session.observer?.onOpen?.(terms);
      // The app may have closed the session in what `opened` led to.
      this.probe(terms.upgrades);
    } catch (error) {
      session.parseError(error as Error);
    }
  }

  pinged(now: number): void {
    const { session } = this;
    const { counted } = session;
    this.#signOfLife(now);
    session.send(counted ? withCount("pong", counted.unreported()) : PONG);
    this.#config.role.pinged();
  }

  ponged(): void {}

  /** The server's PING may wait behind what is coming, and the server for an answer. */
  progressed(now: number): void {
    if (this.#tellMs === 0 || now - this.#toldAt < this.#tellMs) return;
    this.#toldAt = now;
    const { outgoing, counted } = this.session;
    outgoing.queue(withCount("noop", counted?.unreported()));
  }

  acknowledged(): void {}

  parted(): void {
    this.session.unseen = this.session.packets.flatMap((held) => [...held]);
  }

  isStale(): boolean {
    return this.silenceMs > 0 && this.#silentMs() > this.silenceMs;
  }

  redial(cause: Error | undefined): Transport | undefined {
    return this.#config.role.redial(cause);
  }

  upgraded(transport: Transport): void {
    this.#config.role.upgraded(transport);
  }

  suspended(): void {
    // The app may have closed it, in what it was told first.
    if (this.session.state === "suspended") this.#config.role.suspended();
  }

  ended(reason: CloseReason): void {
    this.#config.role.ended(reason);
  }

  /** The server's terms, at first and with each return. */
  accept({ pingInterval, pingTimeout }: OpenData, secret: string): void {
    this.secret = secret;
    this.silenceMs = pingInterval + pingTimeout;
    this.#tellMs = pingTimeout / 2;
    this.#signOfLife(this.session.now());
  }

  // ---- inside

  /** The server lives. */
  #signOfLife(now: number): void {
    this.session.awaitsSign = true;
    this.session.heardAt = this.#toldAt = now;
    this.#expect(now, now);
  }

  /** After a sign of life the next one has its time. */
  #expect(heardAt: number, now: number): void {
    this.#setAt = heardAt;
    this.#setWall = this.#config.clock.wall() - (now - heardAt);
    this.session.setDeadline(this.silenceMs, heardAt);
  }

  /** Time of day that has passed since the last sign of life, also while the machine slept. */
  #silentMs(): number {
    return this.#config.clock.wall() - this.#setWall - (this.session.heardAt - this.#setAt);
  }
}
