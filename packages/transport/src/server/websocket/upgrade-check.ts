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

const KEY_LENGTH = 24;

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
  if (key === undefined || !isKey(key))
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

/** Sixteen bytes in base64 are 22 digits and two signs of padding. */
function isKey(key: string): boolean {
  if (key.length !== KEY_LENGTH || !key.endsWith("==")) return false;
  for (let at = 0; at < KEY_LENGTH - 2; at++) if (!isBase64(key.charCodeAt(at))) return false;
  return true;
}

function isBase64(code: number): boolean {
  return isAlphanumeric(code) || code === 0x2b || code === 0x2f;
}

/** The first of a list of tokens, in which none may come twice. `undefined` if it is not one. */
function firstToken(list: string): string | undefined {
  const tokens = list.split(",").map((token) => token.trim());
  if (!tokens.every(isToken) || new Set(tokens).size < tokens.length) return undefined;
  return tokens[0];
}

/** @see RFC 9110, section 5.6.2 */
export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!isAlphanumeric(code) && !"!#$%&'*+-.^_`|~".includes(text.charAt(at))) return false;
  }
  return text !== "";
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}
