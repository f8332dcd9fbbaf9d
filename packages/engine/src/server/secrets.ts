import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Secrets } from "@sockeye/session";

/** 128 bits, as text 22 characters. */
const SECRET_BYTES = 16;

const KEY_BYTES = 32;

/**
 * The secrets of a server's sessions. None is kept: each follows from a key, the id of the session and how often it has come
 * back. The holder of the key can prove that any session is theirs.
 *
 * @see PROTOCOL.md, "Counted streams"
 */
export class SessionSecrets implements Secrets {
  readonly #key: Uint8Array;

  /** @param key default: a random one, which this process alone has */
  constructor(key: Uint8Array = randomBytes(KEY_BYTES)) {
    this.#key = key;
  }

  of(sid: string, generation: number): string {
    // The number stands first, since nobody knows what the ids of an app may look like.
    const mac = createHmac("sha256", this.#key).update(`${generation}.${sid}`).digest();
    return mac.toString("base64url", 0, SECRET_BYTES);
  }

  fits(sid: string, generation: number, secret: string): boolean {
    const right = Buffer.from(this.of(sid, generation));
    const given = Buffer.from(secret);
    // How long it is everybody may know.
    return given.length === right.length && timingSafeEqual(given, right);
  }
}
