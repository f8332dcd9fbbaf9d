import type { IncomingMessage } from "node:http";

/** The query of an engine request. */

/** The parameters that the engine itself reads. */
export interface EngineQuery {
  readonly transport: QueryValue;
  /** An empty `sid` counts as none. */
  readonly sid: QueryValue;
  /** The protocol revision: 4 if `EIO=4`, else 3, which is also what a request without `EIO` speaks. */
  readonly protocol: 3 | 4;
  /** Does the client ask for bytes as base64 text (`b64`)? */
  readonly base64: boolean;
  /** What a client of Sockeye's says of sessions that outlive their transports; `without`: it has none. Anything else counts as nothing. */
  readonly resume: "offer" | "without" | "claim" | "leave" | undefined;
  /** The number of the request (`n`): a safe integer. Anything else counts as none. */
  readonly number: number | undefined;
}

/** A parameter that is there more than once is a list, which is no valid value of any of them. */
export type QueryValue = string | readonly string[] | undefined;

/** What was found so far. A list grows in place: a copy for each value would make the work quadratic. */
type Found = Record<EngineKey, string | string[] | undefined>;

type EngineKey = "transport" | "sid" | "EIO" | "b64" | "resume" | "n";

const KEYS: readonly EngineKey[] = ["transport", "sid", "EIO", "b64", "resume", "n"];
const NUMBER = /^\d{1,16}$/;

/**
 * Reads what the engine needs, in one pass, and keeps nothing else.
 *
 * @param url the request target: path and query
 */
export function readEngineQuery(url: string): EngineQuery {
  const text = queryText(url);
  const found: Found = {
    transport: undefined,
    sid: undefined,
    EIO: undefined,
    b64: undefined,
    resume: undefined,
    n: undefined,
  };
  // Escapes are rare in what clients send, and without them a parameter is just what stands there.
  if (text.includes("%") || text.includes("+")) {
    for (const [key, value] of parsed(text)) if (isEngineKey(key)) put(found, key, value);
  } else {
    let equals = text.indexOf("=");
    for (let start = 0; start < text.length; ) {
      const ampersand = text.indexOf("&", start);
      const end = ampersand === -1 ? text.length : ampersand;
      // Searched for once it is passed, and no more if there is none: many names without a value must not cost a scan each.
      if (equals !== -1 && equals < start) equals = text.indexOf("=", start);
      const middle = equals === -1 || equals > end ? end : equals;
      const key = keyAt(text, start, middle - start);
      if (key !== undefined) put(found, key, text.slice(middle + 1, end));
      start = end + 1;
    }
  }
  return {
    transport: found.transport,
    sid: found.sid === "" ? undefined : found.sid,
    protocol: found.EIO === "4" ? 4 : 3,
    base64: found.b64 !== undefined && found.b64 !== "",
    resume: isResume(found.resume) ? found.resume : undefined,
    number: readNumber(found.n),
  };
}

function isResume(text: QueryValue): text is "offer" | "without" | "claim" | "leave" {
  return text === "offer" || text === "without" || text === "claim" || text === "leave";
}

function readNumber(text: QueryValue): number | undefined {
  const number = typeof text === "string" && NUMBER.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** All parameters; of one that is there several times, the last. Without a prototype, since the names are the peer's. */
export function readWholeQuery(url: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [key, value] of parsed(queryText(url))) query[key] = value;
  return query;
}

/** The key that stands there, without a copy of it. */
function keyAt(text: string, at: number, length: number): EngineKey | undefined {
  for (let index = 0; index < KEYS.length; index++) {
    const key = KEYS[index] as EngineKey;
    if (key.length === length && text.startsWith(key, at)) return key;
  }
  return undefined;
}

function put(found: Found, key: EngineKey, value: string): void {
  const known = found[key];
  if (known === undefined) found[key] = value;
  else if (typeof known === "string") found[key] = [known, value];
  else known.push(value);
}

function isEngineKey(key: string): key is EngineKey {
  return (KEYS as readonly string[]).includes(key);
}

/** The platform takes a question mark off the beginning, so it gets one: another belongs to the first name. */
function parsed(query: string): URLSearchParams {
  return new URLSearchParams(`?${query}`);
}

function queryText(url: string): string {
  const question = url.indexOf("?");
  if (question === -1) return "";
  const hash = url.indexOf("#", question);
  return hash === -1 ? url.slice(question + 1) : url.slice(question + 1, hash);
}

/**
 * Gives the request the property `_query`, where apps and middlewares written for Socket.IO look for the parsed query, and may write.
 * Parsed when first read.
 */
export function shareQuery(
  req: IncomingMessage,
  read: () => Record<string, string> = () => ({ ...readWholeQuery(req.url ?? "") }),
): void {
  if ("_query" in req) return;
  let query: unknown;
  Object.defineProperty(req, "_query", {
    configurable: true,
    get: () => {
      query ??= read();
      return query;
    },
    set: (given: unknown) => {
      query = given;
    },
  });
}
