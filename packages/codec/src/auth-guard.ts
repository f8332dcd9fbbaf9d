import { type Packet, PacketType } from "@sockeye/protocol";
import { utf8Length } from "./bytes.js";
import type { Guard } from "./text-codec.js";

/** For servers: the `auth` of a client that is larger than `maxAuthBytes` is left out. */
export const authGuard: Guard = (text, { type, nsp, end }, { maxAuthBytes }): Packet | undefined => {
  if (type !== PacketType.CONNECT || !isLargerThan(text, end, maxAuthBytes)) return undefined;
  return { type, nsp, id: undefined, data: undefined, oversized: true };
};

/** Has what begins at `from` more bytes than that? Counts them only if the characters leave it open. */
function isLargerThan(text: string, from: number, bytes: number): boolean {
  const characters = text.length - from;
  return characters > bytes || (3 * characters > bytes && utf8Length(text.slice(from)) > bytes);
}
