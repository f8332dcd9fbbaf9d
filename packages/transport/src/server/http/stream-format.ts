import type { IncomingMessage } from "node:http";
import type { EncodedPacket } from "@sockeye/protocol";
import type { BodyFormat } from "../request/body-format.js";
import type { ResponseHeaders } from "../request/headers.js";
import type { Refusal } from "../request/refusal.js";

/** One kind of streaming transport: how frames are written into its long responses, and how its POSTs are read. */
export interface StreamFormat extends BodyFormat {
  /** Name on the wire. */
  readonly name: string;
  /** What is wrong with a GET, beyond what is checked for all transports? {@link begin} is only called if nothing is. */
  check?(req: IncomingMessage): Refusal | undefined;
  /** How the response to this GET is written. */
  begin(req: IncomingMessage): StreamWriting;
}

/** How one response is written: the headers, the prelude, any number of writes, and the epilogue. */
export interface StreamWriting {
  readonly headers: Readonly<ResponseHeaders>;
  /** Means nothing; long enough that a browser shows what follows while it arrives. */
  readonly prelude: Chunk;
  /** All packets, in order, as one write. */
  encode(packets: readonly EncodedPacket[]): Chunk;
  /** The end of a document that has one. */
  readonly epilogue?: string | undefined;
}

export type Chunk = string | Uint8Array;

/** What browsers need before they show a response that is not complete. */
export const PRELUDE_BYTES = 2048;
