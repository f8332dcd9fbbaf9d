import type { IncomingMessage } from "node:http";

/** What is wrong with the request for a WebSocket, as an answer to it. */
export interface UpgradeFault {
  readonly status: "400 Bad Request" | "405 Method Not Allowed";
  readonly message: string;
  /** A header of the answer. */
  readonly header?: string | undefined;
}

/** What a request for a WebSocket offers, once it is checked. */
export interface UpgradeOffer {
  readonly key: string;
  /** The first of the subprotocols on offer. */
  readonly protocol: string | undefined;
}

/** Sixteen bytes in base64 are 22 digits and two signs of padding. */
const KEY = /^[\dA-Za-z+/]{22}==$/;
/** @see RFC 9110, section 5.6.2 */
const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;

/**
 * Checks the request for a WebSocket.
 *
 * @see RFC 6455, section 4.2.1
 */
export function checkUpgrade(req: IncomingMessage): UpgradeFault | UpgradeOffer {
  const { headers, method } = req;
  if (method !== "GET") return { status: "405 Method Not Allowed", message: "The method must be GET." };
  // A request may have so many headers that Node.js cuts off any of these.
  if (headers.upgrade?.toLowerCase() !== "websocket") return bad("The Upgrade header must be websocket.");
  const key = headers["sec-websocket-key"];
  if (key === undefined || !KEY.test(key))
    return bad("The Sec-WebSocket-Key header must be 16 bytes in base64.");
  const version = headers["sec-websocket-version"];
  if (version !== "13" && version !== "8") {
    return bad("The Sec-WebSocket-Version header must be 13.", "Sec-WebSocket-Version: 13, 8");
  }
  const offered = headers["sec-websocket-protocol"];
  if (offered === undefined) return { key, protocol: undefined };
  const protocol = firstToken(offered);
  return protocol === undefined ? bad("The Sec-WebSocket-Protocol header is malformed.") : { key, protocol };
}

function bad(message: string, header?: string): UpgradeFault {
  return { status: "400 Bad Request", message, header };
}

/** The first of a list of tokens, in which none may come twice. `undefined` if it is not one. */
function firstToken(list: string): string | undefined {
  const tokens = list.split(",").map((token) => token.trim());
  if (!tokens.every(isToken) || new Set(tokens).size < tokens.length) return undefined;
  return tokens[0];
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}
