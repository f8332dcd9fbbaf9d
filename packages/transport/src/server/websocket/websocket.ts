import type { Duplex } from "node:stream";
import {
  type Clock,
  type CloseReason,
  type EncodedPacket,
  type Frame,
  type PipeClose,
  type PipeEnd,
  type Timer,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { FrameLine, unitsOfFrame } from "../turns/frame-line.js";
import type { Turns } from "../turns/turns.js";
import { inBase64, writeBatch } from "./batch-writer.js";
import { closeWords, isLoss } from "./close-body.js";
import { limitMessages, unpackedBytes } from "./ws-receiver.js";

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
  /** Told of each WebSocket whose end has begun and whose socket may stay for a while. `cut` does not wait for the peer. */
  readonly closing?: ((socket: Duplex, cut: () => void) => void) | undefined;
  /** How much of what comes in may be handled at once. Left out: all. */
  readonly turns?: Turns | undefined;
  readonly clock?: Clock | undefined;
  /** Bytes of a message, unpacked, until it is bound a second time: until a session has it. Left out: those of all messages. */
  readonly maxFirstBytes?: number | undefined;
  /** Bytes of a message, unpacked. */
  readonly maxPayload?: number | undefined;
}

const OPEN = 1;

/** What deflate makes of one byte at the most. */
const MOST_OF_ONE = 1032;

/** A compressed message that is not complete after so long counts as what it has become. */
const UNPACKED_MS = 100;

/** It is looked at again after twice the time, since unpacking takes long on a busy machine, up to this. */
const LAST_LOOK_MS = 10_000;

/** A peer in the middle of a message when we close is not read any more, and has so long to close. */
const CUT_MS = 5000;

/** All that a control frame may have. */
const MAX_CONTROL = 125;
const PIPE: unique symbol = Symbol("pipe");

/** A WebSocket that knows its pipe, so that all pipes share the same listeners. */
interface PipedWebSocket extends ServerWebSocket {
  [PIPE]?: WebSocketPipe;
}

/** The same for its TCP socket. */
interface PipedSocket extends Duplex {
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
  readonly #socket: PipedSocket;
  readonly #mode: "raw" | "api";
  readonly #base64: boolean;
  /** Nobody from the end on, so that whatever still comes is lost. */
  #sink: TransportSink | undefined;
  /** Is the network behind? Then a `drain` listener or a callback of `ws` waits. */
  #behind = false;
  /** The last sink: told of what is held, after the end as well. */
  #watcher: TransportSink | undefined;
  /** What has come since the last message: as much as `ws` may keep. */
  #gathered = 0;
  /** What the pieces of a compressed message have become, as far as that is known. */
  #unpacked = 0;
  #unpacking: Timer | undefined = undefined;
  /** How long that timer waits. */
  #unpackingMs = 0;
  readonly #maxPayload: number;
  readonly #clock: Clock | undefined;
  /** Gives messages their size back, while only short ones may come. */
  #unlimit: (() => void) | undefined = undefined;
  /** Counts what comes while only a short message may. */
  #counter: ((chunk: Buffer) => void) | undefined = undefined;
  readonly #closing: WebSocketPipeOptions["closing"];
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
    this.#closing = options.closing;
    this.#turns = options.turns;
    this.#clock = options.clock;
    this.#maxPayload = options.maxPayload ?? Number.POSITIVE_INFINITY;
    if (options.maxFirstBytes !== undefined) this.#unlimit = limitMessages(ws, options.maxFirstBytes);
    this.#ws[PIPE] = this;
    ws.on("message", WebSocketPipe.#listeners.message);
    ws.on("close", WebSocketPipe.#listeners.close);
    // Stays until the WebSocket is garbage: an error after the end must find a listener, too.
    ws.on("error", WebSocketPipe.#listeners.error);
    this.#socket[PIPE] = this;
    // Before the listener of `ws`, which may complete messages with it, and once more behind it: only then it is known what is still
    // kept. An implementation that reads in another way must continue alone.
    if (socket.listenerCount("data") > 0) {
      socket.prependListener("data", WebSocketPipe.#listeners.data);
      socket.on("data", WebSocketPipe.#listeners.read);
    }
    socket.once("close", WebSocketPipe.#listeners.socketClose);
  }

  get writable(): boolean {
    return !this.#behind && this.#ws.readyState === OPEN;
  }

  get bufferedBytes(): number {
    if (this.#socket.destroyed) return 0;
    return this.#mode === "raw" ? this.#socket.writableLength : (this.#ws.bufferedAmount ?? 0);
  }

  get gatheredBytes(): number {
    return this.#socket.destroyed ? 0 : Math.max(this.#gathered, this.#unpacked);
  }

  get unread(): boolean {
    return this.#line !== undefined;
  }

  /**
   * The client may send so many bytes, until {@link allowAll}. More are told as an empty message, and nothing more is read. An
   * implementation that reads its socket in a way of its own keeps to the limit of all messages instead.
   */
  allowFirst(maxBytes: number): void {
    let rest = maxBytes;
    this.#counter = (chunk) => {
      rest -= chunk.length;
      // What has just come may have ended the counting.
      if (rest >= 0 || this.#counter === undefined) return;
      this.allowAll();
      this.#socket.pause();
      this.#sink?.frame(this, "");
    };
    this.#socket.on("data", this.#counter);
  }

  /** Messages may have all bytes of the limit from now on. */
  allowAll(): void {
    if (this.#counter !== undefined) this.#socket.removeListener("data", this.#counter);
    this.#counter = undefined;
  }

  bind(sink: TransportSink): void {
    if (this.#watcher !== undefined) {
      this.#unlimit?.();
      this.#unlimit = undefined;
    }
    this.#sink = sink;
    this.#watcher = sink;
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

  /**
   * Starts the closing handshake; `ws` ends the connection if the peer does not answer within 30 seconds. Nothing is gathered
   * meanwhile.
   */
  close(how: PipeClose, cause?: Error): void {
    this.#sink = undefined;
    const words = closeWords(how, cause);
    const mustGo = how === "shed";
    // The peer is told if the network takes that at once.
    if (mustGo && (this.#ws.readyState !== OPEN || this.bufferedBytes > 0)) this.#socket.destroy();
    else if (words === undefined) this.#ws.close();
    else this.#ws.close(words.code, words.text);
    if (!mustGo) {
      this.#gatherNothing();
      if (!this.#socket.destroyed) this.#closing?.(this.#socket, () => this.#socket.destroy());
      return;
    }
    this.#gathered = 0;
    this.#socket.end(() => this.#socket.destroy());
  }

  /** Reads control frames and nothing else; what has begun to come is not read on. */
  #gatherNothing(): void {
    const socket = this.#socket;
    limitMessages(this.#ws, MAX_CONTROL);
    if (socket.destroyed || this.#clock === undefined || Math.max(this.#gathered, this.#unpacked) === 0)
      return;
    const clock = this.#clock;
    // It resumes the socket by itself, unless it knows.
    this.#ws.pause?.();
    socket.pause();
    const timer = clock.setTimer(() => socket.destroy(), CUT_MS);
    socket.once("close", () => clock.clearTimer(timer));
  }

  /** A compressed message has begun: what it has become shows only once it is unpacked. */
  #awaitUnpacked(afterMs: number = UNPACKED_MS): void {
    const clock = this.#clock;
    if (clock === undefined || this.#ws.extensions === "") return;
    if (this.#unpacking !== undefined) {
      if (this.#unpackingMs <= afterMs) return;
      clock.clearTimer(this.#unpacking);
    }
    this.#unpackingMs = afterMs;
    this.#unpacking = clock.setTimer(() => {
      this.#unpacking = undefined;
      if (this.#gathered === 0) return;
      const most = Math.min(this.#gathered * MOST_OF_ONE, this.#maxPayload);
      this.#unpacked = unpackedBytes(this.#ws) ?? most;
      this.#watcher?.holds?.(this);
      if (afterMs < LAST_LOOK_MS) this.#awaitUnpacked(2 * afterMs);
    }, afterMs);
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

  #end(how: PipeEnd, reason: CloseReason, cause?: Error): void {
    if (this.#line !== undefined && this.#sink !== undefined) {
      this.#ended ??= () => this.#end(how, reason, cause);
      return;
    }
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.ended(this, how, reason, cause);
  }

  /** Shared by all pipes, and called with the WebSocket as `this`: a closure a connection would cost memory. */
  static readonly #listeners: Listeners = {
    message: function (data, isBinary) {
      const pipe = this[PIPE];
      if (pipe === undefined) return;
      pipe.#gathered = 0;
      pipe.#unpacked = 0;
      pipe.#watcher?.holds?.(pipe);
      if (!Buffer.isBuffer(data)) return;
      pipe.#received(isBinary ? data : data.toString("utf8"));
    },
    data: function (chunk) {
      const pipe = this[PIPE];
      if (pipe === undefined) return;
      if (!pipe.#socket.writableEnded) pipe.#gathered += chunk.length;
      pipe.#sink?.progress?.(pipe, chunk.length);
    },
    read: function () {
      const pipe = this[PIPE];
      if (pipe === undefined) return;
      if (pipe.#gathered > 0) pipe.#awaitUnpacked();
      pipe.#watcher?.holds?.(pipe);
    },
    socketClose: function () {
      const pipe = this[PIPE];
      if (pipe === undefined) return;
      if (pipe.#unpacking !== undefined) pipe.#clock?.clearTimer(pipe.#unpacking);
      pipe.#watcher?.holds?.(pipe);
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
  data(this: PipedSocket, chunk: Buffer): void;
  read(this: PipedSocket): void;
  socketClose(this: PipedSocket): void;
  close(this: PipedWebSocket, code?: number): void;
  error(this: PipedWebSocket, error: Error): void;
}
