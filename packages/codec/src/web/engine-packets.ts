import type { EnginePacket, EnginePacketType } from "@sockeye/protocol";
import { ENGINE_PACKET_TYPES } from "@sockeye/protocol";

// What ../engine-packets.ts does with engine.io-parser on Node.js, for bundles: see docs/adr/0013-lean-engine-packets.md.
// A test holds the two together.

const ZERO = 0x30;

/** An engine packet as text. */
export function writeEnginePacket(type: EnginePacketType, data = ""): string {
  return ENGINE_PACKET_TYPES.indexOf(type) + data;
}

/** The engine packet of a text that is not base64; `undefined` if it is none. */
export function readEnginePacket(text: string): EnginePacket | undefined {
  // NaN for an empty text.
  const type = ENGINE_PACKET_TYPES[text.charCodeAt(0) - ZERO];
  return type && { type, data: text.slice(1) || undefined };
}
