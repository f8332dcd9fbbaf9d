import type { WebSocketLike } from "../websocket-like.js";

/** Dials with the platform's own WebSocket, which takes neither headers nor TLS options. */
export function createWebSocket(url: string, protocols: readonly string[]): WebSocketLike {
  const socket = new WebSocket(url, [...protocols]);
  socket.binaryType = "arraybuffer";
  return socket;
}
