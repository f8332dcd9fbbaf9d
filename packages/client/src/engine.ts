// The engine without Socket.IO on it: one session that carries messages. The names are those of the package `engine.io-client`.
import type { Address, EngineOptions, PageEvent } from "@sockeye/engine/client";
import {
  addressOf,
  clockFor,
  Dialer,
  readUrl,
  splitGiven,
  unwatchPage,
  watchPage,
} from "@sockeye/engine/client";
import type { EnginePacket, RawMessage } from "@sockeye/protocol";
import { rawCodec } from "@sockeye/session";
import type { SendOptions, Sent } from "@sockeye/socket";
import { advise } from "#advice";
import { BlobQueue, isBlob } from "./blobs.js";
import { reportAppError } from "./report-error.js";
import { standardParts } from "./standard/features.js";
import { VisibleSession } from "./visible-session.js";

export type { EngineOptions as SocketOptions } from "@sockeye/engine/client";
export { TransportError } from "@sockeye/protocol";
export type { SendOptions } from "@sockeye/socket";
export {
  PollingTransport as Fetch,
  PollingTransport as NodeXHR,
  PollingTransport as XHR,
  WebSocketTransport as NodeWebSocket,
  WebSocketTransport as WebSocket,
  WebTransportTransport as WebTransport,
} from "@sockeye/transport/client";

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
  #blobs: BlobQueue | undefined;
  /** Default `nodebuffer` on Node.js, `arraybuffer` elsewhere. */
  binaryType: BinaryType = typeof Buffer === "function" ? "nodebuffer" : "arraybuffer";

  /**
   * @param uri the server; its path is not looked at. Default: where the page came from, or what the options say.
   * @param options their `path` is `/engine.io` by default
   * @throws UsageError `ERR_BAD_OPTION`
   */
  constructor(uri?: string | URL | Partial<EngineOptions>, options?: Partial<EngineOptions>) {
    const [url, chosen] = splitGiven(uri, options);
    advise(chosen, standardParts.transports);
    const given: Partial<EngineOptions> = { ...chosen, path: chosen?.path || "/engine.io" };
    const address = url === undefined ? addressOf(given) : placeOf(url, given);
    const clock = clockFor(given);
    const line = new Dialer(
      { codec: rawCodec, clock, address, parts: standardParts, options: given },
      {
        joined: true,
        opened: () => {},
        pinged: () => {},
        packet: () => {},
        unwritable: reportAppError,
        closed: () => {},
      },
    );
    const { session } = line;
    super(session, { reportError: reportAppError });
    const page = (event: PageEvent): void => line[event]();
    watchPage(page);
    this.once("close", () => unwatchPage(page));
    line.dial();
  }

  /**
   * Sends a message: text, bytes, or a Blob, which takes a while to be read; what is sent after it waits for it.
   *
   * @param sent never called if the connection ends before the message has left
   * @throws CodecError `ERR_UNENCODABLE` for anything else
   */
  override send(data: RawMessage | Blob, options?: SendOptions | Sent | null, sent?: Sent): this {
    if (!isBlob(data) && !this.#blobs?.busy) return super.send(data, options, sent);
    this.#blobs ??= new BlobQueue(reportAppError);
    this.#blobs.add([data], ([read]) => void super.send(read as RawMessage, options, sent));
    return this;
  }

  override write(data: RawMessage | Blob, options?: SendOptions | Sent | null, sent?: Sent): this {
    return this.send(data, options, sent);
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
