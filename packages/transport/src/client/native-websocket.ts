import type { DialOptions } from "../shared/dial-options.js";
import type { WebSocketLike } from "../shared/websocket-like.js";
import { takeEarlyDial } from "./early-dial.js";

/** React Native's also takes headers. */
type Constructor = new (url: string, protocols: string[], options?: DialOptions) => WebSocket;

/** Dials with the platform's own WebSocket, which in browsers takes neither headers nor TLS options; or takes what the page dialled early. */
export function createWebSocket(
  url: string,
  protocols: readonly string[],
  { headers }: DialOptions,
): WebSocketLike {
  const early = takeEarlyDial(url, protocols);
  if (early) return early;
  const Native = WebSocket as Constructor;
  // A browser would take no third argument amiss; others that have one mean something else by it.
  const isReactNative = headers && globalThis.navigator?.product === "ReactNative";
  const socket = isReactNative
    ? new Native(url, [...protocols], { headers })
    : new Native(url, [...protocols]);
  socket.binaryType = "arraybuffer";
  return socket;
}
