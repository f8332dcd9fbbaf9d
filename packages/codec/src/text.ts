import type { Packet, PacketLimits } from "@sockeye/protocol";
import { CodecError, PacketType } from "@sockeye/protocol";

/** What a packet that comes in is measured by. */
export type Measures = Required<PacketLimits>;

/** Is a JSON text nested deeper than that? See depth.ts. */
export type DepthCheck = (json: string, limit: number) => boolean;

/**
 * The text of a Socket.IO packet: `type[attachments-][/nsp,][id]json`.
 *
 * @see PROTOCOL.md, "Socket.IO packets"
 */
export interface Header {
  /** Digit on the wire, the binary types included. */
  readonly type: number;
  /** 0 for all but the binary types. */
  readonly attachments: number;
  readonly nsp: string;
  readonly id: number | undefined;
  /** Where the JSON begins; the text's length if there is none. */
  readonly end: number;
}

const ZERO = 0x30;
/** Digits of `Number.MAX_SAFE_INTEGER`: no run of digits is looked at further than one beyond it. */
const MAX_DIGITS = 16;

/**
 * Separates the packets of a polling body. A namespace with it in its name would let the client that chose that name write
 * packets of its own into another client's body.
 */
const PAYLOAD_SEPARATOR = "\x1e";

/** Reads what stands before the JSON. Numbers have one spelling only: digits, without a needless zero. */
export function readHeader(text: string, limits: Measures): Header {
  // NaN for an empty text, and so neither.
  const type = text.charCodeAt(0) - ZERO;
  if (!(type >= PacketType.CONNECT && type <= PacketType.BINARY_ACK)) throw malformed("an unknown type");
  let end = 1;

  let attachments = 0;
  if (isBinaryType(type)) {
    attachments = numberAt(text, end) ?? 0;
    end += `${attachments}-`.length;
    if (!(attachments > 0) || text[end - 1] !== "-") throw malformed("a bad attachment count");
    if (attachments > limits.maxAttachments) {
      throw new CodecError("ERR_TOO_MANY_ATTACHMENTS", "a packet has too many attachments");
    }
  }

  let nsp = "/";
  if (text[end] === "/") {
    const comma = text.indexOf(",", end);
    nsp = readNamespace(comma < 0 ? text.slice(end) : text.slice(end, comma), limits);
    end = comma < 0 ? text.length : comma + 1;
  }

  const id = numberAt(text, end);
  if (id !== undefined) {
    if (!(id >= 0 && mayHaveId(type))) throw malformed("a bad acknowledgement id");
    end += `${id}`.length;
  }
  return { type, attachments, nsp, id, end };
}

/**
 * Writes what stands before the JSON.
 *
 * @throws CodecError `ERR_UNENCODABLE` for a namespace that cannot be told from what follows it
 */
export function writeHeader(packet: Packet, attachments: number): string {
  const { type, nsp, id } = packet;
  let text =
    attachments === 0 ? `${type}` : `${type + PacketType.BINARY_EVENT - PacketType.EVENT}${attachments}-`;
  if (nsp !== "/") {
    if (!isWritable(nsp) || nsp.includes(",")) throw new CodecError("ERR_UNENCODABLE", "not a namespace");
    text += `${nsp},`;
  }
  return id === undefined ? text : text + id;
}

export interface JsonRules {
  readonly limits: Measures;
  /** Left out by a client, which measures nothing of what its server says. */
  readonly isTooDeep: DepthCheck | undefined;
}

/**
 * Parses the JSON that begins at `from`.
 *
 * @throws CodecError `ERR_PACKET_TOO_DEEP` before it is parsed, `ERR_PACKET_MALFORMED`
 */
export function readJson(text: string, from: number, { limits, isTooDeep }: JsonRules): unknown {
  const json = text.slice(from);
  if (isTooDeep?.(json, limits.maxJsonDepth)) {
    throw new CodecError("ERR_PACKET_TOO_DEEP", "a packet is nested too deep");
  }
  try {
    return JSON.parse(json);
  } catch {
    // What JSON.parse throws quotes the text, and there may be a token in it.
    throw malformed("data that is not JSON");
  }
}

/** For whatever the peer got wrong in the text itself. */
export function malformed(what: string): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", `a packet has ${what}`);
}

/** Does the type exist on the wire only? */
export function isBinaryType(type: number): boolean {
  return type >= PacketType.BINARY_EVENT;
}

/** May a packet of this type have an id? */
export function mayHaveId(type: number): boolean {
  return type === PacketType.EVENT || type === PacketType.ACK || isBinaryType(type);
}

/** @throws CodecError `ERR_NAMESPACE_TOO_LONG`, `ERR_PACKET_MALFORMED` */
export function readNamespace(name: string, limits: Measures): string {
  if (name.length > limits.maxNamespaceLength) {
    throw new CodecError("ERR_NAMESPACE_TOO_LONG", "a namespace is too long");
  }
  if (!isWritable(name)) throw malformed("a bad namespace");
  return name;
}

/** Does it begin as a namespace does, and can no other packet stand in it? */
function isWritable(name: string): boolean {
  return name.startsWith("/") && !name.includes(PAYLOAD_SEPARATOR);
}

/** The number that begins there: `undefined` if none does, NaN if it is too large or begins with a needless zero. */
function numberAt(text: string, from: number): number | undefined {
  let value = 0;
  let at = from;
  for (; at <= from + MAX_DIGITS; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  if (at === from) return undefined;
  return Number.isSafeInteger(value) && `${value}`.length === at - from ? value : Number.NaN;
}
