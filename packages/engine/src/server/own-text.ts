/** Shorter texts are never cut out of others: V8 copies them. */
const MIN_SLICE = 13;

/**
 * A copy of a text that came with a packet, to be kept when the packet has gone. V8 cuts a text out of another by pointing into
 * it, so that a name of twenty characters keeps all of a packet, or of a polling body, in memory.
 */
export function ownText(text: string): string {
  if (text.length < MIN_SLICE) return text;
  const copy = Buffer.from(text, "latin1").toString("latin1");
  return copy === text ? copy : Buffer.from(text, "utf16le").toString("utf16le");
}
