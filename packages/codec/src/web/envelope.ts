import type { Claim, EnginePacket, EnginePacketType, Frame, OpenData } from "@sockeye/protocol";
import { CodecError, ENGINE_PACKET_TYPES, EncodedPacket } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import { decodeBase64 } from "./base64.js";

// What ../envelope.ts does on Node.js, for a client that trusts its server, and without engine.io-parser.

const MESSAGE = "4";
const BASE64 = "b";
const ZERO = 0x30;

export const PING: EncodedPacket = /* @__PURE__ */ new EncodedPacket("2");
export const PONG: EncodedPacket = /* @__PURE__ */ new EncodedPacket("3");
export const NOOP: EncodedPacket = /* @__PURE__ */ new EncodedPacket("6");
export const CLOSE: EncodedPacket = /* @__PURE__ */ new EncodedPacket("1");
export const UPGRADE: EncodedPacket = /* @__PURE__ */ new EncodedPacket("5");
export const probePing: EncodedPacket = /* @__PURE__ */ new EncodedPacket("2probe");
export const probePong: EncodedPacket = /* @__PURE__ */ new EncodedPacket("3probe");

export function message(text: string): string {
  return MESSAGE + text;
}

export function messageText(frame: Frame): string | undefined {
  return typeof frame === "string" && frame.charAt(0) === MESSAGE ? frame.slice(1) : undefined;
}

/** @throws CodecError `ERR_PACKET_MALFORMED` */
export function decodeFrame(frame: Frame): EnginePacket {
  if (typeof frame !== "string") return { type: "message", data: frame };
  const rest = frame.slice(1);
  if (frame.charAt(0) === BASE64) return { type: "message", data: decodeBase64(rest) };
  // NaN for an empty text.
  const type = ENGINE_PACKET_TYPES[frame.charCodeAt(0) - ZERO];
  if (!type) throw new CodecError("ERR_PACKET_MALFORMED", prose("malformedFrame"));
  return { type, data: rest || (type === "message" ? rest : undefined) };
}

/** Looks only at what nothing works without. @throws CodecError `ERR_HANDSHAKE` */
export function readOpen(data: unknown): OpenData {
  try {
    // JSON knows no `Infinity`, and has null for it.
    const terms = JSON.parse(data as string, (_, value) => value ?? Number.POSITIVE_INFINITY) as OpenData;
    const { sid, upgrades, pingInterval, pingTimeout } = terms;
    if (sid && Array.isArray(upgrades) && pingInterval > 0 && pingTimeout > 0) return terms;
  } catch {
    // What JSON.parse throws quotes the text, in which the session's id is.
  }
  throw new CodecError("ERR_HANDSHAKE", prose("malformedOpen"));
}

export function openPacket(data: OpenData): EncodedPacket {
  return engine("open", JSON.stringify(data));
}

export function claimPacket(claim: Claim): EncodedPacket {
  return engine("open", JSON.stringify(claim));
}

export function withCount(
  type: "ping" | "pong" | "noop" | "close",
  count: number | undefined,
): EncodedPacket {
  return engine(type, `${count ?? ""}`);
}

/** @returns NaN for what is not a number */
export function readCount(data: unknown): number | undefined {
  return Number(data);
}

function engine(type: EnginePacketType, data: string): EncodedPacket {
  return new EncodedPacket(ENGINE_PACKET_TYPES.indexOf(type) + data);
}
