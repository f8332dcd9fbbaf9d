import { constants, isUtf8 } from "node:buffer";
import { GrowingBytes } from "../../shared/growing-bytes.js";
import {
  CONTROL_UNITS,
  DIRECT_UNITS,
  type Turns,
  UNPACK_UNITS,
  unitsOf,
  type Waiter,
} from "../turns/turns.js";
import { ClosingFrames } from "./closing-frames.js";
import type { CloseCode, FrameSink } from "./frame-sink.js";
import type { InflateFault, Inflater } from "./inflater.js";
import { unmask } from "./mask.js";

export type { CloseCode, FrameSink } from "./frame-sink.js";

/** Frames of one message, empty ones included. */
const MAX_FRAGMENTS = 16_384;

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

const FIN = 0x80;
const RESERVED = 0x70;
/** The message is compressed, which its first frame says. @see RFC 7692, section 6 */
const COMPRESSED = 0x40;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;
const FIN_TEXT = FIN | TEXT;
const NOTHING = Buffer.alloc(0);

/** The pieces of a message that has begun. */
class Message {
  readonly gathered: GrowingBytes = new GrowingBytes();
  fragments = 0;
  isAscii = true;

  /** @param first the first byte of its first frame */
  constructor(readonly first: number) {}
}

/** A message that was unpacked later, and is to be handed on. */
interface Unpacked {
  readonly opcode: number;
  readonly result: Buffer | InflateFault;
  /** Lets the next one be unpacked. */
  readonly free: () => void;
}

/**
 * Reads what a WebSocket client sends: masked frames, and compressed messages if that was agreed on. Frames that are whole are read where they lie, and
 * their bytes are overwritten by that; only what is incomplete is copied and kept. Nothing is kept of a chunk otherwise, unless it has
 * to wait: for its {@link Turns}, or for a message before it that is being unpacked.
 *
 * @see RFC 6455, section 5, and RFC 7692, section 6.2
 */
export class FrameReader implements Waiter {
  readonly #sink: FrameSink;
  #maxPayload: number;
  /** A frame whose end has not come. */
  #partial: GrowingBytes | undefined = undefined;
  /** A message whose last frame has not come. */
  #message: Message | undefined = undefined;
  /** Bytes of the frame at hand that must be there before it is worth another look. */
  #needed = 0;
  #stopped = false;
  /** Set once our close frame is out. */
  #closing: ClosingFrames | undefined = undefined;
  readonly #inflater: Inflater | undefined;
  readonly #turns: Turns | undefined;
  /** What has come and waits, in order; set while the next frame may not be read. */
  #backlog: Buffer[] | undefined = undefined;
  /** Bytes of that, and of the message that is being unpacked. */
  #backlogBytes = 0;
  #isUnpacking = false;
  #unpacked: Unpacked | undefined = undefined;
  /** Units that this call has got, and what is left of them. */
  #given = 0;
  #share = 0;
  /** Is it read as it comes in, and not by those who wait? Then the turn must have time for it. */
  #isDirect = true;

  /**
   * @param maxPayload bytes of one message; more than a string can hold is never taken
   * @param turns how much may be handled at once; left out: all
   */
  constructor(sink: FrameSink, maxPayload: number, inflater?: Inflater, turns?: Turns) {
    this.#sink = sink;
    this.#maxPayload = Math.min(maxPayload, constants.MAX_STRING_LENGTH);
    this.#inflater = inflater;
    this.#turns = turns;
  }

  /** Bytes of memory that what is incomplete or waits takes. */
  get heldBytes(): number {
    const message = this.#message?.gathered.capacity ?? 0;
    return (this.#partial?.capacity ?? 0) + message + this.#backlogBytes;
  }

  /** Messages that begin from now on may have so many bytes. */
  allow(maxPayload: number): void {
    this.#maxPayload = Math.min(maxPayload, constants.MAX_STRING_LENGTH);
  }

  /** Our close frame is out: nothing is reported, and nothing kept, but the peer's own. */
  expectClose(): void {
    if (this.#stopped || this.#closing !== undefined) return;
    const closing = new ClosingFrames((body) => this.#closed(body));
    this.#closing = closing;
    const [partial, backlog] = [this.#partial, this.#backlog];
    this.#partial = undefined;
    this.#message = undefined;
    this.#letGo();
    // A frame that is whole is the one that is being reported just now, unless it waits.
    const isWaiting = backlog !== undefined;
    if (partial !== undefined && (isWaiting || partial.length < this.#needed)) closing.read(partial.bytes);
    if (backlog === undefined) return;
    for (const chunk of backlog) closing.read(chunk);
    this.#sink.hold?.(false);
  }

  /** Has a message begun that is not whole yet? */
  get pending(): boolean {
    return this.#partial !== undefined || this.#message !== undefined;
  }

  /** Has something come that is not reported yet, though it could be? */
  get waits(): boolean {
    return this.#backlog !== undefined;
  }

  /** Reads on; reports what the chunk holds before it returns, if there is time. The chunk is the reader's from now on. */
  read(chunk: Buffer): void {
    if (this.#backlog !== undefined) {
      this.#put(chunk);
      this.#sink.hold?.(true);
      return;
    }
    this.#grant(DIRECT_UNITS, true);
    this.#readChunk(chunk);
  }

  /** Its turn has come. */
  take(units: number): boolean {
    this.#grant(units, false);
    this.#goOn();
    // What is being unpacked calls by itself.
    return this.waits && !this.#isUnpacking;
  }

  /** Nothing is reported from now on, not even the rest of the chunk that is being read. */
  stop(): void {
    this.#stopped = true;
    this.#partial = undefined;
    this.#message = undefined;
    this.#letGo();
  }

  /** Nothing that waits is read any more. */
  #letGo(): void {
    this.#backlog = undefined;
    this.#backlogBytes = 0;
    this.#unpacked?.free();
    this.#unpacked = undefined;
  }

  #grant(units: number, isDirect: boolean): void {
    this.#given = units;
    this.#share = units;
    this.#isDirect = isDirect;
  }

  #readChunk(chunk: Buffer): void {
    if (this.#stopped) return;
    let at = 0;
    if (this.#partial !== undefined) at = this.#readPartial(this.#partial, chunk);
    while (at < chunk.length && !this.#stopped) {
      if (this.#closing !== undefined) {
        this.#closing.read(chunk.subarray(at));
        return;
      }
      if (this.#backlog !== undefined) {
        this.#put(at === 0 ? chunk : chunk.subarray(at));
        return;
      }
      const next = this.#readFrame(chunk, at);
      if (next > at) at = next;
      else if (this.#backlog === undefined) {
        if (!this.#stopped) this.#keep(chunk.subarray(at));
        return;
      }
    }
  }

  /** Reads what waits, as far as that goes. */
  #goOn(): void {
    const chunks = this.#backlog;
    if (chunks === undefined) return;
    this.#backlog = undefined;
    this.#backlogBytes = 0;
    this.#handUnpacked();
    // A frame may be whole that no byte comes for any more.
    if (chunks.length === 0) chunks.push(NOTHING);
    for (const chunk of chunks) {
      if (this.waits) this.#put(chunk);
      else this.#readChunk(chunk);
    }
    // Also after the end: what still comes is dropped, and the peer's own end must be seen.
    if (!this.waits) this.#sink.hold?.(false);
  }

  #put(chunk: Buffer): void {
    this.#backlog?.push(chunk);
    this.#backlogBytes += chunk.length;
  }

  /** May something of this cost be handled now? If not, all that follows waits. */
  #may(units: number): boolean {
    if (this.#turns === undefined) return true;
    const isOver = units > this.#share && this.#share < this.#given;
    if (isOver || (this.#isDirect && !this.#turns.allows(units))) {
      this.#backlog = [];
      if (this.#isDirect) this.#turns.wait(this, units);
      return false;
    }
    this.#share -= units;
    return true;
  }

  #keep(rest: Buffer): void {
    this.#partial = new GrowingBytes();
    this.#partial.append(rest, this.#needed);
  }

  /** Fills up the frame that has begun. Returns how much of the chunk that took. */
  #readPartial(partial: GrowingBytes, chunk: Buffer): number {
    let at = 0;
    for (;;) {
      const piece = chunk.subarray(at, at + this.#needed - partial.length);
      partial.append(piece, this.#needed);
      at += piece.length;
      if (partial.length < this.#needed) return at;
      // Either the frame is read, or it is known better now how much is missing, or it has to wait.
      if (this.#readFrame(partial.bytes, 0) > 0) {
        this.#partial = undefined;
        return at;
      }
      if (this.#stopped || this.waits) return at;
    }
  }

  /** Returns where the frame ends, or `at` if it is not whole, not allowed, or has to wait. */
  #readFrame(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    if (available < 2) return this.#await(2, at);
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    const fault = this.#faultOf(first, second);
    if (fault !== undefined) return this.#violated(1002, fault, at);

    let length = second & LENGTH;
    let maskAt = at + 2;
    if (length === 126) {
      if (available < 4) return this.#await(4, at);
      length = bytes.readUInt16BE(maskAt);
      maskAt += 2;
    } else if (length === 127) {
      if (available < 10) return this.#await(10, at);
      // Beyond 2^53 this is not exact, but then it is over the limit all the same.
      length = bytes.readUInt32BE(maskAt) * 2 ** 32 + bytes.readUInt32BE(maskAt + 4);
      maskAt += 8;
    }
    const gathered = this.#message === undefined ? 0 : this.#message.gathered.length;
    if ((first & OPCODE) < CLOSE && gathered + length > this.#maxPayload) {
      return this.#violated(1009, "a message is larger than the limit", at);
    }
    const end = maskAt + 4 + length;
    if (end > bytes.length) return this.#await(end - at, at);
    if (!this.#may(first === FIN_TEXT ? unitsOf(length, true) : this.#unitsOf(first, length, gathered))) {
      return this.#await(end - at, at);
    }
    const isAscii = unmask(bytes, maskAt, end);
    if (first === FIN_TEXT && isAscii) this.#sink.text(bytes.toString("latin1", maskAt + 4, end));
    else this.#deliver(first, bytes.subarray(maskAt + 4, end), isAscii);
    return end;
  }

  /** What a frame costs: the last one of a message, the whole message. */
  #unitsOf(first: number, length: number, gathered: number): number {
    const opcode = first & OPCODE;
    if (opcode >= CLOSE) return CONTROL_UNITS;
    if (first < FIN) return unitsOf(length, false);
    const begun = opcode === CONTINUATION && this.#message !== undefined ? this.#message.first : first;
    if ((begun & COMPRESSED) !== 0) return UNPACK_UNITS + unitsOf(gathered + length, true);
    return unitsOf(gathered + length, (begun & OPCODE) === TEXT);
  }

  #await(bytes: number, at: number): number {
    this.#needed = bytes;
    return at;
  }

  /** What is wrong with the first two bytes of a frame. */
  #faultOf(first: number, second: number): string | undefined {
    if (second < MASKED) return "a frame is not masked";
    const opcode = first & OPCODE;
    const allowed =
      this.#inflater !== undefined && opcode !== CONTINUATION && opcode < CLOSE ? COMPRESSED : 0;
    if ((first & RESERVED & ~allowed) !== 0) return "a reserved bit is set";
    if (opcode === TEXT || opcode === BINARY) {
      return this.#message === undefined ? undefined : "a message begins within another";
    }
    if (opcode === CONTINUATION) {
      return this.#message === undefined ? "a message continues that has not begun" : undefined;
    }
    if (opcode < CLOSE || opcode > PONG) return "an opcode is unknown";
    if (first < FIN) return "a control frame is fragmented";
    const length = second & LENGTH;
    if (length > 125) return "a control frame is too long";
    return opcode === CLOSE && length === 1 ? "a status code is cut off" : undefined;
  }

  #deliver(first: number, payload: Buffer, isAscii: boolean): void {
    const opcode = first & OPCODE;
    if (opcode === CLOSE) this.#closed(payload);
    else if (opcode === PING) this.#sink.ping(payload);
    else if (opcode === PONG) this.#sink.pong?.();
    else if (first < FIN || opcode === CONTINUATION) this.#gather(first, payload, isAscii);
    else this.#complete(first, payload, isAscii);
  }

  #gather(first: number, payload: Buffer, isAscii: boolean): void {
    this.#message ??= new Message(first);
    const message = this.#message;
    if (++message.fragments > MAX_FRAGMENTS) {
      this.#violated(1008, "a message has too many fragments", 0);
      return;
    }
    message.gathered.append(payload, this.#maxPayload);
    message.isAscii &&= isAscii;
    if (first < FIN) return;
    this.#message = undefined;
    this.#complete(message.first, message.gathered.bytes, message.isAscii);
  }

  #complete(first: number, payload: Buffer, isAscii: boolean): void {
    const opcode = first & OPCODE;
    const inflater = (first & COMPRESSED) === 0 ? undefined : this.#inflater;
    if (inflater === undefined) {
      this.#hand(opcode, payload, isAscii);
      return;
    }
    const unpacked = inflater.inflateSmall(payload);
    if (unpacked === undefined) {
      this.#unpackLater(opcode, payload, inflater);
    } else {
      // Nobody knew before how much it is. It is not very much.
      this.#share -= unitsOfUnpacked(opcode, unpacked);
      this.#handResult(opcode, unpacked);
    }
  }

  /** One at a time: what comes behind it waits. */
  #unpackLater(opcode: number, payload: Buffer, inflater: Inflater): void {
    this.#backlog = [];
    this.#backlogBytes = payload.length;
    this.#isUnpacking = true;
    this.#sink.hold?.(true);
    inflater.inflateLater(payload, (result, free) => {
      this.#isUnpacking = false;
      // Undefined if it was stopped.
      if (this.#backlog === undefined) {
        free();
        return;
      }
      this.#unpacked = { opcode, result, free };
      if (Buffer.isBuffer(result)) this.#backlogBytes += result.length;
      const units = unitsOfUnpacked(opcode, result);
      if (this.#turns?.allows(units) === false) {
        this.#turns.wait(this, units);
        return;
      }
      this.#grant(DIRECT_UNITS, true);
      this.#goOn();
    });
  }

  #handUnpacked(): void {
    const unpacked = this.#unpacked;
    if (unpacked === undefined) return;
    this.#unpacked = undefined;
    const { opcode, result, free } = unpacked;
    this.#share -= unitsOfUnpacked(opcode, result);
    this.#handResult(opcode, result);
    // Not before: what is unpacked and not handled is bounded for all connections together.
    free();
  }

  #handResult(opcode: number, result: Buffer | InflateFault): void {
    if (Buffer.isBuffer(result)) this.#hand(opcode, result, false);
    else this.#violated(result.code, result.what, 0);
  }

  /** A whole message, as its sender had it. */
  #hand(opcode: number, payload: Buffer, isAscii: boolean): void {
    if (opcode === BINARY) this.#sink.binary(owned(payload));
    else if (isAscii) this.#sink.text(payload.toString("latin1"));
    else if (isUtf8(payload)) this.#sink.text(payload.toString("utf8"));
    else this.#violated(1007, "a text is not UTF-8", 0);
  }

  #closed(body: Buffer): void {
    if (body.length > 0 && !isStatusCode(body.readUInt16BE(0))) {
      this.#violated(1002, "a status code is not allowed", 0);
    } else if (!isUtf8(body.subarray(2))) {
      this.#violated(1007, "a reason is not UTF-8", 0);
    } else {
      this.stop();
      this.#sink.goodbye(body);
    }
  }

  #violated(code: CloseCode, what: string, at: number): number {
    this.stop();
    this.#sink.violation(code, what);
    return at;
  }
}

function unitsOfUnpacked(opcode: number, result: Buffer | InflateFault): number {
  return Buffer.isBuffer(result) ? unitsOf(result.length, opcode === TEXT) : 1;
}

/** A payload that is most of its memory is handed on as it is; of any other, a copy, since the app may keep it for long. */
function owned(payload: Buffer): Buffer {
  return 2 * payload.length >= payload.buffer.byteLength ? payload : Buffer.from(payload);
}

/** May a peer close with it? @see RFC 6455, section 7.4, and the registry of IANA that it founds */
function isStatusCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
