import type { Codec, Decoder, Frame, Limits, Packet } from "@sockeye/protocol";
import { CodecError, DEFAULT_LIMITS, EncodedPacket, UsageError } from "@sockeye/protocol";
import { asUint8Array, isBytes, platformBytes } from "./bytes.js";
import { message } from "./envelope.js";
import { packetFrom } from "./packet-from.js";
import type { WirePacket } from "./wire-data.js";
import { wirePacket } from "./wire-data.js";

/** A parser in the shape of Socket.IO's: what its users give as the option `parser`, as `socket.io-msgpack-parser` is. */
export interface Parser {
  readonly Encoder: new () => {
    /** Gives frames: one text or bytes, and any number of bytes behind. */
    encode(packet: never): readonly unknown[];
  };
  readonly Decoder: new () => {
    /** Takes one frame. Emits `decoded` with the packet that it completes, before it returns. */
    add(frame: never): unknown;
    on(event: never, listener: never): unknown;
    destroy?(): unknown;
  };
}

/** The same, as it is used: what comes out is anybody's guess. */
interface ForeignEncoder {
  encode(packet: WirePacket): unknown;
}

interface ForeignDecoder {
  add(frame: unknown): unknown;
  on(event: "decoded", listener: (packet: unknown) => void): unknown;
  destroy?(): unknown;
}

/** Separates the packets of a polling body. */
const PAYLOAD_SEPARATOR = "\x1e";

/**
 * Makes a codec of a parser in Socket.IO's shape. What the parser hands out is checked as if it came from the wire: type,
 * namespace, id, the event's name; the values of the arguments are the parser's own matter. What it throws becomes a
 * `CodecError`. A codec is returned as it is.
 *
 * @param limits what differs from `DEFAULT_LIMITS`
 * @throws UsageError `ERR_BAD_OPTION` if it is neither
 */
export function codecFromParser(parser: Parser | Codec, limits?: Partial<Limits>): Codec {
  if ("decoder" in parser) return parser;
  if (typeof parser.Encoder !== "function" || typeof parser.Decoder !== "function") {
    throw new UsageError("ERR_BAD_OPTION", "a parser has the classes Encoder and Decoder");
  }
  return new ParserCodec(parser, { ...DEFAULT_LIMITS, ...limits });
}

class ParserCodec implements Codec {
  readonly #parser: Parser;
  readonly #limits: Limits;
  readonly #encoder: ForeignEncoder;

  constructor(parser: Parser, limits: Limits) {
    this.#parser = parser;
    this.#limits = limits;
    this.#encoder = new parser.Encoder() as ForeignEncoder;
  }

  encode(packet: Packet, compress = true): EncodedPacket {
    let frames: unknown;
    try {
      frames = this.#encoder.encode(wirePacket(packet));
    } catch (cause) {
      throw unencodable("it threw", cause);
    }
    if (!Array.isArray(frames) || frames.length === 0) throw unencodable("it returned no frames");
    const [head, ...attachments] = frames as unknown[];
    return new EncodedPacket(headOf(head), attachments.map(bytesOf), compress);
  }

  decoder(): Decoder {
    return new ParserDecoder(new this.#parser.Decoder() as ForeignDecoder, this.#limits);
  }
}

class ParserDecoder implements Decoder {
  readonly #decoder: ForeignDecoder;
  readonly #limits: Limits;
  #decoded: unknown[] = [];

  constructor(decoder: ForeignDecoder, limits: Limits) {
    this.#decoder = decoder;
    this.#limits = limits;
    decoder.on("decoded", (packet) => this.#decoded.push(packet));
  }

  write(frame: Frame): Packet | undefined {
    try {
      this.#decoder.add(typeof frame === "string" ? frame : platformBytes(frame));
    } catch (cause) {
      throw cause instanceof CodecError ? cause : malformed("it threw", cause);
    }
    const decoded = this.#decoded;
    if (decoded.length === 0) return undefined;
    this.#decoded = [];
    // More than one: it was late with the one before, or has made two of one frame. Either would mix up the order.
    if (decoded.length > 1) throw malformed("it gave several packets for one frame");
    return packetFrom(decoded[0], this.#limits);
  }

  close(): void {
    try {
      this.#decoder.destroy?.();
    } catch {
      // The session is over: nobody is left to be told.
    }
  }
}

function headOf(frame: unknown): Frame {
  if (typeof frame !== "string") return bytesOf(frame);
  if (frame.includes(PAYLOAD_SEPARATOR)) throw unencodable("its text holds U+001E");
  return message(frame);
}

function bytesOf(frame: unknown): Uint8Array {
  if (isBytes(frame)) return asUint8Array(frame);
  throw unencodable("a frame is neither text nor bytes");
}

function unencodable(what: string, cause?: unknown): CodecError {
  return new CodecError("ERR_UNENCODABLE", `the custom parser: ${what}`, cause);
}

function malformed(what: string, cause?: unknown): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", `the custom parser: ${what}`, cause);
}
