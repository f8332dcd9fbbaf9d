import {
  claimPacket,
  decodeFrame,
  message,
  messageText,
  PONG,
  rawBytes,
  readCount,
  readOpen,
  withCount,
} from "@sockeye/codec";
import type {
  Claim,
  CloseReason,
  Decoder,
  EnginePacket,
  EnginePacketType,
  Frame,
  OpenData,
  PacketLimits,
  PipeClose,
  PipeEnd,
  RawMessage,
  SessionObserver,
  SessionState,
  SessionView,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import { EncodedPacket, SESSION_STATES, SessionError, TransportError } from "@sockeye/protocol";
import type { ServerRole, ServerSession, SessionConfig, SessionEnd, SessionSink } from "./config.js";
import type { Timed } from "./deadlines.js";
import { NO_SLOT } from "./deadlines.js";
import type { Flushable } from "./flush-scheduler.js";
import type { DropPolicy } from "./outbox.js";
import { GAP, isSpoilt, Outbox, sizeOf } from "./outbox.js";
import type { ReplayBuffer } from "./replay-buffer.js";
import { isMessage } from "./replay-buffer.js";
import type { Upgrade } from "./upgrade.js";

/** What waits longer than until the end of the turn: from so many bytes on it is written at once, if it can be. */
const MUCH_BYTES = 65_536;

/** How long a session that was closed on this side may take to write what is queued. */
const CLOSING_MS = 30_000;

/** So many bytes of something that is not whole yet are a sign of life. A trickle of single bytes is none. */
const SIGN_BYTES = 1024;

/** Client: a timer that is later than this by the time of day has slept, and what was heard before says nothing. */
const SLEEP_SLACK_MS = 5000;

/**
 * One conversation between two ends, over changing transports. The same machine at both ends; it does no I/O and owns no
 * timer: frames, writability and the passing of time are told to it, and it tells the transport and the layer above.
 *
 * The outbox owns a packet until a transport has taken it, so nothing is lost while no poll waits or a pipe is replaced.
 *
 * @see PROTOCOL.md "Session", and the state table in @sockeye/protocol
 */
export class Session implements SessionView, TransportSink, Timed, Flushable, ServerSession {
  id: string;
  transport: Transport | undefined;
  upgraded = false;
  observer: SessionObserver | undefined;
  dueAt: number = Number.POSITIVE_INFINITY;
  slot: number = NO_SLOT;
  pingsOut = 0;
  pingedAt = 0;
  listens = false;
  heardAt = 0;
  progressed = false;
  readonly decoder: Decoder;
  /** Set if the session outlives its transports; on a client once OPEN said so. */
  counted: ReplayBuffer | undefined;

  #state: SessionState = "opening";
  #rules: (typeof SESSION_STATES)[SessionState] = SESSION_STATES.opening;
  readonly #config: SessionConfig;
  readonly #sink: SessionSink;
  #outbox: Outbox = Outbox.empty;
  #dirty = false;
  #upgrade: Upgrade | undefined;
  /** Bytes of something that is not whole yet, since they were last a sign of life. */
  #heardBytes = 0;
  /** Client: the longest silence that the server's terms allow, and when the deadline was set, by both clocks. */
  #silenceMs = 0;
  #setAt = 0;
  #setWall = 0;
  /** Client: how often the server is told that something comes in, and when it was last. */
  #tellMs = 0;
  #toldAt = 0;
  /** When the transport of now was taken. */
  #since = 0;
  #secret = "";

  /** @param counted server: set if the client has offered to count as well */
  constructor(
    config: SessionConfig,
    sink: SessionSink,
    { id = "", counted }: { id?: string; counted?: ReplayBuffer | undefined } = {},
  ) {
    this.counted = counted;
    this.#config = config;
    this.#sink = sink;
    this.decoder = config.codec.decoder();
    this.id = id;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What waits, oldest first, and what was sent and is not acknowledged. */
  get packets(): readonly (readonly EncodedPacket[])[] {
    return [this.#outbox.packets, this.counted?.kept ?? []];
  }

  get waiting(): number {
    return this.#outbox.packets.length;
  }

  /** Would a packet leave at once? Volatile packets are dropped if not. */
  get ready(): boolean {
    return this.transport?.writable === true && this.#mayWrite() && this.counted?.full !== true;
  }

  /** Is a candidate being tried? */
  get probing(): boolean {
    return this.#upgrade !== undefined;
  }

  // ---- from the layer above

  /**
   * Server: the transport is open, tell the terms. Client: the transport is being dialled, wait for the terms.
   *
   * @param limits server: told to this client besides
   */
  start(transport: Transport, limits?: PacketLimits): void {
    const { role, clock } = this.#config;
    this.transport = transport;
    this.#since = clock.now();
    transport.bind(this);
    if (role.side === "client") {
      const openWithinMs = role.openWithinMs?.();
      if (openWithinMs) this.setDeadline(openWithinMs, clock.now());
      else this.#config.deadlines.remove(this);
      return;
    }
    role.end.begin(this, role, clock.now(), limits);
    this.#enter("open");
    this.#wantWrite();
  }

  /** Bytes that wait: here, and in the transport as far as it knows. Each packet counts a little more than it has. */
  get bufferedBytes(): number {
    return this.#outbox.bytes + this.#heldBytes;
  }

  /**
   * Queues a packet. It leaves, in order, at the end of this turn of the event loop or once the transport can take it.
   *
   * @param droppable it may be dropped if too much waits already; otherwise the session ends then
   */
  send(packet: EncodedPacket, droppable?: DropPolicy): void {
    if (!this.#rules.accepts) return;
    if (droppable !== undefined || this.#outbox.bytes > MUCH_BYTES || this.#state === "suspended")
      this.#sendIfRoom(packet, droppable);
    else this.queue(packet);
  }

  /**
   * Takes a packet back that the app has given up, if no transport has got it yet. What was written stays written.
   *
   * @returns was it still here? It never leaves then, no part of it
   */
  takeBack(packet: EncodedPacket): boolean {
    const outbox = this.#outbox;
    // The app gives up the oldest first, as a rule.
    const place = outbox.packets.indexOf(packet);
    if (place < 0) return false;
    outbox.packets.splice(place, 1);
    outbox.bytes -= sizeOf(packet);
    this.#config.overflow?.removed(outbox, place);
    return true;
  }

  /**
   * Waits until nothing waits any more and the transport can take more.
   *
   * @returns false if the session ends before that
   */
  drained(): Promise<boolean> {
    if (!this.#rules.accepts) return Promise.resolve(false);
    return new Promise((resolve) => this.#tellDrained([resolve]));
  }

  sendMessage(data: RawMessage, compress: boolean): void {
    this.send(encodeMessage(data, compress));
  }

  /** Server: a second transport for this session has come in and wants to take over. Refused unless the session is just open. */
  offer(candidate: Transport): void {
    if (this.#state !== "open" || this.upgraded || this.#upgrade || candidate.name === this.transport?.name) {
      candidate.close("goodbye");
      return;
    }
    const { end, upgradeTimeoutMs: timeoutMs } = this.#config.role as ServerRole;
    this.#upgrade = end.probe(this, candidate, { clock: this.#config.clock, timeoutMs });
  }

  /**
   * Ends the session: what is queued is still written, then the peer is told. The layer above hears `closed` at once.
   * Harmless on a session that is over.
   */
  close(reason: CloseReason = "forced close"): void {
    if (!this.#rules.accepts) return;
    if (this.#state === "opening" || this.#state === "suspended") {
      this.end({ reason });
      return;
    }
    // A server cannot know whether the client has moved to the candidate already: what is queued leaves over whichever
    // of the two takes it first.
    if (this.#state !== "upgrading" || this.#config.role.side === "client") this.#dropCandidate();
    // Paused for the upgrade, it would never take what is queued.
    if (this.#state === "upgrading") this.transport?.resume();
    this.#enter("closing");
    this.#config.deadlines.remove(this);
    this.setDeadline(CLOSING_MS, this.#config.clock.now());
    this.#tellClosed(reason, undefined);
    this.#writeRest();
  }

  /** As {@link close}, but what the transport cannot take at once is lost: for a process that is about to end. */
  terminate(reason: CloseReason): void {
    this.close(reason);
    this.end({ reason });
  }

  /**
   * Client: is the server's silence, by the time of day, longer than its terms allow? Timers of a machine that slept or of
   * a throttled tab don't notice. If so its transport is lost, with `ping timeout`.
   *
   * @returns has the session ended?
   */
  endIfStale(): boolean {
    if (this.#silenceMs === 0 || this.#state === "suspended" || this.#sleptMs() <= this.#silenceMs)
      return false;
    this.transportLost("ping timeout", undefined);
    return this.state === "closed";
  }

  /**
   * Server: a client says over a new transport that this session is its own. If it proves it, the session goes on there, whatever
   * has become of the old one.
   *
   * @returns false if not, and then nothing has changed
   */
  acceptClaim(transport: Transport, claim: Pick<Claim, "secret" | "received">): boolean {
    const role = this.#config.role as ServerRole;
    return role.end.claimed(this, role, { transport, claim, now: this.#config.clock.now() });
  }

  /** Client: the packet that proves, on another transport, that this session is its own. */
  claim(): EncodedPacket {
    return claimPacket({ sid: this.id, secret: this.#secret, received: this.counted?.received ?? 0 });
  }

  /**
   * Client: the server has agreed that the session goes on over this transport.
   *
   * @returns false if its terms cannot be, or the session has ended
   */
  resume(transport: Transport, terms: OpenData): boolean {
    const { counted } = this;
    const { role, clock } = this.#config;
    const { received, secret = "" } = terms.resume ?? {};
    if (!counted || role.side === "server" || received === undefined || terms.sid !== this.id) return false;
    if (!this.switchTransport(transport, received, this.#silenceMs)) return false;
    this.#secret = secret;
    this.#listen(terms);
    // Also tells that the new secret has come.
    counted.control(acknowledgement(counted.received));
    counted.unreported();
    this.#signOfLife(clock.now());
    this.observer?.onResume?.(transport);
    this.probe(terms.upgrades);
    return true;
  }

  /** Client: tries these beside the transport in use, in place of those that are being tried. */
  probe(names: readonly string[]): void {
    const { role, clock } = this.#config;
    if (role.side === "server" || this.#state !== "open") return;
    this.#dropCandidate();
    this.#upgrade = role.probe?.(this, { names, dial: (name) => role.dial(name), clock });
  }

  // ---- from the transport

  frame(_from: Transport, frame: Frame): void {
    if (this.listens) this.heardAt = this.#config.clock.now();
    if (this.observer === undefined && this.#rules.delivers) {
      const text = typeof frame === "string" ? messageText(frame) : frame;
      if (text !== undefined) {
        this.#message(text);
        return;
      }
    }
    this.#packet(frame);
  }

  /** Part of something came in: see {@link TransportSink.progress}. */
  progress(_from: Transport, bytes: number): void {
    this.#heardBytes += bytes;
    if (this.#heardBytes < SIGN_BYTES) return;
    this.#heardBytes = 0;
    this.progressed = true;
    if (!this.listens) return;
    const now = this.#config.clock.now();
    this.heardAt = now;
    // The server's PING may wait behind what is coming, and the server for an answer.
    if (this.#tellMs === 0 || now - this.#toldAt < this.#tellMs || !this.#rules.delivers) return;
    this.#toldAt = now;
    this.queue(withCount("noop", this.counted?.unreported()));
  }

  writable(_from: Transport): void {
    if (this.#state === "closing") {
      this.#writeRest();
      return;
    }
    this.flush();
    if (this.transport?.writable) this.#upgrade?.release(this.transport);
  }

  ended(_from: Transport, how: PipeEnd, reason: CloseReason, cause?: Error): void {
    if (how === "lost") {
      if (this.#state === "suspended") return;
      if (this.counted && this.#rules.delivers) {
        this.transportLost(reason, cause);
        return;
      }
    }
    const { role } = this.#config;
    if (this.#state === "opening" && role.side === "client") {
      const next = role.redial?.(cause);
      if (next) {
        this.start(next);
        return;
      }
    }
    this.end({ reason, cause, transport: "dead" });
  }

  /** The transport is of no use any more; nobody has said goodbye. */
  transportLost(reason: CloseReason, cause: Error | undefined): void {
    const { counted } = this;
    const { role, clock } = this.#config;
    // A client that was never heard of may not even know that it has a session.
    const isKnown = role.side === "client" || (counted && counted.received > 0);
    if (!counted || !isKnown || !this.#rules.delivers) {
      this.end({ reason, cause });
      return;
    }
    this.#dropCandidate("moved");
    this.transport?.close("moved");
    const now = clock.now();
    counted.suspend({ reason, cause, livedMs: now - this.#since });
    this.#enter("suspended");
    this.listens = false;
    this.setDeadline(counted.terms.window, now);
    this.observer?.onSuspend?.(reason, cause);
    if (role.side === "server") role.suspended?.(this.id, reason, cause);
    else if (this.state === "suspended") role.suspended?.();
  }

  holds(): void {
    this.#sink.holds?.();
  }

  // ---- from the clock

  /** The end of the turn: hand everything that is queued to the transport, in one batch. */
  flush(): void {
    this.#dirty = false;
    try {
      if (this.counted) this.#flushCounted(this.counted);
      else this.#flushOutbox();
    } catch (error) {
      // Whatever it was, it is of this session alone.
      const cause = new SessionError("ERR_UNWRITABLE", "what the app sent could not be written", error);
      this.#sink.unwritable?.(cause);
      this.end({ reason: "transport error", cause });
    }
    this.holds();
  }

  #flushOutbox(): void {
    const outbox = this.#outbox;
    if (outbox === Outbox.empty || !this.ready) return;
    this.#outbox = Outbox.empty;
    if (outbox.packets.length > 0) {
      const packets = outbox.gaps === 0 ? outbox.packets : outbox.packets.filter((packet) => packet !== GAP);
      const batch = this.#readable(packets);
      this.transport?.send(batch);
      this.observer?.onFlush(batch);
    }
    if (outbox.waiters) this.#tellDrained(outbox.waiters);
  }

  /** Without those whose bytes the app has given away since it emitted them. */
  #readable(packets: EncodedPacket[]): EncodedPacket[] {
    // By index, and nothing is made: nearly always all are well.
    for (let index = 0; index < packets.length; index++) {
      if (isSpoilt(packets[index])) {
        const text = "an event was dropped: its bytes were transferred, or their memory has grown, since";
        this.#sink.unwritable?.(new SessionError("ERR_UNWRITABLE", text));
        return packets.filter((packet) => !isSpoilt(packet));
      }
    }
    return packets;
  }

  /** The same, and what has left is kept until the peer has it. What is no message leaves even if too much is kept already. */
  #flushCounted(counted: ReplayBuffer): void {
    if (this.transport?.writable !== true || !this.#mayWrite()) return;
    const outbox = this.#outbox;
    const { welcome } = counted;
    if (welcome) this.#wantWrite();
    else if (outbox.packets.length > 0 && !counted.full) {
      counted.retain(this.#readable(outbox.take(counted.terms.bytes - counted.retainedBytes)));
    }
    if (outbox.packets.length === 0) this.#outbox = Outbox.empty;
    const batch = counted.takeUnsent();
    if (batch.length > 0) {
      this.transport.send(batch);
      this.observer?.onFlush(batch);
    }
    if (outbox.waiters && this.#outbox === Outbox.empty) this.#tellDrained(outbox.waiters);
  }

  onDeadline(now: number): void {
    const { role } = this.#config;
    if (this.#state === "suspended") {
      this.notResumed("the session did not go on over another transport in time");
    } else if (this.#state === "closing") {
      this.end({ reason: "forced close" });
    } else if (this.#state === "opening") {
      this.#openedLate();
    } else if (role.side === "server") {
      role.end.due(this, role, now);
    } else if (now < this.heardAt + this.#silenceMs && this.#sleptMs() <= this.#silenceMs + SLEEP_SLACK_MS) {
      this.#expect(this.heardAt, now);
    } else {
      this.transportLost("ping timeout", undefined);
    }
  }

  /** The session was suspended and does not go on: it ends for the reason for which its transport did. */
  notResumed(why: string): void {
    const { reason = "transport close", cause } = this.counted?.loss ?? {};
    this.end({ reason, cause: cause ?? new SessionError("ERR_NOT_RESUMED", why), transport: "dead" });
  }

  // ---- from the upgrade (see upgrade.ts)

  beginUpgrade(candidate: Transport): void {
    this.#enter("upgrading");
    this.observer?.onUpgrading(candidate);
  }

  completeUpgrade(candidate: Transport): void {
    this.transport?.close("moved");
    this.#upgrade = undefined;
    this.transport = candidate;
    this.upgraded = true;
    candidate.bind(this);
    if (this.#state === "closing") {
      this.#writeRest();
      return;
    }
    this.#enter("open");
    const { role } = this.#config;
    role.upgraded?.(candidate, this.id);
    this.observer?.onUpgrade(candidate);
    this.flush();
  }

  failUpgrade(cause: Error): void {
    this.#upgrade = undefined;
    if (this.#state === "upgrading") {
      this.#enter("open");
      this.transport?.resume();
      this.flush();
    } else if (this.#state === "closing") {
      this.#writeRest();
    }
    this.observer?.onUpgradeFailed(cause);
  }

  // ---- inside

  #packet(frame: Frame): void {
    let packet: EnginePacket;
    try {
      packet = decodeFrame(frame);
    } catch (error) {
      this.end({ reason: "parse error", cause: error as Error });
      return;
    }
    this.observer?.onPacket(packet);
    switch (packet.type) {
      case "message":
        if (this.#rules.delivers) this.#message(packet.data ?? "");
        else if (this.#state === "opening") this.protocolError("message");
        return;
      case "open":
        this.#open(packet.data);
        return;
      case "ping":
        if (this.counted && !this.#acknowledged(packet.data)) return;
        // While closing, a heartbeat must not put off the end.
        if (this.#rules.delivers) this.#pinged();
        else if (this.#state === "opening") this.protocolError("ping");
        return;
      case "pong":
        if (this.counted && !this.#acknowledged(packet.data)) return;
        if (this.#rules.delivers) this.#ponged();
        return;
      case "close":
        this.end({ reason: "transport close", transport: "dead" });
        return;
      case "upgrade":
        this.protocolError("upgrade");
        return;
      case "noop":
        if (this.counted) this.#acknowledged(packet.data);
        return;
    }
  }

  /** A heartbeat or NOOP may say how much has arrived. @returns false if it cannot be, and then the session has ended */
  #acknowledged(data: Frame | undefined): boolean {
    const { counted } = this;
    if (counted) counted.confirmed = true;
    if (!counted || data === undefined) return true;
    const wasFull = counted.full;
    const count = readCount(data);
    if (count === undefined || !counted.acknowledge(count)) {
      const cause = new SessionError("ERR_PROTOCOL_VIOLATION", "a count that cannot be");
      this.end({ reason: "parse error", cause });
      return false;
    }
    this.holds();
    if (wasFull && !counted.full) {
      if (this.#state === "closing") this.#writeRest();
      else this.#wantWrite();
    }
    return true;
  }

  #message(data: Frame): void {
    if (this.counted?.receive(data.length)) this.#tellCount(this.counted);
    let packet: ReturnType<Decoder["write"]>;
    try {
      packet = this.decoder.write(data);
    } catch (error) {
      this.end({ reason: "parse error", cause: error as Error });
      return;
    }
    // Only what comes in several frames is held.
    if (packet === undefined || typeof data !== "string") this.holds();
    if (packet !== undefined) this.#sink.packet(packet);
  }

  #open(data: Frame | undefined): void {
    const { role, clock } = this.#config;
    if (role.side === "server" || this.#state !== "opening") {
      this.protocolError("open");
      return;
    }
    try {
      const terms = readOpen(data);
      this.id = terms.sid;
      if (terms.resume) this.counted = this.#config.count?.(terms.resume);
      this.#secret = terms.resume?.secret ?? "";
      this.#listen(terms);
      this.#enter("open");
      this.#signOfLife(clock.now());
      role.opened(terms);
      this.observer?.onOpen?.(terms);
      // The app may have closed the session in what `opened` led to.
      this.probe(terms.upgrades);
      this.#wantWrite();
    } catch (error) {
      this.end({ reason: "parse error", cause: error as Error });
    }
  }

  /** Client: for how long the server may be silent, and how long it waits for an answer. */
  #listen({ pingInterval, pingTimeout }: OpenData): void {
    this.#silenceMs = pingInterval + pingTimeout;
    this.#tellMs = pingTimeout / 2;
  }

  /**
   * Takes a transport in place of the one that there was, and begins there with what the peer has not got.
   *
   * @param silenceMs the longest that the peer may be silent
   * @returns false if that cannot be, and then nothing has changed, unless the session has ended since it makes no progress
   */
  switchTransport(transport: Transport, received: number, silenceMs: number): boolean {
    if (!this.#rules.delivers && this.#state !== "suspended") return false;
    const { counted } = this;
    const now = this.#config.clock.now();
    const { reason = "transport error", livedMs = now - this.#since } = counted?.loss ?? {};
    if (!counted?.rewind(received, livedMs * 2 > silenceMs)) return false;
    if (counted.isStuck) {
      this.end({ reason, cause: new SessionError("ERR_NO_PROGRESS", "nothing gets through") });
      return false;
    }
    this.#since = now;
    const old = this.transport;
    this.#dropCandidate("moved");
    old?.close("moved");
    counted.controls = undefined;
    counted.welcome = undefined;
    this.transport = transport;
    this.upgraded = false;
    transport.bind(this);
    this.#enter("open");
    this.#wantWrite();
    return true;
  }

  #tellCount(counted: ReplayBuffer): void {
    const count = counted.unreported();
    if (count !== undefined) this.queue(acknowledgement(count));
  }

  /** Client: the transport is silent, and another one may do better. */
  #openedLate(): void {
    const { transport } = this;
    if (!transport) return;
    transport.close("dead");
    this.ended(transport, "closed", "transport error", new TransportError("ERR_TRANSPORT_OPEN", "timeout"));
  }

  #pinged(): void {
    const { role, clock } = this.#config;
    if (role.side === "server") {
      role.end.pinged(this, role, clock.now());
      return;
    }
    this.#signOfLife(clock.now());
    this.send(this.counted ? withCount("pong", this.counted.unreported()) : PONG);
    role.pinged?.();
  }

  /** Client: the server lives. */
  #signOfLife(now: number): void {
    this.listens = true;
    this.heardAt = this.#toldAt = now;
    this.#expect(now, now);
  }

  /** Client: after a sign of life the next one has its time. */
  #expect(heardAt: number, now: number): void {
    this.#setAt = heardAt;
    this.#setWall = this.#config.clock.wall() - (now - heardAt);
    this.setDeadline(this.#silenceMs, heardAt);
  }

  /** Client: time of day that has passed since the last sign of life, also while the machine slept. */
  #sleptMs(): number {
    return this.#config.clock.wall() - this.#setWall - (this.heardAt - this.#setAt);
  }

  #ponged(): void {
    const { role, clock } = this.#config;
    if (role.side === "server") role.end.ponged(this, role, clock.now());
  }

  protocolError(type: EnginePacketType): void {
    const error = new SessionError("ERR_PROTOCOL_VIOLATION", `unexpected packet: ${type}`);
    this.end({ reason: "parse error", cause: error });
  }

  #mayWrite(): boolean {
    const { writes } = this.#rules;
    return writes === true || (writes === "server" && this.#config.role.side === "server");
  }

  queue(packet: EncodedPacket): void {
    if (this.counted && !isMessage(packet)) this.counted.control(packet);
    else this.#ownOutbox().push(packet);
    this.#wantWrite();
  }

  #ownOutbox(): Outbox {
    if (this.#outbox === Outbox.empty) this.#outbox = new Outbox();
    return this.#outbox;
  }

  get #heldBytes(): number {
    return this.transport?.bufferedBytes ?? 0;
  }

  #sendIfRoom(packet: EncodedPacket, droppable: DropPolicy | undefined): void {
    // A burst of a healthy connection does not pile up here.
    if (this.ready && this.#outbox.bytes > MUCH_BYTES) this.flush();
    const { overflow, suspendedOverflow } = this.#config;
    const bound = this.#state === "suspended" ? suspendedOverflow : overflow;
    if (bound === undefined || this.ready) {
      this.queue(packet);
      return;
    }
    const heldBytes = this.#heldBytes + (this.counted?.retainedBytes ?? 0);
    const verdict = bound.admit(this.#ownOutbox(), packet, { droppable, heldBytes });
    if (verdict === "queue") {
      this.queue(packet);
      this.holds();
    } else if (verdict === "drop") droppable?.dropped?.();
    else this.end({ reason: "forced server close", cause: verdict });
  }

  /** What those who waited do now comes after what has been written; if the peer is behind again they wait on. */
  #tellDrained(waiters: NonNullable<Outbox["waiters"]>): void {
    if (this.waiting === 0 && this.ready) {
      for (const tell of waiters) tell(true);
    } else {
      const outbox = this.#ownOutbox();
      outbox.waiters = [...(outbox.waiters ?? []), ...waiters];
    }
  }

  #wantWrite(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#config.turn.add(this);
  }

  /** In `closing`: write what is queued, then say goodbye. */
  #writeRest(): void {
    this.flush();
    if (this.waiting === 0) this.end({ reason: "forced close" });
  }

  setDeadline(delayMs: number, now: number): void {
    this.dueAt = now + delayMs;
    this.#config.deadlines.schedule(this);
  }

  #dropCandidate(how: PipeClose = "goodbye"): void {
    this.#upgrade?.abandon(how);
    this.#upgrade = undefined;
  }

  #enter(state: SessionState): void {
    this.#state = state;
    this.#rules = SESSION_STATES[state];
  }

  end({ reason, cause, transport = "goodbye" }: SessionEnd): void {
    if (this.#state === "closed") return;
    const told = this.#state === "closing";
    this.#enter("closed");
    this.#config.deadlines.remove(this);
    this.#dropCandidate();
    const { waiters } = this.#outbox;
    this.#outbox = Outbox.empty;
    this.decoder.close?.();
    this.counted?.forget();
    try {
      this.transport?.close(transport, cause);
    } catch (error) {
      this.#sink.unwritable?.(error as Error);
    }
    const { role } = this.#config;
    role.ended?.(this.id, reason);
    if (!told) this.#tellClosed(reason, cause);
    if (waiters) for (const tell of waiters) tell(false);
    this.holds();
  }

  #tellClosed(reason: CloseReason, cause: Error | undefined): void {
    this.#sink.closed(reason, cause);
    this.observer?.onClose(reason, cause);
  }
}

function acknowledgement(count: number): EncodedPacket {
  return withCount("noop", count);
}

/** An engine message that is no Socket.IO packet. @throws CodecError `ERR_UNENCODABLE` for what is neither text nor bytes */
export function encodeMessage(data: RawMessage, compress = true): EncodedPacket {
  return new EncodedPacket(typeof data === "string" ? message(data) : rawBytes(data), undefined, compress);
}
