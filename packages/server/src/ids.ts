import { randomFillSync } from "node:crypto";

const BYTES_PER_ID = 15;
const IDS_PER_DRAW = 256;

const pool = Buffer.alloc(BYTES_PER_ID * IDS_PER_DRAW);
let at = pool.length;

/**
 * A new id: 20 characters that are safe in a URL and carry 120 bits of the system's random source. Socket.IO's ids have
 * this very length, and its adapters tell private rooms from public ones by it.
 */
export function randomId(): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  const id = pool.toString("base64url", at, at + BYTES_PER_ID);
  // An id given out must not lie in memory twice.
  pool.fill(0, at, at + BYTES_PER_ID);
  at += BYTES_PER_ID;
  return id;
}
