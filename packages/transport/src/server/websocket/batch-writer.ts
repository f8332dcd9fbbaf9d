import type { Duplex } from "node:stream";
import { EncodedPacket } from "@sockeye/protocol";
import { type Framed, frameBatch } from "./frame.js";

/**
 * Writes a batch as WebSocket frames, in one system call. The socket says by `writableNeedDrain` whether it is behind then.
 *
 * @param base64 write bytes as text?
 */
export function writeBatch(socket: Duplex, batch: readonly EncodedPacket[], base64: boolean): void {
  const framed = frameBatch(base64 ? batch.flatMap(inBase64) : batch);
  // Not by its class, which is another one in a realm of jsdom.
  if (ArrayBuffer.isView(framed)) socket.write(framed);
  else writeChunks(socket, framed);
}

/** The same, with frames that are made already. */
export function writeFramed(socket: Duplex, framed: Framed): void {
  if (ArrayBuffer.isView(framed)) socket.write(framed);
  else writeChunks(socket, framed);
}

function writeChunks(socket: Duplex, chunks: readonly Uint8Array[]): void {
  socket.cork();
  for (const chunk of chunks) socket.write(chunk);
  socket.uncork();
}

/** The same frames as text, `b` in front, as in a polling body. */
export function inBase64(packet: EncodedPacket): EncodedPacket[] {
  if (typeof packet.head === "string" && packet.attachments.length === 0) return [packet];
  return [packet.head, ...packet.attachments].map((frame) => {
    if (typeof frame === "string") return new EncodedPacket(frame, undefined, packet.compress);
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    return new EncodedPacket(`b${bytes.toString("base64")}`, undefined, packet.compress);
  });
}
