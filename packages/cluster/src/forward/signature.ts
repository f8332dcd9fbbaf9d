import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Where a request that was passed on carries its signature. What a client puts there is taken away. */
export const SIGNATURE_HEADER = "x-sockeye-node";

/** What a node says of a request that it passes on. */
export interface ForwardFacts {
  readonly address: string;
  readonly corsAnswer: string | undefined;
}

/** A number comes within so many of the newest, or it is too old. */
const WINDOW = 4_096;
/** For how many nodes it is remembered what they have said. Those that are gone are forgotten first. */
const MOST_NODES = 4_096;

interface Seen {
  newest: number;
  /** Nothing is taken up to here: it was gone since, and is back. */
  floor: number;
  readonly numbers: Set<number>;
}

/** The key that both ends make of what a node has announced: with a secret, who reads the bus does not have it. */
export function forwardKey(announced: string, secret: string | undefined): Buffer {
  return createHmac("sha256", secret ?? "")
    .update(announced)
    .digest();
}

/** For what opens a link. No request that a client has passed on is ever signed with it, whatever it asks for. */
export function linkKey(announced: string, secret: string | undefined): Buffer {
  return createHmac("sha256", forwardKey(announced, secret)).update("link").digest();
}

/** Signs requests to other nodes; each signature is used once. */
export class Signer {
  readonly #id: string;
  #count = 0;

  constructor(id: string) {
    this.#id = id;
  }

  sign(key: Buffer, { method, url }: Pick<IncomingMessage, "method" | "url">, facts: ForwardFacts): string {
    const said = Buffer.from(JSON.stringify([facts.address, facts.corsAnswer ?? null])).toString("base64url");
    const claim = `${this.#id}.${++this.#count}.${said}`;
    return `${claim}.${macOf(key, claim, { method, url })}`;
  }
}

/** Checks signatures of other nodes. What is known of each is bounded. */
export class Verifier {
  readonly #key: Buffer;
  readonly #isMember: (id: string) => boolean;
  readonly #seen = new Map<string, Seen>();

  /** @param isMember of the ids that a signature may be by: what a stranger says is not remembered */
  constructor(key: Buffer, isMember: (id: string) => boolean) {
    this.#key = key;
    this.#isMember = isMember;
  }

  /** @returns what the other node says, if it is one, and has not said it before; and which it is */
  verify(
    req: Pick<IncomingMessage, "headers" | "method" | "url">,
  ): (ForwardFacts & { readonly node: string }) | undefined {
    const header = req.headers[SIGNATURE_HEADER];
    if (typeof header !== "string") return undefined;
    const [id = "", count = "", said = "", mac = "", ...rest] = header.split(".");
    if (rest.length > 0) return undefined;
    const expected = Buffer.from(macOf(this.#key, `${id}.${count}.${said}`, req));
    const given = Buffer.from(mac);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    if (!this.#isMember(id) || !this.#isFresh(id, Number(count))) return undefined;
    const facts = readFacts(said);
    return facts && { ...facts, node: id };
  }

  #begin(id: string): Seen {
    for (const [known, seen] of this.#seen) {
      if (this.#isMember(known)) continue;
      seen.floor = seen.newest;
      seen.numbers.clear();
      if (this.#seen.size >= MOST_NODES) this.#seen.delete(known);
    }
    const seen = { newest: 0, floor: 0, numbers: new Set<number>() };
    this.#seen.set(id, seen);
    return seen;
  }

  #isFresh(id: string, count: number): boolean {
    if (!Number.isSafeInteger(count)) return false;
    const seen = this.#seen.get(id) ?? this.#begin(id);
    if (count <= Math.max(seen.floor, seen.newest - WINDOW) || seen.numbers.has(count)) return false;
    seen.numbers.add(count);
    if (count > seen.newest) {
      // As many leave the window as it moves on by, and no more than are in it.
      const from = Math.max(seen.newest - WINDOW, 0);
      if (count - seen.newest > WINDOW) seen.numbers.clear();
      else for (let old = from; old <= count - WINDOW; old++) seen.numbers.delete(old);
      seen.numbers.add(count);
      seen.newest = count;
    }
    return true;
  }
}

function macOf(key: Buffer, claim: string, { method, url }: Pick<IncomingMessage, "method" | "url">): string {
  return createHmac("sha256", key).update(`${claim}\n${method}\n${url}`).digest("base64url");
}

function readFacts(said: string): ForwardFacts | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(said, "base64url").toString());
    if (!Array.isArray(value)) return undefined;
    const [address, corsAnswer] = value as unknown[];
    if (typeof address !== "string") return undefined;
    return { address, corsAnswer: typeof corsAnswer === "string" ? corsAnswer : undefined };
  } catch {
    return undefined;
  }
}
