// The engine without Socket.IO on it: one session that carries messages. The names are those of the package `engine.io-client`.
import type { EnginePacket } from "@sockeye/protocol";
import { TransportError } from "@sockeye/protocol";
import { rawCodec } from "@sockeye/session";
import type { Address } from "./address.js";
import { addressOf, readUrl, splitGiven } from "./address.js";
import { Line } from "./line.js";
import type { EngineOptions } from "./options.js";
import { unwatchPage, watchPage } from "./page.js";
import { reportAppError } from "./report-error.js";
import { standardParts } from "./standard/parts.js";
import { systemTiming } from "./timing.js";
import { VisibleSession } from "./visible-session.js";

export type { SendOptions } from "@sockeye/socket";
export {
  PollingTransport as Fetch,
  PollingTransport as NodeXHR,
  PollingTransport as XHR,
  WebSocketTransport as NodeWebSocket,
  WebSocketTransport as WebSocket,
  WebTransportTransport as WebTransport,
} from "@sockeye/transport/web";
export type { EngineOptions as SocketOptions } from "./options.js";

/** The revision of the engine's protocol. */
export const protocol = 4;

/** What bytes are given as: `nodebuffer` is a `Uint8Array`, on Node.js a `Buffer`. */
export type BinaryType = "arraybuffer" | "blob" | "nodebuffer";

/**
 * One session with an engine, dialled at once; it does not reconnect. `message` events are what the server has sent, text or bytes.
 *
 * ```ts
 * const socket = new Socket("ws://localhost:3000");
 * socket.on("open", () => socket.send("hello"));
 * ```
 */
export class Socket extends VisibleSession {
  static readonly protocol: number = protocol;
  /** Default `nodebuffer` on Node.js, `arraybuffer` elsewhere. */
  binaryType: BinaryType = typeof Buffer === "function" ? "nodebuffer" : "arraybuffer";

  /**
   * @param uri the server; its path is not looked at. Default: where the page came from, or what the options say.
   * @param options their `path` is `/engine.io` by default
   * @throws UsageError `ERR_BAD_OPTION`
   */
  constructor(uri?: string | URL | Partial<EngineOptions>, options?: Partial<EngineOptions>) {
    const [url, chosen] = splitGiven(uri, options);
    const given: Partial<EngineOptions> = { ...chosen, path: chosen?.path || "/engine.io" };
    const address = url === undefined ? addressOf(given) : placeOf(url, given);
    const timing = systemTiming(given.autoUnref === true);
    const line = new Line(
      { codec: rawCodec, timing, address, parts: standardParts, options: given },
      {
        joined: true,
        opened: () => {},
        pinged: () => {},
        packet: () => {},
        closed: () => {},
      },
    );
    const { session } = line;
    super(session, { reportError: reportAppError });
    const page = {
      offline: (): void => {
        const text = "network connection lost";
        const error = new TransportError("ERR_OFFLINE", text, text);
        if (session.transport) session.lost(session.transport, "transport close", error);
      },
      online: (): void => line.moved(),
      shown: (): void => void session.endIfStale(),
      left: (): void => line.leave(),
      back: (): void => line.back(),
      leaving: (): void => {
        if (given.closeOnBeforeunload) session.transport?.close(true);
      },
    };
    watchPage(page);
    this.once("close", () => unwatchPage(page));
    line.dial();
  }

  override onPacket(packet: EnginePacket): void {
    const { type, data } = packet;
    if (typeof data === "string" || data === undefined) super.onPacket(packet);
    else super.onPacket({ type, data: asked(data, this.binaryType) as Uint8Array });
  }
}

function placeOf(url: string, options: Partial<EngineOptions>): Address {
  const place = readUrl(url);
  if (place.query) options.query = place.query;
  return place;
}

function asked(bytes: Uint8Array, type: BinaryType): Uint8Array | ArrayBuffer | Blob {
  if (type === "nodebuffer") return bytes;
  const own = Uint8Array.from(bytes);
  return type === "blob" ? new Blob([own]) : own.buffer;
}
