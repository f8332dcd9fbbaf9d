import { ENGINE_PROTOCOL, type EncodedPacket, type Transport } from "@sockeye/protocol";
import type { HttpOptions } from "../shared/http-like.js";

/** Where and how to dial. One object per session, owned by the client; `sid` and `maxPayload` are set when OPEN came. */
export interface Target extends HttpOptions {
  /** The engine path with a slash at its end: `http(s)://host:port/path/`. IPv6 hosts stand in brackets. */
  readonly url: string;
  /** The user's own query parameters. The engine's parameters win over them. */
  readonly query: Readonly<Record<string, string>>;
  /** Id of the session; `undefined` until the handshake is done. */
  sid: string | undefined;
  /** Bytes that the server takes in one HTTP body; `undefined` if it did not say. */
  maxPayload: number | undefined;
  /** Name of the parameter that keeps caches away. Default `t`. */
  readonly timestampParam: string;
  /** Is it sent? `undefined`: by HTTP requests yes, by WebSockets no. */
  readonly timestampRequests: boolean | undefined;
  /** WebSocket subprotocols to offer. */
  readonly protocols: readonly string[];
  /** Sends bytes as base64 text, and asks the server to do the same. */
  readonly forceBase64: boolean;
  /** Offers the server, in the handshake, to count. False: says that it does not. Unset: says nothing of it. */
  readonly offersResume?: boolean | undefined;
  /** What the transport says first: that the session `sid` is this client's. It continues over it when the server's OPEN has come. */
  readonly claim?: EncodedPacket | undefined;
  /** Set, together with `sid`, if both ends count: the highest number that a request over HTTP has had in this session. */
  counted?: { requests: number } | undefined;
  /** Milliseconds until the server's first packet must have come over a response that streams. Default 5000. */
  readonly openTimeoutMs?: number | undefined;
}

/** A way to dial: the constructor starts at once. */
export interface TransportClass {
  /** Name on the wire. */
  readonly transportName: string;
  new (target: Target): Transport;
}

/**
 * The address of one request.
 *
 * @param stamp adds the parameter that keeps caches away, unless the user decided about that
 * @param number of the request; none for the one with which the transport begins, and if nobody counts
 */
export function addressOf(target: Target, transport: string, stamp: boolean, number?: number): string {
  const { sid, timestampParam } = target;
  const query: Record<string, unknown> = {
    ...target.query,
    // With `j` (JSONP) it would be another request.
    j: undefined,
    EIO: ENGINE_PROTOCOL,
    transport,
  };
  if (target.timestampRequests ?? stamp) query[timestampParam] = Math.random().toString(36).slice(2);
  query["sid"] = sid;
  if (number) query["n"] = number;
  else if (target.claim) query["resume"] = "claim";
  else if (target.offersResume !== undefined && sid === undefined)
    query["resume"] = target.offersResume ? "offer" : "without";
  if (target.forceBase64) query["b64"] = 1;
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${target.url}?${pairs.map((pair) => pair.map((part) => encodeURIComponent(`${part}`)).join("=")).join("&")}`;
}
