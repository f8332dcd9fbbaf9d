import { isGone } from "@sockeye/codec";
import type { EncodedPacket, Frame } from "@sockeye/protocol";

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

/** Fewer bytes are copied into their frame anyway; more are written as they are, and the network may take them long after the emit. */
const LARGE_BYTES = 16_384;
const owned = new WeakSet<EncodedPacket>();

/**
 * Before a packet is written its large bytes get memory of their own, once for all receivers. The app may transfer, grow or fill again what it has
 * emitted while a slow reader still has some of it to come: what was announced would never come.
 */
export function makeOwn(packet: EncodedPacket): void {
  const { head, attachments } = packet;
  if ((typeof head === "string" && attachments.length === 0) || owned.has(packet)) return;
  if (!isLarge(head) && !attachments.some(isLarge)) return;
  owned.add(packet);
  packet.head = isLarge(head) ? copyOf(head) : head;
  packet.attachments = attachments.map((bytes) => (isLarge(bytes) ? copyOf(bytes) : bytes));
}

function isLarge(frame: Frame): frame is Uint8Array {
  return typeof frame !== "string" && frame.byteLength >= LARGE_BYTES;
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

/** Bytes of memory that a waiting packet takes. Text counts its characters. */
export function sizeOf({ head, attachments }: EncodedPacket): number {
  let bytes = OVERHEAD_BYTES + head.length;
  for (let index = 0; index < attachments.length; index++) bytes += attachments[index]?.length ?? 0;
  return bytes;
}
