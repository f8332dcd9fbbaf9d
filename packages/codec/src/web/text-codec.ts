import type { Codec, Decoder, Frame, Packet, PacketLimits } from "@sockeye/protocol";
import { CodecError, EncodedPacket, PacketType } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Placeholder } from "../attachments.js";
import type { Measures } from "../text.js";
import { asArrayBuffer, asUint8Array, isBytes } from "../views.js";
import { checked, malformed } from "./checked.js";

// What ../text-codec.ts does on Node.js, for a client that trusts its server.

/** How much further the digits of packets with attachments are. */
const BINARY = PacketType.BINARY_EVENT - PacketType.EVENT;

/** `type[attachments-][/nsp,][id]json`. Each part begins otherwise than the one before, so it is read in one go. */
const PACKET = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*),?)?(\d+)?([\s\S]*)/;

/** Separates the packets of a polling body. */
const PAYLOAD_SEPARATOR = "\x1e";

/**
 * Socket.IO's own packet format, for clients.
 *
 * @param accepted what the server accepts, looked at with each packet
 */
export function createTrustingCodec(_limits: Measures, accepted: PacketLimits): Codec {
  return {
    encode: (packet, compress) => {
      try {
        return encode(packet, compress, accepted.maxJsonDepth ?? Number.POSITIVE_INFINITY);
      } catch (error) {
        // Anything can be thrown, and not everything can be made a string.
        const why = (error instanceof RangeError && prose("tooDeep")) || (error as Error)?.message;
        throw unencodable(
          packet.type === PacketType.EVENT ? `event "${packet.data[0]}": ${why}` : why,
          error,
        );
      }
    },
    decoder: () => new TextPacketDecoder(),
  };
}

function encode(
  { type, nsp, id, data }: Packet,
  compress: boolean | undefined,
  levels: number,
): EncodedPacket {
  if (nsp.charAt(0) !== "/" || nsp.includes(",") || nsp.includes(PAYLOAD_SEPARATOR))
    throw unencodable(prose("notANamespace"));
  const attachments: Uint8Array[] = [];
  const isPlain = data === undefined || (Array.isArray(data) ? !needsTaking(data, levels) : true);
  // `undefined` if there is nothing, or the app's own `toJSON` says so.
  const json: string | undefined = JSON.stringify(data, isPlain ? undefined : takerOf(attachments, levels));
  const { length } = attachments;
  const head = length > 0 ? `${type + BINARY}${length}-` : type;
  return new EncodedPacket(
    `4${head}${nsp === "/" ? "" : `${nsp},`}${id ?? ""}${json ?? ""}`,
    attachments,
    compress,
  );
}

/** Does it hold bytes, or an object whose `toJSON` may return some? @throws CodecError if it is too deep, as a cycle is */
function needsTaking(value: object, levels: number): boolean {
  if (isBytes(value)) return true;
  if (isBlob(value)) throw unencodable(prose("blobAtOnce"));
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return !(value instanceof Date);
  if (levels === 0) throw unencodable(prose("tooDeep"));
  return Object.values(value).some(
    (item: unknown) => typeof item === "object" && item !== null && needsTaking(item, levels - 1),
  );
}

type Replacer = (this: Record<string, unknown>, key: string, value: unknown) => unknown;

/** For `JSON.stringify`: takes out bytes, before their own `toJSON` or after another one. */
function takerOf(attachments: Uint8Array[], levels: number): Replacer {
  const depths = new Map<unknown, number>();
  let foundPlaceholder = false;
  return function (key, value) {
    const raw = this[key];
    const bytes = isBytes(raw) ? raw : isBytes(value) ? value : undefined;
    let item = value;
    if (bytes) {
      item = { _placeholder: true, num: attachments.push(asUint8Array(bytes)) - 1 };
    } else if (typeof value === "object" && value !== null) {
      if (isBlob(value)) throw unencodable(prose("blobAtOnce"));
      foundPlaceholder ||= (value as Partial<Placeholder>)._placeholder === true;
    } else return value;
    // Its receiver could not tell it from ours.
    if (foundPlaceholder && attachments.length > 0) throw unencodable(prose("placeholderBesideBytes"));
    const depth = (depths.get(this) ?? 0) + 1;
    if (depth > levels) throw unencodable(prose("tooDeep"));
    depths.set(item, depth);
    return item;
  };
}

/** By name: it may be of another realm. A `File` is a `Blob`. */
function isBlob(value: object): boolean {
  return /Blob|File/.test(Object.prototype.toString.call(value));
}

function unencodable(why: string | undefined, cause?: unknown): CodecError {
  return new CodecError("ERR_UNENCODABLE", why, cause);
}

class TextPacketDecoder implements Decoder {
  /** A packet whose attachments are on their way. */
  #pending: Packet | undefined;
  #missing = 0;
  #attachments: ArrayBufferLike[] = [];

  write(frame: Frame): Packet | undefined {
    if (typeof frame === "string") return this.#read(frame);
    const packet = this.#pending;
    if (!packet) throw malformed();
    this.#attachments.push(asArrayBuffer(frame));
    if (--this.#missing > 0) return undefined;
    this.#pending = undefined;
    fill(packet.data, this.#attachments);
    return packet;
  }

  close(): void {
    this.#pending = undefined;
  }

  #read(text: string): Packet | undefined {
    const [, digit, count, nsp = "/", id, json] = PACKET.exec(text) ?? [];
    if (!digit || this.#pending) throw malformed();
    const isBinary = Number(digit) >= PacketType.BINARY_EVENT;
    let data: unknown;
    try {
      data = json ? JSON.parse(json) : undefined;
    } catch {
      // What JSON.parse throws quotes the text, and there may be a token in it.
      throw malformed();
    }
    if (isBinary && !(Number(count) > 0)) throw malformed();
    const packet = checked(Number(digit) - (isBinary ? BINARY : 0), nsp, id ? Number(id) : undefined, data);
    if (!isBinary) return packet;
    this.#pending = packet;
    this.#missing = Number(count);
    this.#attachments = [];
    return undefined;
  }
}

/** Puts attachments into the places of their placeholders. What comes from the parser is shared with nobody. */
function fill(value: unknown, attachments: readonly ArrayBufferLike[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { _placeholder, num } = value as Partial<Placeholder>;
  if (_placeholder === true) {
    const bytes = typeof num === "number" && attachments[num];
    if (!bytes) throw malformed();
    return bytes;
  }
  const items = value as Record<string, unknown>;
  for (const key of Object.keys(items)) items[key] = fill(items[key], attachments);
  return value;
}
