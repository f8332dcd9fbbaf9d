import { readCount } from "@sockeye/codec";
import type {
  CloseReason,
  EncodedPacket as Encoded,
  Frame,
  PipeClose,
  ResumeTerms,
  SessionObserver,
  SessionState,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import { EncodedPacket, SESSION_STATES, SessionError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Ending } from "./config.js";
import { isSpoilt, sizeOf } from "./waiting-packet.js";

/** What one message that came in is counted as, beside its bytes: as much as one that waits, at most. */
const OVERHEAD_BYTES = 96;

/** The share of the bound that may have come in without being acknowledged. */
const SHARE = 1 / 4;

/** A session is stuck after so many transports in a row over which nothing got through; those that lived long count threefold. */
const MAX_FRUITLESS = 9;
const LONG_LIFE = 3;

const MESSAGE_CODE = 0x34;
const BASE64_CODE = 0x62;

/** How a transport was lost. */
export interface Loss {
  readonly reason: CloseReason;
  readonly cause: Error | undefined;
  readonly livedMs: number;
}

/** The session that is counted. */
export interface Lasting extends TransportSink {
  readonly state: SessionState;
  readonly thisEnd: {
    acknowledged(): void;
    suspended(reason: CloseReason, cause: Error | undefined): void;
  };
  readonly observer: SessionObserver | undefined;
  readonly outgoing: { schedule(): void };
  transport: Transport | undefined;
  upgraded: boolean;
  awaitsSign: boolean;
  since: number;
  now(): number;
  enter(state: SessionState): void;
  open(): void;
  dropCandidate(how: PipeClose): void;
  setDeadline(delayMs: number, now: number): void;
  end(ending: Ending): void;
  parseError(cause: Error): void;
  holds(): void;
}

/** Packets, oldest first, of which the first so many were handed to a transport, of this session, at least once. */
export interface Kept {
  readonly packets: Encoded[];
  kept: number;
}

/**
 * One end of a session that outlives its transports: how many messages have come in, and those that went out which the peer has not
 * acknowledged. Both ends count, and alike. A message is one engine packet: a packet with attachments is several.
 *
 * What is kept are the packets themselves, which all receivers of a broadcast share.
 *
 * @see PROTOCOL.md, "Counted streams"
 */
export class Counting {
  /** Messages that came in. */
  received = 0;
  /** What is no message, and leaves before the messages: heartbeats, acknowledgements. */
  controls: Encoded[] | undefined = undefined;
  /** Bytes of what is kept. */
  retainedBytes = 0;
  /** Why it has no transport. */
  loss: Loss | undefined = undefined;
  readonly terms: Pick<ResumeTerms, "window" | "bytes">;

  /** How many of those kept were handed to the transport of now. */
  protected written = 0;
  /** Messages up to the last that is kept. */
  protected sent = 0;
  protected acknowledged = 0;
  /** Transports in a row over which something was written and nothing got through. */
  protected fruitless = 0;
  readonly #queue: Kept | undefined;
  /** Messages before the first that is kept. */
  #before = 0;
  /** The count that was told last, and the bytes that came since. */
  #told = 0;
  #untoldBytes = 0;

  /** @param queue what is kept; left out by a class that has its own */
  constructor(terms: Pick<ResumeTerms, "window" | "bytes">, queue?: Kept) {
    this.terms = terms;
    this.#queue = queue;
  }

  /** Where it is kept. */
  protected get queue(): Kept {
    return this.#queue as Kept;
  }

  // ---- in

  /** A message came in. @returns has so much come that the peer should be told? */
  receive(bytes: number): boolean {
    this.received++;
    this.#untoldBytes += bytes + OVERHEAD_BYTES;
    return this.#untoldBytes >= this.terms.bytes * SHARE;
  }

  /** The count to tell now; `undefined` if it was told already. */
  unreported(): number | undefined {
    if (this.#told === this.received) return undefined;
    this.#told = this.received;
    this.#untoldBytes = 0;
    return this.received;
  }

  // ---- out

  /** Is so much unacknowledged that nothing more may leave? */
  get full(): boolean {
    return this.retainedBytes >= this.terms.bytes;
  }

  /** Has nothing of what waits got through for so long that it never will? */
  get isStuck(): boolean {
    return this.fruitless >= MAX_FRUITLESS;
  }

  /** Packets that are not messages. */
  control(packet: Encoded): void {
    this.controls ??= [];
    this.controls.push(packet);
  }

  /** This one is kept from now on, behind the others. */
  keep(packet: Encoded): void {
    this.sent += messagesOf(packet);
    this.retainedBytes += sizeOf(packet);
  }

  /** What the transport of now has not got yet. */
  takeUnsent(): Encoded[] {
    const { controls, queue } = this;
    const unwritten = queue.packets.slice(this.written, queue.kept);
    this.controls = undefined;
    this.written = queue.kept;
    return controls?.concat(unwritten) ?? unwritten;
  }

  /** The session is over: nothing is kept any more. */
  forget(): void {
    this.retainedBytes = 0;
    this.controls = undefined;
  }

  /**
   * The peer has received so many.
   *
   * @returns false if that cannot be
   */
  acknowledge(count: number): boolean {
    // NaN is neither.
    if (!(count <= this.sent && count >= this.acknowledged)) return false;
    if (count > this.acknowledged) this.fruitless = 0;
    this.acknowledged = count;
    const { queue } = this;
    let done = 0;
    for (; done < queue.kept; done++) {
      const packet = queue.packets[done] as Encoded;
      const messages = messagesOf(packet);
      if (this.#before + messages > count) break;
      this.#before += messages;
      this.retainedBytes -= sizeOf(packet);
    }
    if (done > 0) queue.packets.splice(0, done);
    queue.kept -= done;
    this.written = Math.max(0, this.written - done);
    return true;
  }

  /**
   * Begins on a new transport with all that the peer has not received.
   *
   * @param count messages that the peer has received
   * @param long did the transport before live long?
   * @returns false if that cannot be, or the app has given away bytes that are kept, and nothing has changed
   */
  rewind(count: number, long = false): boolean {
    const moves = count > this.acknowledged;
    if (!this.acknowledge(count)) return false;
    const { packets, kept } = this.queue;
    if (packets.some((packet, at) => at < kept && isSpoilt(packet))) return false;
    if (!moves && this.written > 0) this.fruitless += long ? LONG_LIFE : 1;
    const [first] = packets;
    const had = count - this.#before;
    if (first !== undefined && had > 0) {
      const left = remainder(first, had);
      packets[0] = left;
      left.whole = first.whole ?? first;
      this.#before = count;
      this.retainedBytes += sizeOf(left) - sizeOf(first);
    }
    this.written = 0;
    this.suspend(undefined);
    return true;
  }

  /** The transport is gone, or with no loss replaced. */
  suspend(loss: Loss | undefined): void {
    this.loss = loss;
    this.controls = undefined;
  }

  // ---- its session, which without this has nothing of what follows

  /** A heartbeat, NOOP or CLOSE may say how much has arrived. @returns false if it cannot be, and then the session has ended */
  heard(session: Lasting, data: Frame | undefined): boolean {
    session.thisEnd.acknowledged();
    if (data === undefined) return true;
    const wasFull = this.full;
    const count = readCount(data);
    if (count === undefined || !this.acknowledge(count)) {
      session.parseError(new SessionError("ERR_PROTOCOL_VIOLATION", prose("impossibleCount")));
      return false;
    }
    session.holds();
    if (wasFull && !this.full) session.outgoing.schedule();
    return true;
  }

  /** Its transport is lost: it waits for another one. */
  lose(session: Lasting, reason: CloseReason, cause: Error | undefined): void {
    const now = session.now();
    session.dropCandidate("moved");
    session.transport?.close("moved");
    this.suspend({ reason, cause, livedMs: now - session.since });
    session.enter("suspended");
    session.awaitsSign = false;
    session.setDeadline(this.terms.window, now);
    session.observer?.onSuspend?.(reason, cause);
    session.thisEnd.suspended(reason, cause);
  }

  /** It was suspended and does not continue: it ends for the reason for which its transport did. */
  giveUp(session: Lasting, why: string | undefined): void {
    const { reason = "transport close", cause } = this.loss ?? {};
    session.end({ reason, cause: cause ?? new SessionError("ERR_NOT_RESUMED", why), transport: "dead" });
  }

  /**
   * Takes a transport in place of the one that there was, and begins there with what the peer has not got.
   *
   * @param silenceMs the longest that the peer may be silent
   * @returns false if that cannot be, and then nothing has changed, unless the session has ended since it makes no progress
   */
  move(session: Lasting, transport: Transport, received: number, silenceMs: number): boolean {
    const now = session.now();
    if (!SESSION_STATES[session.state].delivers && session.state !== "suspended") return false;
    const { reason = "transport error", livedMs = now - session.since } = this.loss ?? {};
    if (!this.rewind(received, livedMs * 2 > silenceMs)) return false;
    if (this.isStuck) {
      session.end({ reason, cause: new SessionError("ERR_NO_PROGRESS", prose("nothingThrough")) });
      return false;
    }
    session.since = now;
    const old = session.transport;
    session.dropCandidate("moved");
    old?.close("moved");
    session.transport = transport;
    session.upgraded = false;
    transport.bind(session);
    session.open();
    return true;
  }
}

/** Is it one that is counted? */
export function isMessage({ head }: Encoded): boolean {
  if (typeof head !== "string") return true;
  const code = head.charCodeAt(0);
  return code === MESSAGE_CODE || code === BASE64_CODE;
}

export function messagesOf({ attachments }: Encoded): number {
  return 1 + attachments.length;
}

/** What is left of a packet of which the first messages have arrived. */
function remainder({ attachments, compress }: Encoded, had: number): Encoded {
  return new EncodedPacket(attachments[had - 1] ?? "", attachments.slice(had), compress);
}
