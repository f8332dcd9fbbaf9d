import { LIMIT_BY_CODE, SockeyeError } from "@sockeye/protocol";

const NOTHING: Uint8Array = new Uint8Array(0);

/** A close frame's code and text, for an end that is due to a limit. Other ends have neither, as with Socket.IO. */
export interface CloseWords {
  readonly code: 1008 | 1009;
  readonly text: string;
}

/** @see RFC 6455, section 7.4.1 */
export function closeWords(cause: unknown): CloseWords | undefined {
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
