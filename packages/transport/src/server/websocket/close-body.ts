import { LIMIT_BY_CODE, type PipeClose, SockeyeError } from "@sockeye/protocol";
import { MOVED } from "../../shared/close-codes.js";

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * A close frame's code and text, for an end that is due to a limit, and for one that is none, since the session continues
 * elsewhere. Other ends have neither, as with Socket.IO.
 */
export interface CloseWords {
  readonly code: 1008 | 1009 | typeof MOVED;
  readonly text: string;
}

const ABNORMAL = 1006;
const FIRST_OF_SERVERS = 1011;
const LAST_OF_PROXIES = 1014;

/** @see RFC 6455, section 7.4.1 */
export function closeWords(how: PipeClose, cause: unknown): CloseWords | undefined {
  if (how === "moved") return { code: MOVED, text: "" };
  const code = cause instanceof SockeyeError ? cause.code : undefined;
  const limit = code === undefined ? undefined : LIMIT_BY_CODE[code];
  if (code === undefined || limit === undefined) return undefined;
  return { code: code === "ERR_PACKET_TOO_LARGE" ? 1009 : 1008, text: `${code} (${limit})` };
}

/** The body of a close frame. */
export function closeBody(words: { readonly code: number; readonly text: string } | undefined): Uint8Array {
  if (words === undefined) return NOTHING;
  return Buffer.concat([Buffer.from([words.code >> 8, words.code & 0xff]), Buffer.from(words.text)]);
}

/**
 * Does a close frame with this code, or its absence (1006), say that the pipe is lost? All others say goodbye, or that a rule
 * was broken.
 *
 * @see PROTOCOL.md, "Loss"
 */
export function isLoss(code: number): boolean {
  return code === ABNORMAL || code === MOVED || (code >= FIRST_OF_SERVERS && code <= LAST_OF_PROXIES);
}

/** The code in the body of a close frame; undefined if it has none. */
export function closeCode(body: Uint8Array): number | undefined {
  const [high, low] = body;
  return high === undefined || low === undefined ? undefined : high * 256 + low;
}
