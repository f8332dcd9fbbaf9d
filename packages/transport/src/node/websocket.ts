import type { Duplex } from "node:stream";
import {
  type CloseReason,
  type EncodedPacket,
  type Frame,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { inBase64, writeBatch } from "./batch-writer.js";
import { closeWords, isLoss } from "./close-body.js";
import { FrameLine, unitsOfFrame } from "./frame-line.js";
import type { Turns } from "./turns.js";

/** What the pipe needs of an accepted WebSocket; the `ws` package's `WebSocket` has it. */
export interface ServerWebSocket {
  /** 1: open. */
  readonly readyState: number;
  /** Bytes that it has taken and the network has not. */
  readonly bufferedAmount?: number;
  /** The extensions that were agreed on; empty if none. */
  readonly extensions: string;
  on(event: "message", listener: (this: ServerWebSocket, data: unknown, isBinary: boolean) => void): unknown;
  on(event: "close", listener: (this: ServerWebSocket, code?: number) => void): unknown;
  on(event: "error", listener: (this: ServerWebSocket, error: Error) => void): unknown;
  send(data: string | Uint8Array, options: { compress?: boolean }, done?: (error?: Error) => void): void;
  close(code?: number, reason?: string): void;
  /** Reads no more, and reads on. Absent: it cannot be asked to. */
  pause?(): void;
  resume?(): void;
}

export interface WebSocketPipeOptions {
  /** Writes through the WebSocket's own `send` even where nothing needs it. Default false. */
  readonly publicApiOnly?: boolean | undefined;
  /** Sends bytes as base64 text, because the client asked for it (`b64=1`). Default false. */
  readonly base64?: boolean | undefined;
  /** How much of what comes in may be handled at once. Left out: all. */
  readonly turns?: Turns | undefined;
}

const OPEN = 1;
const PIPE: unique symbol = Symbol("pipe");

/** A WebSocket that knows its pipe, so that all pipes share the same three listeners. */
interface PipedWebSocket extends ServerWebSocket {
  [PIPE]?: WebSocketPipe;
}

/**
 * The accepting end of a WebSocket over the `ws` package: where an extension was agreed on, and for other implementations
 * with its interface. What comes in is read by that; what goes out without an extension is framed here and written to the TCP socket of the upgrade in one write a batch. That is sound because `ws` writes its own frames (pong, close)
 * whole and at once as long as no extension is agreed on; with permessage-deflate it does not, and `ws` sends everything.
 */
export class WebSocketPipe implements Transport {
  static readonly transportName = "websocket";
  readonly name = "websocket";
  readonly #ws: PipedWebSocket;
  readonly #socket: Duplex;
  readonly #mode: "raw" | "api";
  readonly #base64: boolean;
  /** Nobody from the end on, so that whatever still comes is lost. */
  #sink: TransportSink | undefined;
  /** Is the network behind? Then a `drain` listener or a callback of `ws` waits. */
  #behind = false;
  readonly #turns: Turns | undefined;
  /** What has come in and waits for its turn. */
  #line: FrameLine | undefined = undefined;
  /** How the WebSocket has ended, if what came before is still to be told. */
  #ended: (() => void) | undefined = undefined;

  /** @param socket the raw socket of the upgrade, which nobody else writes to but `ws` */
  constructor(ws: ServerWebSocket, socket: Duplex, options: WebSocketPipeOptions = {}) {
    this.#ws = ws;
    this.#socket = socket;
    this.#mode = options.publicApiOnly === true || ws.extensions !== "" ? "api" : "raw";
    this.#base64 = options.base64 === true;
    this.#turns = options.turns;
    this.#ws[PIPE] = this;
    ws.on("message", WebSocketPipe.#listeners.message);
    ws.on("close", WebSocketPipe.#listeners.close);
    // Stays until the WebSocket is garbage: an error after the end must find a listener, too.
    ws.on("error", WebSocketPipe.#listeners.error);
  }

  get writable(): boolean {
    return !this.#behind && this.#ws.readyState === OPEN;
  }

  get bufferedBytes(): number {
    return this.#mode === "raw" ? this.#socket.writableLength : (this.#ws.bufferedAmount ?? 0);
  }

  get unread(): boolean {
    return this.#line !== undefined;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    if (this.#ws.readyState !== OPEN || !this.#socket.writable) return;
    if (this.#mode === "raw") {
      writeBatch(this.#socket, batch, this.#base64);
      if (this.#socket.writableNeedDrain) this.#awaitDrain();
    } else {
      this.#sendEach(this.#base64 ? batch.flatMap(inBase64) : batch);
    }
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  /** Starts the closing handshake; `ws` ends the connection if the peer does not answer within 30 seconds. */
  close(_goodbye: boolean, cause?: Error): void {
    this.#sink = undefined;
    const words = closeWords(cause);
    if (words === undefined) this.#ws.close();
    else this.#ws.close(words.code, words.text);
  }

  #awaitDrain(): void {
    if (this.#behind) return;
    this.#behind = true;
    this.#socket.once("drain", () => this.#caughtUp());
  }

  /** Compression is asynchronous, so the pipe is behind until `ws` has handed the last frame to the network. */
  #sendEach(batch: readonly EncodedPacket[]): void {
    const last = batch.at(-1);
    if (last === undefined) return;
    this.#behind = true;
    const done = (): void => this.#caughtUp();
    this.#socket.cork();
    for (const packet of batch) {
      const options = { compress: packet.compress };
      const final = packet.attachments.length - 1;
      this.#ws.send(packet.head, options, packet === last && final < 0 ? done : undefined);
      packet.attachments.forEach((bytes, index) => {
        this.#ws.send(bytes, options, packet === last && index === final ? done : undefined);
      });
    }
    this.#socket.uncork();
  }

  #caughtUp(): void {
    this.#behind = false;
    if (this.writable) this.#sink?.writable(this);
  }

  #received(frame: Frame): void {
    if (this.#line !== undefined) {
      this.#line.add(frame);
    } else if (this.#turns?.allows(unitsOfFrame(frame)) === false) {
      this.#line = new FrameLine(this.#turns, [frame], {
        received: (late) => this.#sink?.frame(this, late),
        handled: () => this.#caughtUpReading(),
      });
      // What it has read of the network already still comes.
      this.#ws.pause?.();
    } else {
      this.#sink?.frame(this, frame);
    }
  }

  #caughtUpReading(): void {
    this.#line = undefined;
    const ended = this.#ended;
    if (ended === undefined) this.#ws.resume?.();
    else ended();
  }

  #end(how: "closed" | "lost", reason: CloseReason, cause?: Error): void {
    if (this.#line !== undefined && this.#sink !== undefined) {
      this.#ended ??= () => this.#end(how, reason, cause);
      return;
    }
    const sink = this.#sink;
    this.#sink = undefined;
    if (how === "lost") sink?.lost(this, reason, cause);
    else sink?.closed(this, reason, cause);
  }

  /** Shared by all pipes, and called with the WebSocket as `this`: a closure a connection would cost memory. */
  static readonly #listeners: Listeners = {
    message: function (data, isBinary) {
      const pipe = this[PIPE];
      if (pipe === undefined || !Buffer.isBuffer(data)) return;
      pipe.#received(isBinary ? data : data.toString("utf8"));
    },
    close: function (code) {
      const pipe = this[PIPE];
      if (pipe !== undefined)
        pipe.#end(code !== undefined && isLoss(code) ? "lost" : "closed", "transport close");
    },
    error: function (error) {
      const pipe = this[PIPE];
      if (pipe === undefined) return;
      // What the peer sent was no WebSocket message; errors of the connection itself come as an end without a close frame.
      pipe.#end(
        "closed",
        "transport error",
        new TransportError("ERR_TRANSPORT_FAILED", error.message, error),
      );
    },
  };
}

interface Listeners {
  message(this: PipedWebSocket, data: unknown, isBinary: boolean): void;
  close(this: PipedWebSocket, code?: number): void;
  error(this: PipedWebSocket, error: Error): void;
}
