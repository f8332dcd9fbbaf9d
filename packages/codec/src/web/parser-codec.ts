import type { Codec, ErrorCode, Frame, Limits, Packet } from "@sockeye/protocol";
import { CodecError, EncodedPacket, UsageError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Parser } from "../parser-codec.js";
import { asArrayBuffer, asUint8Array, isBytes } from "../views.js";
import type { WirePacket } from "../wire-data.js";
import { checked } from "./checked.js";

// What ../parser-codec.ts does on Node.js, for a client that trusts its server.

interface ForeignParser {
  readonly Encoder: new () => { encode(packet: WirePacket): unknown[] };
  readonly Decoder: new () => {
    add(frame: unknown): unknown;
    on(event: "decoded", listener: (packet: unknown) => void): unknown;
    destroy?(): unknown;
  };
}

/** Makes a codec of a parser in Socket.IO's shape. A codec is returned as it is. @throws UsageError `ERR_BAD_OPTION` if it is neither */
export function codecFromParser(parser: Parser | Codec, _limits?: Partial<Limits>): Codec {
  if ("decoder" in parser) return parser;
  const { Encoder, Decoder } = parser as unknown as ForeignParser;
  if (typeof Encoder !== "function" || typeof Decoder !== "function")
    throw new UsageError("ERR_BAD_OPTION", prose("notAParser"));
  const encoder = new Encoder();
  return {
    encode: ({ type, data, nsp, id }, compress) =>
      guarded("ERR_UNENCODABLE", () => {
        // What is not there has no key: some formats would write `undefined`.
        const packet: WirePacket = {
          type,
          nsp,
          ...(data === undefined ? {} : { data }),
          ...(id === undefined ? {} : { id }),
        };
        const [head, ...attachments] = encoder.encode(packet).map(frameOf);
        if (head === undefined) throw new Error(prose("noFrames"));
        const text = typeof head === "string" ? `4${head}` : head;
        return new EncodedPacket(text, attachments as Uint8Array[], compress);
      }),
    decoder: () => {
      const decoder = new Decoder();
      const decoded: unknown[] = [];
      decoder.on("decoded", (packet) => decoded.push(packet));
      return {
        write: (frame) =>
          guarded("ERR_PACKET_MALFORMED", () => {
            decoder.add(typeof frame === "string" ? frame : asArrayBuffer(frame));
            const [packet, more] = decoded.splice(0);
            if (packet === undefined) return undefined;
            // More than one would mix up the order.
            if (more !== undefined) throw new Error(prose("severalPackets"));
            const { type, nsp, id, data } = packet as Packet;
            return checked(type, nsp, id ?? undefined, data ?? undefined);
          }),
        close: () => {
          try {
            decoder.destroy?.();
          } catch {
            // The session is over: nobody is left to be told.
          }
        },
      };
    },
  };
}

function frameOf(frame: unknown): Frame {
  if (isBytes(frame)) return asUint8Array(frame);
  if (typeof frame === "string" && !frame.includes("\x1e")) return frame;
  throw new Error(prose("notAFrame"));
}

/** What the parser throws becomes a `CodecError`. */
function guarded<Result>(code: ErrorCode, call: () => Result): Result {
  try {
    return call();
  } catch (cause) {
    throw new CodecError(code, `the custom parser: ${(cause as Error)?.message}`, cause);
  }
}
