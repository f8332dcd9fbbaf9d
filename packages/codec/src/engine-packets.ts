import type { EnginePacket, EnginePacketType } from "@sockeye/protocol";
import { decodePacket, encodePacket } from "engine.io-parser";

/** An engine packet as text. The parser answers through a callback, but for text it does so before it returns. */
export function writeEnginePacket(type: EnginePacketType, data = ""): string {
  let text = "";
  encodePacket({ type, data }, true, (encoded: unknown) => {
    text = String(encoded);
  });
  return text;
}

/** The engine packet of a text that is not base64; `undefined` if it is none. */
export function readEnginePacket(text: string): EnginePacket | undefined {
  const { type, data } = decodePacket(text);
  return type === "error" ? undefined : { type, data: typeof data === "string" ? data : undefined };
}
