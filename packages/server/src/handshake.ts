import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

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
  /** The query of the first request; a parameter that came twice is an array. */
  readonly query: Readonly<Record<string, string | string[] | undefined>>;
  /** What the client sent as `auth` for this namespace; `{}` if nothing. Comes from the wire: check it before use. */
  auth: Readonly<Record<string, unknown>>;
}

/** The request that opened a connection, in the form that the transport layer hands over. */
export interface FirstRequest {
  readonly req: IncomingMessage;
  readonly query: Handshake["query"];
  readonly protocol: 3 | 4;
}

/** What a handshake adds to its request. */
export interface HandshakeFacts {
  /** The remote address: a closed socket does not tell it any more. */
  readonly address: string;
  readonly issued: number;
  readonly auth: Handshake["auth"];
}

export function describeHandshake({ req, query }: FirstRequest, { address, issued, auth }: HandshakeFacts): Handshake {
  return {
    headers: req.headers,
    time: new Date(issued).toString(),
    address,
    xdomain: req.headers.origin !== undefined,
    secure: "encrypted" in req.socket && req.socket.encrypted === true,
    issued,
    url: req.url ?? "",
    query,
    auth,
  };
}
