import { constants as limits } from "node:buffer";
import { constants, inflateRaw, inflateRawSync, type ZlibOptions } from "node:zlib";
import { UsageError } from "@sockeye/protocol";
import type { ZlibQueue } from "./zlib-queue.js";

/** Why a message could not be unpacked. */
export interface InflateFault {
  /** What the close frame should tell its sender. */
  readonly code: 1007 | 1009;
  readonly what: string;
}

export interface InflaterOptions {
  /** Bytes of an unpacked message; more than a string can hold is never made. */
  readonly maxPayload: number;
  readonly zlib: ZlibOptions;
  readonly queue: ZlibQueue;
}

/** Up to here a message is unpacked at once, if it becomes no more than {@link SYNC_OUTPUT}: deflate makes up to 1032 bytes of one. */
const SYNC_LIMIT = 8192;
const SYNC_OUTPUT = 32_768;

const MIN_CHUNK = 1024;
const MAX_CHUNK = 65_536;

/** What a sender takes off the end of a message. @see RFC 7692, section 7.2.2 */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** A message of no bytes. @see RFC 7692, section 7.2.3.6 */
const EMPTY = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);

/**
 * Unpacks messages that were compressed without context takeover, so that nothing is kept from one to the next. The limit
 * is watched while a message is unpacked: a bomb never takes more memory than a message may.
 */
export class Inflater {
  readonly #options: ZlibOptions;
  readonly #queue: ZlibQueue;

  /** @throws UsageError `ERR_BAD_OPTION` if zlib does not take the options */
  constructor({ maxPayload, zlib, queue }: InflaterOptions) {
    this.#queue = queue;
    this.#options = {
      ...zlib,
      // Clients may use any window; what is here is given back as soon as the message is unpacked.
      windowBits: constants.Z_DEFAULT_WINDOWBITS,
      flush: constants.Z_NO_FLUSH,
      finishFlush: constants.Z_SYNC_FLUSH,
      info: false,
      maxOutputLength: Math.min(Math.max(maxPayload, 1), limits.MAX_STRING_LENGTH),
    };
    try {
      inflateRawSync(EMPTY, this.#optionsFor(EMPTY));
    } catch (error) {
      throw new UsageError("ERR_BAD_OPTION", "perMessageDeflate: zlib does not take the options", error);
    }
  }

  /** Unpacks it at once, unless it is large or becomes large: then it is `undefined`, and for {@link inflateLater}. */
  inflateSmall(payload: Buffer): Buffer | InflateFault | undefined {
    if (payload.length > SYNC_LIMIT) return undefined;
    const options = this.#optionsFor(payload);
    const { maxOutputLength = SYNC_OUTPUT } = options;
    const isSmallest = maxOutputLength <= SYNC_OUTPUT;
    if (!isSmallest) options.maxOutputLength = SYNC_OUTPUT;
    try {
      return inflateRawSync(Buffer.concat([payload, TAIL]), options);
    } catch (error) {
      const fault = faultOf(error);
      return fault.code === 1009 && !isSmallest ? undefined : fault;
    }
  }

  /**
   * Calls back once, and not before it returns. The payload is copied before that. Only so many are unpacked, or unpacked and
   * not handled, at a time: the callee says when the next one may come.
   */
  inflateLater(payload: Buffer, done: (result: Buffer | InflateFault, free: () => void) => void): void {
    const whole = Buffer.concat([payload, TAIL]);
    this.#queue.add((free) => {
      // It is large, or becomes so: each piece is a round through the threads and the event loop.
      inflateRaw(whole, { chunkSize: MAX_CHUNK, ...this.#options }, (error, bytes) => {
        done(error === null ? bytes : faultOf(error), free);
      });
    });
  }

  #optionsFor(payload: Buffer): ZlibOptions {
    // The app's own size goes first. Text is about a fifth of its size when it is compressed.
    const chunkSize = this.#options.chunkSize ?? Math.min(Math.max(8 * payload.length, MIN_CHUNK), MAX_CHUNK);
    return { ...this.#options, chunkSize };
  }
}

function faultOf(error: unknown): InflateFault {
  return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
    ? { code: 1009, what: "an unpacked message is larger than the limit" }
    : { code: 1007, what: "a message cannot be unpacked" };
}
