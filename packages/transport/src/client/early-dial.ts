import { deferTask } from "@sockeye/protocol";

/** What the page's `early.js` has left: a WebSocket that it dialled before the client had come, and what that has received. */
interface EarlyDial {
  readonly socket?: WebSocket;
  readonly messages: readonly MessageEvent[];
}

/** `readyState` of a WebSocket over which nothing comes any more, or soon. */
const CLOSING = 2;

/** A WebSocket's own `url` leaves out the port that its scheme has anyway. */
const USUAL_PORT = /^(?:(ws:\/\/[^/]*):80|(wss:\/\/[^/]*):443)\//;

/**
 * The WebSocket that the page dialled early, if it leads where this one must lead; otherwise that one is closed. It is offered once. Its
 * handlers must be set in this turn: what it has received is given to them right after.
 */
export function takeEarlyDial(url: string, protocols: readonly string[]): WebSocket | undefined {
  const page = globalThis as { sockeyeEarly?: EarlyDial | undefined };
  const early = page.sockeyeEarly;
  // An element of the page may have that id, which makes it a global.
  if (!early || !(early.socket instanceof WebSocket)) return undefined;
  page.sockeyeEarly = undefined;
  const { socket, messages } = early;
  if (socket.readyState >= CLOSING) return undefined;
  if (protocols.length > 0 || socket.url !== url.replace(USUAL_PORT, "$1$2/")) {
    socket.close();
    return undefined;
  }
  deferTask(() => {
    if (socket.readyState === WebSocket.OPEN) (socket.onopen as (() => void) | null)?.();
    for (const message of messages) socket.onmessage?.(message);
  });
  return socket;
}
