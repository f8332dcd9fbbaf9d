import type {
  Claim,
  EnginePacket,
  EnginePacketType,
  Frame,
  OpenData,
  PacketLimits,
  ResumeTerms,
} from "@sockeye/protocol";
import { CodecError, EncodedPacket } from "@sockeye/protocol";
import { decodeBase64 } from "./base64.js";
import { readEnginePacket, writeEnginePacket } from "./engine-packets.js";

/** The digit of an engine message, and its code. */
const MESSAGE = "4";
const MESSAGE_CODE = 0x34;
/** At most as many digits as a safe integer has. */
const COUNT = /^\d{1,16}$/;
/** Begins a text frame that stands for bytes: what peers write that cannot or will not send binary frames. */
const BASE64_CODE = 0x62;

export const PING: EncodedPacket = /* @__PURE__ */ engine("ping");
export const PONG: EncodedPacket = /* @__PURE__ */ engine("pong");
export const NOOP: EncodedPacket = /* @__PURE__ */ engine("noop");
export const CLOSE: EncodedPacket = /* @__PURE__ */ engine("close");
export const UPGRADE: EncodedPacket = /* @__PURE__ */ engine("upgrade");
/** The client's question on a transport that it wants to move to, and the server's answer. */
export const probePing: EncodedPacket = /* @__PURE__ */ engine("ping", "probe");
export const probePong: EncodedPacket = /* @__PURE__ */ engine("pong", "probe");

/** Puts the envelope of an engine message around a text. */
export function message(text: string): string {
  return MESSAGE + text;
}

/**
 * The text of an engine message, or `undefined` for every other frame. Nearly all frames are text messages, so ask this
 * before {@link decodeFrame}: it makes nothing but the string.
 */
export function messageText(frame: Frame): string | undefined {
  return typeof frame === "string" && frame.charCodeAt(0) === MESSAGE_CODE ? frame.slice(1) : undefined;
}

/**
 * Any frame as an engine packet. Binary frames, and their base64 form, are messages. `data` is always set for a message
 * (`""` if it is empty) and only set for the others if they carry some.
 *
 * @throws CodecError `ERR_PACKET_MALFORMED`
 */
export function decodeFrame(frame: Frame): EnginePacket {
  if (typeof frame !== "string") return { type: "message", data: frame };
  if (frame.charCodeAt(0) === BASE64_CODE) return { type: "message", data: decodeBase64(frame.slice(1)) };
  const packet = readEnginePacket(frame);
  if (packet === undefined) throw new CodecError("ERR_PACKET_MALFORMED", "a frame is not an engine packet");
  return packet.type === "message" && packet.data === undefined ? { type: "message", data: "" } : packet;
}

/** The server's first packet. */
export function openPacket(data: OpenData): EncodedPacket {
  return engine("open", JSON.stringify(data));
}

/**
 * Reads the data of an OPEN packet. Keys that are not in {@link OpenData} are ignored.
 *
 * @throws CodecError `ERR_HANDSHAKE`
 */
export function readOpen(data: unknown): OpenData {
  const fields = openFields<OpenData>(data);
  const { sid, upgrades, resume, limits } = fields;
  // JSON knows no `Infinity`, and has null for it.
  const { pingInterval, pingTimeout, maxPayload } = withInfinity(fields);
  if (
    typeof sid === "string" &&
    sid !== "" &&
    isNames(upgrades) &&
    isAboveZero(pingInterval) &&
    isAboveZero(pingTimeout) &&
    (maxPayload === undefined || isAboveZero(maxPayload))
  ) {
    const terms = { sid, upgrades, pingInterval, pingTimeout, maxPayload, resume: readTerms(resume) };
    return limits ? { ...terms, limits: readLimits(limits) } : terms;
  }
  throw badOpen();
}

function readLimits(limits: object): PacketLimits {
  const known = Object.entries(withInfinity(limits)).filter(([, value]) => isAboveZero(value));
  return Object.fromEntries(known);
}

function withInfinity<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value === null ? Number.POSITIVE_INFINITY : value]),
  ) as Fields;
}

/** A client's first packet on a transport over which it comes back. */
export function claimPacket(claim: Claim): EncodedPacket {
  return engine("open", JSON.stringify(claim));
}

/**
 * A heartbeat, a NOOP or a CLOSE that tells how many messages have been received.
 *
 * @param count undefined: as many as were told last
 */
export function withCount(
  type: "ping" | "pong" | "noop" | "close",
  count: number | undefined,
): EncodedPacket {
  if (count !== undefined) return engine(type, `${count}`);
  return { ping: PING, pong: PONG, noop: NOOP, close: CLOSE }[type];
}

/** Reads such a count. @returns `undefined` if it is none */
export function readCount(data: unknown): number | undefined {
  const count = typeof data === "string" && COUNT.test(data) ? Number(data) : undefined;
  return isCount(count) ? count : undefined;
}

function readTerms(resume: unknown): ResumeTerms | undefined {
  if (typeof resume !== "object" || resume === null) return undefined;
  const { secret, window, bytes, received } = resume as { [Key in keyof ResumeTerms]?: unknown };
  if (typeof secret === "string" && isPositive(window) && isPositive(bytes)) {
    if (received === undefined || isCount(received)) return { secret, window, bytes, received };
  }
  throw badOpen();
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function openFields<Fields>(data: unknown): { [Key in keyof Fields]?: unknown } {
  try {
    // Spread, whatever it is: what is no object has none of the fields.
    return { ...(JSON.parse(data as string) as object) };
  } catch {
    // What JSON.parse throws quotes the text, in which the session's id is.
    throw badOpen();
  }
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function isPositive(value: unknown): value is number {
  return isAboveZero(value) && Number.isFinite(value);
}

function isAboveZero(value: unknown): value is number {
  return typeof value === "number" && value > 0;
}

function badOpen(): CodecError {
  return new CodecError("ERR_HANDSHAKE", "the OPEN packet is malformed");
}

function engine(type: EnginePacketType, data?: string): EncodedPacket {
  return new EncodedPacket(writeEnginePacket(type, data));
}
