import type { IncomingHttpHeaders } from "node:http";
import type { FirstRequest } from "@sockeye/engine/server";
import type { Unchecked } from "@sockeye/socket";

/** What is known of a client since it joined a namespace. */
export interface Handshake {
  readonly headers: IncomingHttpHeaders;
  /** When, as text. */
  readonly time: string;
  /** The remote address. */
  readonly address: string;
  /** Did the request come from a page of another origin? */
  readonly xdomain: boolean;
  readonly secure: boolean;
  /** When, in ms since 1970. */
  readonly issued: number;
  readonly url: string;
  /** The query of the first request; of a parameter that came twice, the last. */
  readonly query: Record<string, string | string[] | undefined>;
  /** What the client sent as `auth` for this namespace; `{}` if nothing. Comes from the wire: check it before use. */
  auth: Record<string, Unchecked>;
}

/** What a handshake adds to its request. */
export interface HandshakeFacts {
  readonly issued: number;
  readonly auth: Handshake["auth"];
}

export function describeHandshake(first: FirstRequest, { issued, auth }: HandshakeFacts): Handshake {
  const { headers } = first.req;
  return {
    headers,
    time: new Date(issued).toString(),
    address: first.address,
    xdomain: headers.origin !== undefined,
    secure: first.secure,
    issued,
    url: first.url,
    query: first.query,
    auth,
  };
}
