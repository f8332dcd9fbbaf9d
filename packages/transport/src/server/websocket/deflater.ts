import { constants, deflateRaw, deflateRawSync, type ZlibOptions } from "node:zlib";
import { type EncodedPacket, type Frame, UsageError } from "@sockeye/protocol";
import { compressedFrame, type Framed, frameAll, frameBatch, frameInto } from "./frame.js";
import { DeflatedPacket, keepDeflated, keptDeflated } from "./kept-frames.js";
import type { ZlibQueue } from "./zlib-queue.js";

export interface DeflaterOptions {
  /** Messages of fewer bytes are not compressed. */
  readonly threshold: number;
  readonly zlib: ZlibOptions;
  readonly queue: ZlibQueue;
}

/** Bytes of a packet that are compressed at once, in some 0.3 ms. To have it done by another thread costs 0.07 ms itself. */
const SYNC_LIMIT = 16_384;

/** Output that is asked for at a time. Each piece is a trip to another thread. */
const MAX_CHUNK = 262_144;

const MIN_WINDOW = 9;
export const MAX_WINDOW = 15;

/** The part of its window that zlib does not look back to. */
const LOOKAHEAD = 262;

/** `00 00 ff ff`, which a flush leaves at the end and a message goes without. @see RFC 7692, section 7.2.1 */
const TAIL_LENGTH = 4;

/** One message of a packet: its head, or an attachment. */
class Part {
  /** What it became, if it was compressed. */
  deflated: Uint8Array | undefined = undefined;
  readonly bytes: Uint8Array;

  constructor(
    readonly frame: Frame,
    readonly isLong: boolean,
  ) {
    this.bytes = typeof frame === "string" ? Buffer.from(frame) : frame;
  }
}

/**
 * Compresses packets without context takeover, so once for all receivers that agreed on the same window: the frames are
 * kept at the packet. What is shorter than the threshold, or becomes no smaller, goes as it is.
 */
export class Deflater {
  readonly #options: DeflaterOptions;
  readonly #windowBits: number;

  /** @throws UsageError `ERR_BAD_OPTION` if zlib does not take the options */
  constructor(options: DeflaterOptions, windowBits: number) {
    this.#options = options;
    this.#windowBits = windowBits;
    try {
      deflateRawSync("", this.#zlibOptions(0));
    } catch (error) {
      throw new UsageError("ERR_BAD_OPTION", "perMessageDeflate: zlib does not take the options", error);
    }
  }

  /** Frames a batch. `undefined`: a large packet is being compressed, and {@link whenReady} tells when to ask again. */
  frame(batch: readonly EncodedPacket[]): Framed | undefined {
    let forms: (DeflatedPacket | undefined)[] | undefined;
    let isReady = true;
    for (let index = 0; index < batch.length; index++) {
      const packet = batch[index] as EncodedPacket;
      if (!this.#applies(packet)) continue;
      const form = keptDeflated(packet, this.#windowBits) ?? this.#begin(packet);
      if (batch.length === 1) return form.framed;
      forms ??= new Array(batch.length);
      forms[index] = form;
      isReady &&= form.framed !== undefined;
    }
    if (forms === undefined) return frameBatch(batch);
    return isReady ? join(batch, forms) : undefined;
  }

  /** Calls back once, later, when there is reason to ask again for a batch that was not ready. */
  whenReady(batch: readonly EncodedPacket[], callback: () => void): void {
    for (const packet of batch) {
      const waiting = keptDeflated(packet, this.#windowBits)?.waiting;
      if (waiting === undefined) continue;
      waiting.push(callback);
      return;
    }
  }

  #applies(packet: EncodedPacket): boolean {
    if (!packet.compress) return false;
    return this.#isLong(packet.head) || packet.attachments.some((bytes) => this.#isLong(bytes));
  }

  #isLong(frame: Frame): boolean {
    const { threshold } = this.#options;
    if (frame.length >= threshold) return true;
    // A character is three bytes at most.
    return (
      typeof frame === "string" && 3 * frame.length >= threshold && Buffer.byteLength(frame) >= threshold
    );
  }

  #begin(packet: EncodedPacket): DeflatedPacket {
    const parts = [packet.head, ...packet.attachments].map((frame) => new Part(frame, this.#isLong(frame)));
    const long = parts.filter(({ isLong }) => isLong);
    const wanted = Math.max(...long.map(({ bytes }) => windowFor(bytes.length)));
    const from = Math.min(wanted, this.#windowBits);
    // If all of it is within the window, a larger one makes nothing else of it, and those who have that share the frames.
    const form = new DeflatedPacket(from, from === wanted ? MAX_WINDOW : from);
    keepDeflated(packet, form);
    if (long.reduce((sum, { bytes }) => sum + bytes.length, 0) > SYNC_LIMIT) {
      this.#deflateLater(parts, long, form);
    } else {
      for (const part of long) part.deflated = this.#deflate(part.bytes);
      form.framed = assemble(parts);
    }
    return form;
  }

  #deflate(bytes: Uint8Array): Uint8Array {
    return withoutTail(deflateRawSync(bytes, this.#zlibOptions(bytes.length)));
  }

  #deflateLater(parts: readonly Part[], long: readonly Part[], form: DeflatedPacket): void {
    form.waiting = [];
    let left = long.length;
    for (const part of long) {
      this.#options.queue.add((free) => {
        deflateRaw(part.bytes, this.#zlibOptions(part.bytes.length), (error, deflated) => {
          free();
          // It can fail for want of memory; then the message goes as it is.
          if (error === null) part.deflated = withoutTail(deflated);
          if (--left > 0) return;
          form.framed = assembleIfThere(parts);
          const waiting = form.waiting ?? [];
          form.waiting = undefined;
          for (const callback of waiting) callback();
        });
      });
    }
  }

  /** With a window that is no larger than the message has use for: to set one up is half of the cost of a short message. */
  #zlibOptions(length: number): ZlibOptions {
    return {
      chunkSize: Math.min(length + 64, MAX_CHUNK),
      ...this.#options.zlib,
      windowBits: Math.min(windowFor(length), this.#windowBits),
      flush: constants.Z_NO_FLUSH,
      finishFlush: constants.Z_SYNC_FLUSH,
      info: false,
      maxOutputLength: undefined,
    };
  }
}

/** The smallest window, in bits, from whose end zlib sees the whole message. */
function windowFor(length: number): number {
  let bits = MIN_WINDOW;
  while (bits < MAX_WINDOW && 2 ** bits < length + LOOKAHEAD) bits++;
  return bits;
}

function withoutTail(deflated: Buffer): Buffer {
  return deflated.subarray(0, deflated.length - TAIL_LENGTH);
}

/** The frames of one packet, which must not be torn apart. */
function assemble(parts: readonly Part[]): Framed {
  const chunks: Uint8Array[] = [];
  for (const { frame, bytes, deflated } of parts) {
    if (deflated === undefined || deflated.length >= bytes.length) frameInto(chunks, frame);
    else chunks.push(compressedFrame(typeof frame === "string", deflated));
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : chunks;
}

/** The same, later: nothing if the app has given away the bytes meanwhile. */
function assembleIfThere(parts: readonly Part[]): Framed {
  try {
    return assemble(parts);
  } catch {
    return [];
  }
}

/** The frames of a batch, of which some packets are compressed. */
function join(batch: readonly EncodedPacket[], forms: readonly (DeflatedPacket | undefined)[]): Framed {
  const chunks: Uint8Array[] = [];
  let plainFrom = 0;
  for (let index = 0; index <= batch.length; index++) {
    const framed = forms[index]?.framed;
    if (framed === undefined && index < batch.length) continue;
    if (index > plainFrom) append(chunks, frameAll(batch.slice(plainFrom, index)));
    if (framed !== undefined) append(chunks, framed);
    plainFrom = index + 1;
  }
  return chunks;
}

function append(chunks: Uint8Array[], framed: Framed): void {
  if (ArrayBuffer.isView(framed)) chunks.push(framed);
  else chunks.push(...framed);
}
