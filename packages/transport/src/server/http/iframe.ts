import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { encodePayload } from "@sockeye/codec/payload";
import type { EncodedPacket } from "@sockeye/protocol";
import type { OriginPolicy } from "../request/origins.js";
import { readWholeQuery } from "../request/query.js";
import type { Refusal } from "../request/refusal.js";
import { PAYLOADS } from "./payload-format.js";
import { PRELUDE_BYTES, type StreamFormat, type StreamWriting } from "./stream-format.js";

/** Digits only: it becomes part of a script. */
export const CALLBACK: RegExp = /^[0-9]{1,20}$/;

export const BAD_CALLBACK: Refusal = { reason: "BAD_REQUEST", context: { name: "BAD_CALLBACK" } };

/**
 * A document without an end in an iframe: one script element for each write, which hands it to the page.
 *
 * @see PROTOCOL.md, "Streaming"
 */
export function iframe(origins: OriginPolicy): StreamFormat {
  return {
    name: "iframe",
    decodeText: PAYLOADS.revision4.decodeText,
    check: (req) => checkQuery(readWholeQuery(req.url ?? ""), origins),
    begin: beginDocument,
  };
}

function checkQuery({ c, d, origin }: Record<string, string>, origins: OriginPolicy): Refusal | undefined {
  // Without postMessage there is no way to another origin.
  if (c === undefined || !CALLBACK.test(c) || (d === "1" && origin !== undefined)) {
    return BAD_CALLBACK;
  }
  if (origin === undefined || (isOrigin(origin) && origins.lists(origin))) return undefined;
  return { reason: "FORBIDDEN", context: { name: "ORIGIN_FORBIDDEN", origin } };
}

/** Is it written as browsers write origins, with nothing that could mean more in a header or a script? */
function isOrigin(text: string): boolean {
  try {
    const { origin, protocol } = new URL(text);
    return origin === text && (protocol === "http:" || protocol === "https:");
  } catch {
    return false;
  }
}

function beginDocument(req: IncomingMessage): StreamWriting {
  const { c, d, origin } = readWholeQuery(req.url ?? "");
  const nonce = randomBytes(16).toString("base64");
  const ancestors = origin === undefined ? "'self'" : `'self' ${origin}`;
  const script = d === "1" ? `parent.___sockeye["${c}"](s)` : `parent.postMessage("sockeye:${c}:"+s,o)`;
  const target = origin === undefined ? 'location.protocol+"//"+location.host' : scriptText(origin);
  const head =
    '<!DOCTYPE html><html><head><meta charset="utf-8">' +
    `<script nonce="${nonce}">var o=${target};function m(s){${script}}</script></head><body>`;
  return {
    headers: {
      "Content-Type": "text/html; charset=UTF-8",
      "Content-Security-Policy": `default-src 'none'; script-src 'nonce-${nonce}'; frame-ancestors ${ancestors}`,
      "Referrer-Policy": "no-referrer",
    },
    prelude: `${head.padEnd(PRELUDE_BYTES)}\r\n`,
    encode: (packets) => `<script nonce="${nonce}">m(${encodeForScript(packets)})</script>\r\n`,
    epilogue: "</body></html>",
  };
}

function encodeForScript(packets: readonly EncodedPacket[]): string {
  return scriptText(encodePayload(packets));
}

/** A text as it may stand in a script in a document: no character of it can end the string, the line or the element. */
export function scriptText(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
