import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { type ClientOptions, WebSocket } from "ws";
import { maxBufferedChunks } from "../../shared/buffered-chunks.js";
import type { DialOptions } from "../../shared/dial-options.js";
import type { WebSocketLike } from "../../shared/websocket-like.js";
import { headersWithCookies } from "./cookie-jar.js";
import { onExit } from "./exit.js";
import { isUnref, socketOptions } from "./options.js";

/** What `ws` takes besides the options of sockets and TLS. */
const WS_OPTIONS = ["protocolVersion", "origin", "maxPayload"];

/** Bytes of a message that `ws` takes by default. */
const MAX_PAYLOAD = 100 * 1024 * 1024;

/** Bytes below which a message is not worth compressing, unless the app says otherwise. The default of `ws`, and of Socket.IO. */
const THRESHOLD = 1024;

/** Dials with the `ws` package. Redirects are not followed. */
export function createWebSocket(
  url: string,
  protocols: readonly string[],
  options: DialOptions = {},
): WebSocketLike {
  const { client } = options;
  // `ws` offers it by default.
  const perMessageDeflate = client?.["perMessageDeflate"] ?? false;
  const init: ClientOptions = {
    ...socketOptions(client, WS_OPTIONS),
    headers: headersWithCookies(new URL(url), options),
    perMessageDeflate: perMessageDeflate as boolean,
    followRedirects: false,
    maxBufferedChunks: maxBufferedChunks(Number(client?.["maxPayload"] ?? MAX_PAYLOAD)),
  };
  if (isUnref(client)) init.finishRequest = endUnref;
  const socket = new WebSocket(url, [...protocols], init);
  let raw: Socket | undefined;
  socket.once("upgrade", (response) => {
    raw = response.socket;
    // Else a server that counts would wait for a client that is not there any more.
    socket.once(
      "close",
      onExit(() => socket.close()),
    );
  });
  const dialled: WebSocketLike = Object.assign(socket as unknown as WebSocketLike, {
    cork: () => raw?.cork(),
    uncork: () => raw?.uncork(),
  });
  socket.once("open", () => raw?.on("data", ({ length }: Buffer) => dialled.onbytes?.(length)));
  if (perMessageDeflate) compressAbove(thresholdOf(perMessageDeflate), dialled);
  return dialled;
}

function endUnref(request: ClientRequest): void {
  request.on("socket", (socket) => socket.unref());
  request.end();
}

/** `ws` looks at the threshold only where the compressor forgets what was before. */
function compressAbove(threshold: number, socket: WebSocketLike): void {
  const send = socket.send.bind(socket);
  socket.send = (frame, options) => {
    const compress = options?.compress !== false && Buffer.byteLength(frame) >= threshold;
    send(frame, { compress });
  };
}

function thresholdOf(perMessageDeflate: unknown): number {
  const { threshold } = perMessageDeflate as { readonly threshold?: unknown };
  return typeof threshold === "number" ? threshold : THRESHOLD;
}
