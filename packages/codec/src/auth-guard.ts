import { type Packet, PacketType } from "@sockeye/protocol";
import { utf8Length } from "./bytes.js";
import { isDeeperThan } from "./depth.js";
import type { Guard } from "./text-codec.js";

/** For servers: the `auth` of a client that is larger than `maxAuthBytes`, or nested too deep, is left out. */
export const authGuard: Guard = (text, { type, nsp, end }, limits): Packet | undefined => {
  if (type !== PacketType.CONNECT) return undefined;
  const isTooMuch =
    isLargerThan(text, end, limits.maxAuthBytes) || isDeeperThan(text.slice(end), limits.maxJsonDepth);
  if (!isTooMuch) return undefined;
  return { type, nsp, id: undefined, data: undefined, oversized: true };
};

/** Has what begins at `from` more bytes than that? Counts them only if the characters leave it open. */
function isLargerThan(text: string, from: number, bytes: number): boolean {
  const characters = text.length - from;
  return characters > bytes || (3 * characters > bytes && utf8Length(text.slice(from)) > bytes);
}
