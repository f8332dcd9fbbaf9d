import { decodeFrame, messageText, withCount } from "@sockeye/codec";
import type {
  CloseReason,
  Decoder,
  EncodedPacket,
  EnginePacket,
  Frame,
  PipeClose,
  PipeEnd,
  RawMessage,
  SessionObserver,
  SessionState,
  SessionView,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import { SESSION_STATES } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Ending, SessionConfig, SessionSink } from "./config.js";
import { onControl, unexpected } from "./control-packets.js";
import type { Counting } from "./counting.js";
import type { Timed } from "./deadlines.js";
import { NO_SLOT } from "./deadlines.js";
import { encodeMessage } from "./encode-message.js";
import type { DropPolicy } from "./outbox.js";
import type { Outgoing, Sender } from "./outgoing.js";
import type { SessionEnd } from "./session-end.js";
import type { Upgradable, Upgrade } from "./upgrade.js";

/** How long a session that was closed on this side may take to write what is queued. */
const CLOSING_MS = 30_000;

/** How many bytes of something that is not whole yet are a sign of life. A trickle of single bytes is none. */
const SIGN_BYTES = 1024;

/**
 * One conversation between two ends, over changing transports. The same machine at both ends; what differs is in the hands of its
 * {@link SessionEnd}, which makes it. It does no I/O and owns no timer: frames, writability and the passing of time are told to
 * it, and it tells the transport and the layer above.
 *
 * @see PROTOCOL.md "Session", and the state table in @sockeye/protocol
 */
export class Session implements SessionView, TransportSink, Timed, Sender, Upgradable {
  id: string;
  transport: Transport | undefined;
  upgraded = false;
  observer: SessionObserver | undefined;
  /** Not yet: a whole number at first, so that it takes no room outside of the object as long as times are whole. */
  dueAt = 0;
  slot: number = NO_SLOT;
  readonly decoder: Decoder;
  readonly outgoing: Outgoing;
  /** What is being tried beside the transport in use. */
  upgrade: Upgrade | undefined = undefined;
  /** Is a sign of life awaited? Only then {@link heardAt} is kept. */
  awaitsSign = false;
  /** The last sign of life: any packet is one, and so are 1024 bytes of what is not whole yet. */
  heardAt = 0;
  /** At a client, after the end: what the server has not received, if it has said so. */
  declare unseen?: readonly EncodedPacket[];
  /** Have so many bytes come since this was last set to false? */
  progressed = false;

  readonly thisEnd: SessionEnd;
  /** When the transport of now was taken. */
  since = 0;

  #state: SessionState = "opening";
  #rules: (typeof SESSION_STATES)[SessionState] = SESSION_STATES.opening;
  readonly #config: SessionConfig;
  readonly #sink: SessionSink;
  /** Bytes of something that is not whole yet, since they were last a sign of life. */
  #partBytes = 0;

  /** For a {@link SessionEnd}, which is at this end of it. */
  constructor(config: SessionConfig, thisEnd: SessionEnd, sink: SessionSink, id = "") {
    this.#config = config;
    this.thisEnd = thisEnd;
    this.#sink = sink;
    this.outgoing = thisEnd.outgoingOf(this, sink);
    this.decoder = config.codec.decoder();
    this.id = id;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Set if the session outlives its transports; on a client once OPEN said so. */
  get counted(): Counting | undefined {
    return this.outgoing.replay;
  }

  /** What waits, oldest first, and what was sent and is not acknowledged. */
  get packets(): readonly (readonly EncodedPacket[])[] {
    return this.outgoing.held;
  }

  get waiting(): number {
    return this.outgoing.waiting;
  }

  /** Would a packet leave at once? Volatile packets are dropped if not. */
  get ready(): boolean {
    return this.outgoing.ready;
  }

  get mayWrite(): boolean {
    return this.transport?.writable === true && (this.#rules.writes === true || this.#stateWrites);
  }

  /** Bytes that wait: here, and in the transport as far as it knows. Each packet counts a little more than it has. */
  get bufferedBytes(): number {
    return this.outgoing.bufferedBytes;
  }

  /** Is a candidate being tried? */
  get probing(): boolean {
    return this.upgrade !== undefined;
  }

  // ---- from the layer above

  /** Server: the transport is open, tell the terms. Client: the transport is being dialled, wait for the terms. */
  start(transport: Transport): void {
    const now = this.now();
    this.transport = transport;
    this.since = now;
    transport.bind(this);
    this.thisEnd.begin(now);
  }

  /**
   * Queues a packet. It leaves, in order, at the end of this turn of the event loop or once the transport can take it.
   *
   * @param droppable it may be dropped if too much waits already; otherwise the session ends then
   */
  send(packet: EncodedPacket, droppable?: DropPolicy): void {
    if (this.#rules.accepts) this.outgoing.send(packet, droppable);
  }

  /**
   * Takes a packet back that the app has given up, if no transport has got it yet. What was written stays written.
   *
   * @returns was it still here? It never leaves then, no part of it
   */
  takeBack(packet: EncodedPacket): boolean {
    return this.outgoing.takeBack(packet);
  }

  /**
   * Waits until nothing waits any more and the transport can take more.
   *
   * @returns false if the session ends before that
   */
  drained(): Promise<boolean> {
    return this.#rules.accepts ? this.outgoing.drained() : Promise.resolve(false);
  }

  sendMessage(data: RawMessage, compress: boolean): void {
    this.send(encodeMessage(data, compress));
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
    if (this.#state !== "upgrading" || !this.#stateWrites) this.dropCandidate();
    // Paused for the upgrade, it would never take what is queued.
    if (this.#state === "upgrading") this.transport?.resume();
    this.enter("closing");
    this.clearDeadline();
    this.setDeadline(CLOSING_MS, this.now());
    this.#tellClosed(reason, undefined);
    this.outgoing.flush();
  }

  /** As {@link close}, but what the transport cannot take at once is lost: for a process that is about to end. */
  terminate(reason: CloseReason): void {
    this.close(reason);
    this.end({ reason });
  }

  /**
   * Has the peer been silent for longer than the terms allow, by the time of day? Timers of a machine that slept or of a throttled
   * tab don't notice. If so its transport is lost, with `ping timeout`.
   *
   * @returns has the session ended?
   */
  endIfStale(): boolean {
    if (this.#state === "suspended" || !this.thisEnd.isStale()) return false;
    this.transportLost("ping timeout", undefined);
    return this.state === "closed";
  }

  // ---- from the transport

  frame(_from: Transport, frame: Frame): void {
    if (this.awaitsSign) this.heardAt = this.now();
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
    this.#partBytes += bytes;
    if (this.#partBytes < SIGN_BYTES) return;
    this.#partBytes = 0;
    this.progressed = true;
    if (!this.awaitsSign) return;
    this.heardAt = this.now();
    if (this.#rules.delivers) this.thisEnd.progressed(this.heardAt);
  }

  writable(_from: Transport): void {
    this.outgoing.flush();
    if (this.#state !== "closing" && this.transport?.writable) this.upgrade?.release(this.transport);
  }

  ended(_from: Transport, how: PipeEnd, reason: CloseReason, cause?: Error): void {
    if (how === "lost") {
      if (this.#state === "suspended") return;
      if (this.counted && this.#rules.delivers) {
        this.transportLost(reason, cause);
        return;
      }
    }
    const next = this.#state === "opening" ? this.thisEnd.redial(cause) : undefined;
    if (next) {
      this.start(next);
      return;
    }
    this.end({ reason, cause, transport: "dead" });
  }

  // ---- from what leaves

  /** In `closing` the goodbye follows what is queued. */
  flushed(gone?: boolean): void {
    if (this.#state === "closing" && this.waiting === 0) this.end({ reason: "forced close" });
    this.#sink.holds?.(gone);
  }

  /** What is held in memory may have changed. */
  holds(): void {
    this.#sink.holds?.();
  }

  // ---- from the clock

  onDeadline(now: number): void {
    if (this.#state === "suspended") {
      this.counted?.giveUp(this, prose("notInTime"));
    } else if (this.#state === "closing") {
      this.end({ reason: "forced close" });
    } else {
      this.thisEnd.onDeadline(now);
    }
  }

  // ---- from its end

  now(): number {
    return this.#config.clock.now();
  }

  enter(state: SessionState): void {
    this.#state = state;
    this.#rules = SESSION_STATES[state];
  }

  /** Both ends have agreed on the terms. */
  open(): void {
    this.enter("open");
    this.outgoing.schedule();
  }

  dropCandidate(how: PipeClose = "goodbye"): void {
    this.upgrade?.abandon(how);
    this.upgrade = undefined;
  }

  setDeadline(delayMs: number, now: number): void {
    this.dueAt = now + delayMs;
    this.#config.deadlines.schedule(this);
  }

  clearDeadline(): void {
    this.#config.deadlines.remove(this);
  }

  /** The transport is of no use any more; nobody has said goodbye. */
  transportLost(reason: CloseReason, cause: Error | undefined): void {
    const { counted } = this;
    if (counted && this.thisEnd.maySuspend && this.#rules.delivers) counted.lose(this, reason, cause);
    else this.end({ reason, cause });
  }

  parseError(cause: Error): void {
    this.end({ reason: "parse error", cause });
  }

  // ---- inside

  #packet(frame: Frame): void {
    let packet: EnginePacket;
    try {
      packet = decodeFrame(frame);
    } catch (error) {
      this.parseError(error as Error);
      return;
    }
    this.observer?.onPacket(packet);
    if (packet.type !== "message") onControl(this, this.thisEnd, packet, this.now());
    else if (this.#rules.delivers) this.#message(packet.data ?? "");
    else if (this.#state === "opening") this.parseError(unexpected("message"));
  }

  #message(data: Frame): void {
    const { counted } = this;
    if (counted?.receive(data.length)) this.outgoing.queue(withCount("noop", counted.unreported()));
    let packet: ReturnType<Decoder["write"]>;
    try {
      packet = this.decoder.write(data);
    } catch (error) {
      this.parseError(error as Error);
      return;
    }
    // Only what comes in several frames is held.
    if (packet === undefined || typeof data !== "string") this.holds();
    if (packet !== undefined) this.#sink.packet(packet);
  }

  get #stateWrites(): boolean {
    const { writes } = this.#rules;
    return writes === true || (writes === "server" && this.thisEnd.writesInUpgrade);
  }

  end({ reason, cause, transport = "goodbye" }: Ending): void {
    if (this.#state === "closed") return;
    const told = this.#state === "closing";
    this.enter("closed");
    this.#config.deadlines.remove(this);
    this.dropCandidate();
    const waiters = this.outgoing.clear();
    this.decoder.close?.();
    try {
      this.transport?.close(transport, cause);
    } catch (error) {
      this.#sink.unwritable?.(error as Error);
    }
    this.thisEnd.ended(reason);
    if (!told) this.#tellClosed(reason, cause);
    for (const tell of waiters) tell(false);
    this.holds();
  }

  #tellClosed(reason: CloseReason, cause: Error | undefined): void {
    this.#sink.closed(reason, cause);
    this.observer?.onClose(reason, cause);
  }
}
