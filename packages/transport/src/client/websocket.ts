import { textFrame } from "@sockeye/codec/payload";
import {
  type CloseReason,
  deferTask,
  type EncodedPacket,
  type Frame,
  type PipeClose,
  type PipeEnd,
  startTimer,
  stopTimer,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { createWebSocket } from "#websocket";
import { MOVED } from "../shared/close-codes.js";
import type { WebSocketLike } from "../shared/websocket-like.js";
import { addressOf, type Target } from "./target.js";

/** `readyState` of a WebSocket that may be written to. */
const OPEN = 1;

/** How many bytes may be on their way before it is not writable any more. */
const HIGH_WATER_BYTES = 262_144;

/** What a loss looks like; with any other code the peer has said goodbye, or told what is wrong. 4001: the session has moved. */
const LOSSES: readonly number[] = [1001, 1006, 1011, 1012, 1013, 1014, MOVED];

/** No platform tells when the network has caught up: it is looked at so often, while it has not. */
const LOOK_MS = 10;

/** No platform takes shared memory here, and the type of its `send` says so. */
type Sendable = Parameters<WebSocketLike["send"]>[0];

/** The dialling end of a WebSocket. Writable from its opening to its end, unless the network is behind. */
export class WebSocketTransport implements Transport {
  static readonly transportName = "websocket";
  readonly name = "websocket";
  readonly #forceBase64: boolean;
  readonly #socket: WebSocketLike | undefined;
  /** Nobody after the end, so that whatever the socket still reports is lost. */
  #sink: TransportSink | undefined;
  #opened = false;
  /** Runs only while the network is behind. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(target: Target) {
    this.#forceBase64 = target.forceBase64;
    try {
      this.#socket = this.#dial(target);
    } catch (error) {
      // A bad address or a page that may not connect there: told like every other failure, after bind().
      deferTask(() => this.#failed(error));
    }
  }

  get writable(): boolean {
    return this.#socket?.readyState === OPEN && this.bufferedBytes <= HIGH_WATER_BYTES;
  }

  get bufferedBytes(): number {
    // Some platforms do not know.
    return this.#socket?.bufferedAmount ?? 0;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    this.#socket?.cork?.();
    for (const { head, attachments, compress } of batch) {
      this.#write(head, compress);
      for (const attachment of attachments) this.#write(attachment, compress);
    }
    this.#socket?.uncork?.();
    if (!this.writable) this.#look();
  }

  #look(): void {
    stopTimer(this.#timer);
    if (this.writable) {
      this.#sink?.writable(this);
    } else {
      this.#timer = startTimer(() => this.#look(), LOOK_MS);
      // Node.js: it is the connection that keeps the process alive, or not.
      this.#timer.unref?.();
    }
  }

  #write(frame: Frame, compress: boolean): void {
    this.#socket?.send((this.#forceBase64 ? textFrame(frame) : frame) as Sendable, { compress });
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  close(how: PipeClose): void {
    this.#sink = undefined;
    stopTimer(this.#timer);
    this.#socket?.close(how === "moved" ? MOVED : undefined);
  }

  #dial(target: Target): WebSocketLike {
    const address = addressOf(target, "websocket", false).replace("http", "ws");
    const socket = createWebSocket(address, target.protocols, target);
    socket.onopen = () => {
      this.#opened = true;
      if (target.claim) this.#write(target.claim.head, true);
      this.#sink?.writable(this);
    };
    socket.onmessage = ({ data }) => {
      const frame = typeof data === "string" ? data : ArrayBuffer.isView(data) ? data : new Uint8Array(data);
      this.#sink?.frame(this, frame);
    };
    socket.onbytes = (bytes) => this.#sink?.progress?.(this, bytes);
    socket.onclose = (event) => {
      if (this.#opened) {
        const text = "websocket connection closed";
        const cause = new TransportError("ERR_TRANSPORT_FAILED", text, text, event);
        this.#end(LOSSES.includes(event.code) ? "lost" : "closed", "transport close", cause);
      } else {
        this.#failed(event);
      }
    };
    socket.onerror = (event) => this.#failed(event);
    return socket;
  }

  #failed(description: unknown): void {
    const code = this.#opened ? "ERR_TRANSPORT_FAILED" : "ERR_TRANSPORT_OPEN";
    this.#end("lost", "transport error", new TransportError(code, "websocket error", description));
  }

  #end(how: PipeEnd, reason: CloseReason, cause: TransportError): void {
    const sink = this.#sink;
    this.close("dead");
    sink?.ended(this, how, reason, cause);
  }
}
