import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { WebSocketLike, WebSocketOptions } from "../websocket-like.js";

/** What goes from a client's options to `ws`, and on to `tls.connect`. */
const SOCKET_OPTIONS = [
  "agent",
  "pfx",
  "key",
  "passphrase",
  "cert",
  "ca",
  "ciphers",
  "rejectUnauthorized",
  "localAddress",
  "protocolVersion",
  "origin",
  "maxPayload",
  "family",
  "checkServerIdentity",
];

/** Dials with the `ws` package. Redirects are not followed. */
export function createWebSocket(
  url: string,
  protocols: readonly string[],
  options: WebSocketOptions = {},
): WebSocketLike {
  const { headers, perMessageDeflate = false, client = {} } = options;
  const socketOptions = SOCKET_OPTIONS.map((name) => [name, client[name]]);
  const socket = new WebSocket(url, [...protocols], {
    // What is undefined or null must not arrive: some TLS options (rejectUnauthorized) mean "off" then.
    ...defined([...socketOptions, ["headers", headers]]),
    perMessageDeflate: perMessageDeflate as boolean,
    followRedirects: false,
  });
  let raw: Socket | undefined;
  socket.once("upgrade", (response) => {
    raw = response.socket;
  });
  return Object.assign(socket as unknown as WebSocketLike, {
    cork: () => raw?.cork(),
    uncork: () => raw?.uncork(),
  });
}

function defined(options: readonly (readonly unknown[])[]): Record<string, unknown> {
  return Object.fromEntries(options.filter(([, value]) => value !== undefined && value !== null));
}
