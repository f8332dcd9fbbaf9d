import { isUtf8 } from "node:buffer";
import {
  decodePayload as decodePayload3,
  encodePayload as encodePayload3,
  encodeTextPayload as encodeTextPayload3,
} from "@sockeye/codec/eio3";
import { decodePayload, encodePayload } from "@sockeye/codec/payload";
import { type EncodedPacket, type Frame, TransportError } from "@sockeye/protocol";
import type { BodyFormat } from "../request/body-format.js";
import type { ResponseHeaders } from "../request/headers.js";
import type { EngineQuery } from "../request/query.js";

/** How polling bodies are written and read, by the revision of the protocol and what the client takes. */
export interface PayloadFormat extends BodyFormat {
  /** A body of text, or of bytes, which is told by its type. */
  encode(packets: readonly EncodedPacket[]): Frame;
  /** Headers of bodies of text. Default: `text/plain`. */
  readonly textHeaders?: Readonly<ResponseHeaders> | undefined;
}

/** All that there are. Revision 3 comes in two: clients that cannot take bytes say so (`b64=1`). */
export const PAYLOADS: Readonly<Record<"revision4" | "revision3" | "revision3Base64", PayloadFormat>> = {
  revision4: {
    encode: encodePayload,
    decodeText: (body, limits) => decodePayload(textOf(body), limits),
  },
  revision3: {
    encode: encodePayload3,
    decodeText: (body, limits) => decodePayload3(textOf(body), limits),
    decodeBytes: decodePayload3,
  },
  revision3Base64: {
    encode: encodeTextPayload3,
    decodeText: (body, limits) => decodePayload3(textOf(body), limits),
    decodeBytes: decodePayload3,
  },
};

/** The name of the format that a handshake asks for. */
export function formatFor({ protocol, base64 }: EngineQuery): keyof typeof PAYLOADS {
  if (protocol === 4) return "revision4";
  return base64 ? "revision3Base64" : "revision3";
}

function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw new TransportError("ERR_PACKET_MALFORMED", "a body is not UTF-8");
  return body.toString("utf8");
}
