import type { IncomingMessage } from "node:http";
import type { Transport } from "@sockeye/protocol";
import type { EngineQuery, QueryValue } from "../request/query.js";
import type { Refusal } from "../request/refusal.js";

/** A live session, as far as a request is concerned. */
export interface KnownSession {
  /** The transport that the session uses now. */
  readonly transport: Transport | undefined;
  /** The protocol revision of its handshake, which holds for all of its requests. */
  readonly protocol: 3 | 4;
  /** May another transport try to take over? */
  readonly upgradable: boolean;
  /** Does one try already? Then no other is looked at. */
  readonly probing?: boolean | undefined;
  /** Does it outlive its transports? Then its requests are numbered. */
  readonly counted?: boolean | undefined;
  /** Is its transport lost? Then nothing can come but a claim, or a page's goodbye. */
  readonly suspended?: boolean | undefined;
  /** When its time to ping, or that of its client to answer, is over, by the clock of the gate. */
  readonly dueAt?: number | undefined;
}

export interface Check {
  readonly req: IncomingMessage;
  readonly query: EngineQuery;
  readonly upgrade: boolean;
  /** The session that `sid` names. */
  readonly session: KnownSession | undefined;
  /** What the rules about origins say. */
  readonly foreign: Refusal | undefined;
  /** The names that the server offers. */
  readonly transports: ReadonlySet<string>;
}

/** WebTransport has no HTTP requests, and JSONP's say `polling`: over HTTP both are unknown names. */
const NOT_OVER_HTTP: ReadonlySet<string> = new Set(["webtransport", "jsonp"]);

/** What can be said about a request without asking anybody, in Socket.IO's order. `undefined`: nothing is wrong. */
export function checkRequest(check: Check): Refusal | undefined {
  const { query, req, transports } = check;
  const { transport } = query;
  if (typeof transport !== "string" || NOT_OVER_HTTP.has(transport) || !transports.has(transport)) {
    return { reason: "UNKNOWN_TRANSPORT", context: { transport } };
  }
  const { origin } = req.headers;
  if (origin !== undefined && !isHeaderText(origin)) {
    return { reason: "BAD_REQUEST", context: { name: "INVALID_ORIGIN", origin } };
  }
  // Before anything is said about sessions.
  if (check.foreign !== undefined) return check.foreign;
  if (isClaim(check)) return checkClaim(check);
  return query.sid === undefined ? checkHandshake(check) : checkSession(check, query.sid);
}

/** Does it say that a session is the client's own, and continues over another transport? */
export function isClaim({ req, query, upgrade }: Pick<Check, "req" | "query" | "upgrade">): boolean {
  return query.resume === "claim" && typeof query.sid === "string" && (upgrade || req.method === "POST");
}

/** Whether there is such a session is not said before the client has proved that it is its own. */
function checkClaim({ query, upgrade }: Check): Refusal | undefined {
  return (
    checkProtocol(query, false) ??
    (upgrade === (query.transport === "websocket") ? undefined : HANDSHAKE_ERROR)
  );
}

/** The last check of a handshake, after the app's own. @param older may it be revision 3 as well? */
export function checkProtocol(query: EngineQuery, older: boolean): Refusal | undefined {
  if (query.protocol === 4 || older) return undefined;
  return { reason: "UNSUPPORTED_PROTOCOL_VERSION", context: { protocol: query.protocol } };
}

/** May this request be one of the session that it names? */
export function checkSession(
  { query, session, upgrade }: Pick<Check, "query" | "session" | "upgrade">,
  sid: QueryValue,
): Refusal | undefined {
  if (session === undefined) return { reason: "UNKNOWN_SID", context: { sid } };
  const { transport, protocol } = query;
  const previousTransport = session.transport?.name;
  if (session.suspended && query.resume !== "leave") {
    return { reason: "BAD_REQUEST", context: { name: "TRANSPORT_LOST", transport, previousTransport } };
  }
  if (!upgrade && previousTransport !== transport) {
    return { reason: "BAD_REQUEST", context: { name: "TRANSPORT_MISMATCH", transport, previousTransport } };
  }
  if (session.protocol !== protocol) {
    const context = { name: "PROTOCOL_MISMATCH", protocol, previousProtocol: session.protocol };
    return { reason: "BAD_REQUEST", context };
  }
  // What carries no WebSocket cannot use one, and an upgrade leads nowhere else.
  return upgrade === (transport === "websocket" || transport === "webtransport")
    ? undefined
    : HANDSHAKE_ERROR;
}

function checkHandshake({ req, query, upgrade }: Check): Refusal | undefined {
  const { method } = req;
  if (method !== "GET") return { reason: "BAD_HANDSHAKE_METHOD", context: { method } };
  return upgrade === (query.transport === "websocket") ? undefined : HANDSHAKE_ERROR;
}

/** The request and the transport that it names do not go together. */
export const HANDSHAKE_ERROR: Refusal = {
  reason: "BAD_REQUEST",
  context: { name: "TRANSPORT_HANDSHAKE_ERROR" },
};

/** Is it a header's value by RFC 9110, section 5.5: no control characters but the tab? */
function isHeaderText(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if ((code < 32 && code !== 9) || code === 127 || code > 255) return false;
  }
  return true;
}
