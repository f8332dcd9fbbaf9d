import { isUtf8 } from "node:buffer";
import { type Frame, TransportError } from "@sockeye/protocol";
import type { PayloadFormat } from "./payload-format.js";

const PLUS = 0x2b;
const SPACE = 0x20;
const EQUALS = 0x3d;
const LETTER_D = 0x64;

/**
 * Polling bodies for pages that can do no more than load a script and submit a form: an answer is a script that calls
 * `___eio[callback]` with the payload, a POST is a form whose field `d` is the payload.
 *
 * @param callback what the client gave as `j`: digits, since it becomes part of a script
 * @param inner how the payload is written; its bodies must be text
 *
 * @see PROTOCOL.md, "JSONP"
 */
export function jsonpFormat(callback: string, inner: PayloadFormat): PayloadFormat {
  return {
    encode: (packets) => `___eio[${callback}](${scriptString(String(inner.encode(packets)))});`,
    textHeaders: {
      "Content-Type": "text/javascript; charset=UTF-8",
      "X-Content-Type-Options": "nosniff",
    },
    // A line feed is written as `%5Cn`.
    growth: 4,
    decodeText: (body, limits): readonly Frame[] => {
      const payload = readField(body);
      if (payload.length > limits.maxMessageBytes) {
        throw new TransportError("ERR_PACKET_TOO_LARGE", "body too large");
      }
      return inner.decodeText(payload, limits);
    },
  };
}

/** JSON, but for two characters which end a line in the scripts of old browsers. */
function scriptString(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (character) =>
    character === "\u2028" ? "\\u2028" : "\\u2029",
  );
}

/** The payload in a form. It must have the field `d` once; other fields mean nothing. */
function readField(body: Buffer): Buffer {
  const field = isUtf8(body) ? fieldIn(body) : undefined;
  if (field === undefined) throw malformed("a form without its field");
  // A byte at a time: a text of nothing but pluses takes thirty times as long.
  for (let at = 0; at < field.length; at++) if (field[at] === PLUS) field[at] = SPACE;
  let text: string;
  try {
    text = decodeURIComponent(field.toString("utf8"));
  } catch (error) {
    throw malformed("a form with a broken escape", error);
  }
  return Buffer.from(unescapeLines(text));
}

/** A copy of what stands in the field `d`, unless there is none or another one. A second field is not searched for further. */
function fieldIn(body: Buffer): Buffer | undefined {
  const leads = body[0] === LETTER_D && body[1] === EQUALS;
  const first = leads ? 0 : body.indexOf("&d=");
  if (first === -1 || body.indexOf("&d=", first + 1) !== -1) return undefined;
  const start = first + (leads ? "d=" : "&d=").length;
  const end = body.indexOf("&", start);
  return Buffer.from(body.subarray(start, end === -1 ? body.length : end));
}

/** Forms change line feeds, so clients send `\n` in their place, and `\\n` in place of `\n`. */
export function unescapeLines(text: string): string {
  return text.replace(/\\?\\n/g, (escaped) => (escaped.length === 3 ? "\\n" : "\n"));
}

function malformed(message: string, cause?: unknown): TransportError {
  return new TransportError("ERR_PACKET_MALFORMED", message, cause);
}
