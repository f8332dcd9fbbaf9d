import type { Codec, Decoder, ErrorCode, Frame, Limits } from "@sockeye/protocol";
import { CodecError, DEFAULT_LIMITS, EncodedPacket, UsageError } from "@sockeye/protocol";
import { asUint8Array, isBytes, platformBytes, utf8Length } from "./bytes.js";
import { message } from "./envelope.js";
import { oversized, packetFrom } from "./packet-from.js";
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
interface ForeignParser {
  readonly Encoder: new () => { encode(packet: WirePacket): unknown };
  readonly Decoder: new () => {
    add(frame: unknown): unknown;
    on(event: "decoded", listener: (packet: unknown) => void): unknown;
    destroy?(): unknown;
  };
}

/** What a parser's frame may have beside the payload and the namespace. */
const ENVELOPE_BYTES = 64;

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
  const { Encoder, Decoder } = parser as unknown as ForeignParser;
  const rules = { ...DEFAULT_LIMITS, ...limits };
  const encoder = new Encoder();
  return {
    encode: (packet, compress = true) => {
      const frames = guarded("ERR_UNENCODABLE", () => encoder.encode(wirePacket(packet)));
      if (!Array.isArray(frames) || frames.length === 0) throw unencodable("it returned no frames");
      const [head, ...attachments] = frames as unknown[];
      return new EncodedPacket(headOf(head), attachments.map(bytesOf), compress);
    },
    decoder: () => decoderOf(new Decoder(), rules),
  };
}

function decoderOf(decoder: InstanceType<ForeignParser["Decoder"]>, limits: Limits): Decoder {
  const decoded: unknown[] = [];
  decoder.on("decoded", (packet) => decoded.push(packet));
  /** Of the packet under way. */
  let bytes = 0;
  return {
    get waitingBytes() {
      return bytes;
    },
    write: (frame) => {
      const given = typeof frame === "string" ? frame : platformBytes(frame);
      guarded("ERR_PACKET_MALFORMED", () => decoder.add(given));
      const packets = decoded.splice(0);
      // More than one: it was late with the one before, or has made two of one frame. Either would mix up the order.
      if (packets.length > 1) throw foreign("ERR_PACKET_MALFORMED", "it gave several packets for one frame");
      bytes += typeof frame === "string" ? utf8Length(frame) : frame.length;
      if (packets.length === 0) return undefined;
      const packet = packetFrom(packets[0], limits);
      // How much of the frame is the payload, only the parser knows.
      const isLarge = bytes - packet.nsp.length - ENVELOPE_BYTES > limits.maxAuthBytes;
      bytes = 0;
      return isLarge ? oversized(packet) : packet;
    },
    close: () => {
      bytes = 0;
      try {
        decoder.destroy?.();
      } catch {
        // The session is over: nobody is left to be told.
      }
    },
  };
}

/** What the parser throws becomes a `CodecError`. */
function guarded(code: ErrorCode, call: () => unknown): unknown {
  try {
    return call();
  } catch (cause) {
    throw cause instanceof CodecError ? cause : foreign(code, "it threw", cause);
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

function unencodable(what: string): CodecError {
  return foreign("ERR_UNENCODABLE", what);
}

function foreign(code: ErrorCode, what: string, cause?: unknown): CodecError {
  return new CodecError(code, `the custom parser: ${what}`, cause);
}
