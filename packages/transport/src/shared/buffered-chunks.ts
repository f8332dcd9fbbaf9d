/** Enough for a message of some kilobytes that comes in one-byte pieces. */
const LEAST = 16_384;

/** Bytes that a chunk of a large message has on average at least. No network cuts into smaller pieces for long. */
const AVERAGE_BYTES = 1024;

/**
 * How many chunks of the network the `ws` package may keep of a message that is not whole. It keeps each as it came, which
 * takes some 400 bytes beside its content, and closes the WebSocket with 1008 beyond this.
 *
 * @param maxPayload bytes of one message; 0: any number
 */
export function maxBufferedChunks(maxPayload: number): number {
  const bytes = maxPayload > 0 && Number.isFinite(maxPayload) ? maxPayload : Number.MAX_SAFE_INTEGER;
  return Math.min(LEAST + Math.ceil(bytes / AVERAGE_BYTES), 262_144);
}
