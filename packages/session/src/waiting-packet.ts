import { isGone } from "@sockeye/codec";
import type { EncodedPacket } from "@sockeye/protocol";

/** What a waiting packet costs beside its bytes: the objects around it, about. */
const OVERHEAD_BYTES = 96;

/** Have bytes of this packet gone since it was made, so that it cannot be written any more? */
export function isSpoilt(packet: EncodedPacket | undefined): boolean {
  if (packet === undefined) return false;
  const { head, attachments } = packet;
  if (typeof head !== "string" && isGone(head)) return true;
  for (let index = 0; index < attachments.length; index++) {
    const bytes = attachments[index];
    if (bytes && isGone(bytes)) return true;
  }
  return false;
}

/** Bytes of memory that a waiting packet takes. Text counts its characters. */
export function sizeOf({ head, attachments }: EncodedPacket): number {
  let bytes = OVERHEAD_BYTES + head.length;
  for (let index = 0; index < attachments.length; index++) bytes += attachments[index]?.length ?? 0;
  return bytes;
}
