import type { CloseReason, EncodedPacket as Encoded, ResumeTerms } from "@sockeye/protocol";
import { EncodedPacket } from "@sockeye/protocol";
import { isSpoilt, sizeOf } from "./outbox.js";

/** What one message that came in is counted as, beside its bytes: as much as one that waits, at most. */
const OVERHEAD_BYTES = 96;

/** So much of the bound may have come in without being acknowledged. */
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

/** Kept by all ends that keep nothing. Never pushed to. */
const NOTHING: Encoded[] = [];

/**
 * One end of a session that outlives its transports: how many messages have come in, and those that went out which the peer has not
 * acknowledged. Both ends have one, and the same. A message is one engine packet: a packet with attachments is several.
 *
 * What is kept are the packets themselves, which all receivers of a broadcast share.
 *
 * @see PROTOCOL.md, "Counted streams"
 */
export class ReplayBuffer {
  /** Messages that came in. */
  received = 0;
  /** What is no message, and leaves before the messages: heartbeats, acknowledgements. */
  controls: Encoded[] | undefined = undefined;
  /** Leaves alone, before all else: a client that waits for it must not wait for what comes with it in one body. */
  welcome: Encoded | undefined = undefined;
  retainedBytes = 0;
  /** Why it has no transport. */
  loss: Loss | undefined = undefined;
  readonly terms: Pick<ResumeTerms, "window" | "bytes">;

  /** Handed to a transport, of this session, at least once. Oldest first. */
  #kept: Encoded[] = NOTHING;
  /** How many of them were handed to the transport of now. */
  #written = 0;
  /** Messages before the first that is kept. */
  #before = 0;
  /** Messages up to the last that is kept. */
  #sent = 0;
  #acknowledged = 0;
  /** Transports in a row over which something was written and nothing got through. */
  #fruitless = 0;
  /** What the answer to the heartbeat under way must acknowledge. */
  #expected = 0;
  /** The count that was told last, and the bytes that came since. */
  #told = 0;
  #untoldBytes = 0;

  constructor(terms: Pick<ResumeTerms, "window" | "bytes">) {
    this.terms = terms;
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
    return this.#fruitless >= MAX_FRUITLESS;
  }

  /** Did nothing of it get through over the last transport, perhaps because it takes too long? */
  get isSlow(): boolean {
    return this.#fruitless > 0;
  }

  control(packet: Encoded): void {
    this.controls ??= [];
    this.controls.push(packet);
  }

  /** Keeps packets, in order. They leave with the next {@link takeUnsent}. The array is not the caller's any more. */
  retain(packets: Encoded[]): void {
    const known = this.#kept;
    if (known === NOTHING) this.#kept = packets;
    for (const packet of packets) {
      if (known !== NOTHING) known.push(packet);
      this.#sent += messagesOf(packet);
      this.retainedBytes += sizeOf(packet);
    }
  }

  get kept(): readonly Encoded[] {
    return this.#kept;
  }

  /** The session is over: nothing is kept any more. */
  forget(): void {
    this.#kept = NOTHING;
    this.retainedBytes = 0;
    this.controls = undefined;
  }

  /** What the transport of now has not got yet. */
  takeUnsent(): Encoded[] {
    const { controls, welcome } = this;
    this.welcome = undefined;
    if (welcome) return [welcome];
    const unwritten = this.#kept.slice(this.#written);
    this.controls = undefined;
    this.#written = this.#kept.length;
    return controls?.concat(unwritten) ?? unwritten;
  }

  /**
   * The peer has received so many.
   *
   * @returns false if that cannot be
   */
  acknowledge(count: number): boolean {
    if (count > this.#sent || count < this.#acknowledged) return false;
    if (count > this.#acknowledged) this.#fruitless = 0;
    this.#acknowledged = count;
    let done = 0;
    for (const packet of this.#kept) {
      const messages = messagesOf(packet);
      if (this.#before + messages > count) break;
      this.#before += messages;
      this.retainedBytes -= sizeOf(packet);
      done++;
    }
    if (done > 0 && done === this.#kept.length) this.#kept = NOTHING;
    else if (done > 0) this.#kept.splice(0, done);
    this.#written = Math.max(0, this.#written - done);
    return true;
  }

  /** A heartbeat leaves after all that was handed to the transport. */
  heartbeat(): void {
    let unwritten = 0;
    for (let index = this.#written; index < this.#kept.length; index++)
      unwritten += messagesOf(this.#kept[index]);
    this.#expected = this.#sent - unwritten;
  }

  /** Does what the peer has acknowledged reach up to the heartbeat that it has answered? If not, some of it was lost. */
  get answered(): boolean {
    return this.#acknowledged >= this.#expected;
  }

  /**
   * Begins on a new transport with all that the peer has not received.
   *
   * @param count messages that the peer has received
   * @param long did the transport before live long?
   * @returns false if that cannot be, or the app has given away bytes that are kept, and nothing has changed
   */
  rewind(count: number, long = false): boolean {
    const moves = count > this.#acknowledged;
    if (!this.acknowledge(count) || this.#kept.some(isSpoilt)) return false;
    if (!moves && this.#written > 0) this.#fruitless += long ? LONG_LIFE : 1;
    const [first, ...rest] = this.#kept;
    const had = count - this.#before;
    if (first !== undefined && had > 0) {
      const left = remainder(first, had);
      this.#kept = [left, ...rest];
      this.#before = count;
      this.retainedBytes += sizeOf(left) - sizeOf(first);
    }
    this.#written = 0;
    this.#expected = 0;
    this.loss = undefined;
    this.controls = undefined;
    this.welcome = undefined;
    return true;
  }

  /** The transport is gone. */
  suspend(loss: Loss): void {
    this.loss = loss;
    this.controls = undefined;
    this.welcome = undefined;
  }
}

/** Is it one that is counted? */
export function isMessage({ head }: Encoded): boolean {
  if (typeof head !== "string") return true;
  const code = head.charCodeAt(0);
  return code === MESSAGE_CODE || code === BASE64_CODE;
}

function messagesOf(packet: Encoded | undefined): number {
  return packet === undefined ? 0 : 1 + packet.attachments.length;
}

/** What is left of a packet of which the first messages have arrived. */
function remainder({ attachments, compress }: Encoded, had: number): Encoded {
  return new EncodedPacket(attachments[had - 1] ?? "", attachments.slice(had), compress);
}
