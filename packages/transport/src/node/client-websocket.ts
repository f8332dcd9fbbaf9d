import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { WebSocketLike, WebSocketOptions } from "../websocket-like.js";

/** Dials with the `ws` package. Redirects are not followed. */
export function createWebSocket(
  url: string,
  protocols: readonly string[],
  options: WebSocketOptions = {},
): WebSocketLike {
  const { headers, perMessageDeflate = false, maxPayload, tls } = options;
  const socket = new WebSocket(url, [...protocols], {
    // What is undefined or null must not arrive: some TLS options (rejectUnauthorized) mean "off" then.
    ...defined({ ...tls, headers, maxPayload }),
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

function defined(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== null),
  );
}
