import type { Limits, Packet } from "@sockeye/protocol";
import { CodecError, PacketType } from "@sockeye/protocol";
import { isDeeperThan } from "./depth.js";

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

const SLASH = 0x2f;
const HYPHEN = 0x2d;
const ZERO = 0x30;
/** Digits of `Number.MAX_SAFE_INTEGER`: no run of digits is looked at further than one beyond it. */
const MAX_DIGITS = 16;

/**
 * Separates the packets of a polling body. A namespace with it in its name would let whoever chose that name write
 * packets of his own into somebody else's body.
 */
const PAYLOAD_SEPARATOR = "\x1e";

/** Reads what stands before the JSON. Numbers have one spelling only: digits, without a needless zero. */
export function readHeader(text: string, limits: Limits): Header {
  // NaN for an empty text, and so neither.
  const type = text.charCodeAt(0) - ZERO;
  if (!(type >= PacketType.CONNECT && type <= PacketType.BINARY_ACK)) throw malformed("an unknown type");
  let end = 1;

  let attachments = 0;
  if (isBinaryType(type)) {
    const hyphen = endOfDigits(text, end);
    attachments = canonicalNumber(text, end, hyphen);
    if (!(attachments >= 1) || text.charCodeAt(hyphen) !== HYPHEN) throw malformed("a bad attachment count");
    if (attachments > limits.maxAttachments) {
      throw new CodecError("ERR_TOO_MANY_ATTACHMENTS", "a packet has too many attachments");
    }
    end = hyphen + 1;
  }

  let nsp = "/";
  if (text.charCodeAt(end) === SLASH) {
    const comma = text.indexOf(",", end);
    nsp = readNamespace(text.slice(end, comma === -1 ? text.length : comma), limits);
    end = comma === -1 ? text.length : comma + 1;
  }

  const afterId = endOfDigits(text, end);
  if (afterId === end) return { type, attachments, nsp, id: undefined, end };
  const id = canonicalNumber(text, end, afterId);
  if (!(id >= 0) || !mayHaveId(type)) throw malformed("a bad acknowledgement id");
  return { type, attachments, nsp, id, end: afterId };
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
  if (nsp !== "/") text += `${writableNamespace(nsp)},`;
  return id === undefined ? text : text + id;
}

/**
 * Parses the JSON that begins at `from`.
 *
 * @throws CodecError `ERR_PACKET_TOO_DEEP` before it is parsed, `ERR_PACKET_MALFORMED`
 */
export function readJson(text: string, from: number, limits: Limits): unknown {
  const json = text.slice(from);
  if (isDeeperThan(json, limits.maxJsonDepth)) {
    throw new CodecError("ERR_PACKET_TOO_DEEP", "a packet is nested too deep");
  }
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw malformed("data that is not JSON", cause);
  }
}

/** For whatever the peer got wrong in the text itself. */
export function malformed(what: string, cause?: unknown): CodecError {
  return new CodecError("ERR_PACKET_MALFORMED", `a packet has ${what}`, cause);
}

/** Does the type exist on the wire only? */
export function isBinaryType(type: number): boolean {
  return type >= PacketType.BINARY_EVENT;
}

/** May a packet of this type have an id? */
export function mayHaveId(type: number): boolean {
  return type === PacketType.EVENT || type === PacketType.ACK || isBinaryType(type);
}

function readNamespace(name: string, limits: Limits): string {
  if (name.length > limits.maxNamespaceLength) {
    throw new CodecError("ERR_NAMESPACE_TOO_LONG", "a namespace is too long");
  }
  if (name.includes(PAYLOAD_SEPARATOR)) throw malformed("a bad namespace");
  return name;
}

function writableNamespace(name: string): string {
  if (!name.startsWith("/") || name.includes(",") || name.includes(PAYLOAD_SEPARATOR)) {
    throw new CodecError("ERR_UNENCODABLE", `not a namespace: "${name}"`);
  }
  return name;
}

/** End of the run of digits that begins at `from`, looking no further than a number can matter. */
function endOfDigits(text: string, from: number): number {
  let end = from;
  while (end <= from + MAX_DIGITS && isDigit(text.charCodeAt(end))) end++;
  return end;
}

/** The number that the digits spell, or NaN if they are none, too large, or begin with a needless zero. */
function canonicalNumber(text: string, from: number, end: number): number {
  if (end === from || (end > from + 1 && text.charCodeAt(from) === ZERO)) return Number.NaN;
  const value = Number(text.slice(from, end));
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit < ZERO + 10;
}
