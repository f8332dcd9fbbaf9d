import { randomFillSync } from "node:crypto";

const DRAWN_AT_ONCE = 4096;

const pool = Buffer.alloc(DRAWN_AT_ONCE);
let at = pool.length;

/**
 * A new id of a session, or of a socket, which is public: 20 characters that are safe in a URL and carry 120 bits of the system's
 * random source. Socket.IO's ids have this very length, and what was made for it counts on that: `@socket.io/sticky` looks for
 * so many characters in URLs, and adapters tell private rooms from public ones by it.
 */
export function randomId(): string {
  return draw(15);
}

/** A new secret of a recovery, which no URL carries: 22 characters with 128 bits of the system's random source. */
export function secretId(): string {
  return draw(16);
}

function draw(bytes: number): string {
  if (at + bytes > pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  const id = pool.toString("base64url", at, at + bytes);
  // An id given out must not lie in memory twice.
  pool.fill(0, at, at + bytes);
  at += bytes;
  return id;
}
