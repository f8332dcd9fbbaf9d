import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  type Clock,
  type CloseReason,
  type EncodedPacket,
  type Timer,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { inBase64, writeBatch, writeFramed } from "./batch-writer.js";
import { closeBody, closeCode, closeWords, isLoss } from "./close-body.js";
import type { AgreedDeflate } from "./deflate-extension.js";
import { controlFrame } from "./frame.js";
import { type CloseCode, FrameReader, type FrameSink } from "./frame-reader.js";
import { ignoreErrors } from "./refusal.js";

/** What all WebSockets of a server share. */
export interface OwnWebSocketTerms {
  readonly clock: Clock;
  /** Bytes of one message; a larger one closes the WebSocket with 1009. */
  readonly maxPayload: number;
}

export interface OwnWebSocketOptions {
  /** What the client sent right behind its request. */
  readonly head?: Buffer | undefined;
  /** Sends bytes as base64 text, because the client asked for it (`b64=1`). Default false. */
  readonly base64?: boolean | undefined;
  /** Left out: no extension was agreed on. */
  readonly deflate?: AgreedDeflate | undefined;
}

/** From its close frame on, a peer has this long to close, too. */
const CLOSING_MS = 30_000;

/** Pongs that a peer may have asked for and not yet taken. */
const MAX_PENDING_PONGS = 60;

/** What a close frame without a code stands for. */
const NO_CODE = 1005;

const FIN_CLOSE = 0x88;
const FIN_PONG = 0x8a;
const NOTHING = Buffer.alloc(0);

const PIPE: unique symbol = Symbol("pipe");

/** A socket that knows its pipe, so that all pipes share the same listeners. */
interface PipedSocket extends Duplex {
  [PIPE]?: OwnWebSocketPipe | undefined;
}

/**
 * The accepting end of a WebSocket, compressed or not, with nothing between it and the TCP socket. It answers pings and
 * close frames, and sees to it that the socket ends up destroyed, whatever the peer does.
 *
 * `open`: frames go both ways. `closing`: our close frame is out, and only the peer's is waited for. `over`: both are, or
 * something broke; what still comes is dropped.
 *
 * @see RFC 6455, sections 5 to 7, and RFC 7692
 */
export class OwnWebSocketPipe implements Transport, FrameSink {
  readonly #socket: PipedSocket;
  readonly #terms: OwnWebSocketTerms;
  readonly #reader: FrameReader;
  readonly #base64: boolean;
  readonly #deflate: AgreedDeflate | undefined;
  /** What is being compressed, and leaves before all else. */
  #compressing: readonly EncodedPacket[] | undefined = undefined;
  /** Nobody from the end on, so that whatever still comes is lost. */
  #sink: TransportSink | undefined = undefined;
  #state: "open" | "closing" | "over" = "open";
  #pendingPongs = 0;
  /** Ends a closing handshake that the peer does not finish. */
  #deadline: Timer | undefined = undefined;

  /** @param socket the raw socket of the upgrade, on which nobody else reads or writes any more */
  constructor(socket: Duplex, terms: OwnWebSocketTerms, options: OwnWebSocketOptions = {}) {
    this.#socket = socket;
    this.#terms = terms;
    this.#reader = new FrameReader(this, terms.maxPayload, options.deflate?.inflater);
    this.#base64 = options.base64 === true;
    this.#deflate = options.deflate;
    takeOver(socket, options.head ?? NOTHING);
    this.#socket[PIPE] = this;
    socket.on("data", OwnWebSocketPipe.#listeners.data);
    socket.on("drain", OwnWebSocketPipe.#listeners.drain);
    socket.on("close", OwnWebSocketPipe.#listeners.close);
  }

  /** Does a pipe use this socket? */
  static has(socket: PipedSocket): boolean {
    return socket[PIPE] !== undefined;
  }

  get name(): string {
    return "websocket";
  }

  get writable(): boolean {
    const socket = this.#socket;
    if (this.#state !== "open" || this.#compressing !== undefined) return false;
    // The network may have taken all at once, and `drain` comes only later.
    return socket.writable && (!socket.writableNeedDrain || socket.writableLength === 0);
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    if (this.#state !== "open" || !this.#socket.writable) return;
    if (this.#deflate === undefined) writeBatch(this.#socket, batch, this.#base64);
    else this.#sendDeflated(this.#base64 ? batch.flatMap(inBase64) : batch, this.#deflate);
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  /** Starts the closing handshake. The peer has 30 seconds to answer. */
  close(_goodbye: boolean, cause?: Error): void {
    this.#sink = undefined;
    if (this.#state !== "open") return;
    this.#state = "closing";
    const compressing = this.#compressing;
    this.#compressing = undefined;
    if (this.#socket.writable) {
      // There is no time left to wait for that.
      if (compressing !== undefined) writeBatch(this.#socket, compressing, false);
      this.#socket.write(controlFrame(FIN_CLOSE, closeBody(closeWords(cause))));
    }
    this.#limitClosing();
  }

  // ---- from the reader

  text(message: string): void {
    this.#sink?.frame(this, message);
  }

  binary(message: Buffer): void {
    this.#sink?.frame(this, message);
  }

  ping(payload: Buffer): void {
    const socket = this.#socket;
    if (this.#state !== "open" || !socket.writable) return;
    // What is only held back until the end of this read is not pending.
    if (this.#pendingPongs === MAX_PENDING_PONGS && socket.writableCorked > 0) {
      socket.uncork();
      socket.cork();
    }
    if (socket.writableLength === 0 || socket.writableCorked > 1) this.#pendingPongs = 0;
    if (++this.#pendingPongs > MAX_PENDING_PONGS) {
      this.#abort();
      this.#end("transport close");
    } else socket.write(controlFrame(FIN_PONG, payload));
  }

  /** The peer's close frame. It is answered in its own words, unless it is itself the answer. */
  goodbye(body: Buffer): void {
    // What the app has answered to messages of the same read goes first.
    this.#caughtUp();
    const answer = this.#finish(body);
    // It is upon the server to close first; nothing may come any more that this could cut off.
    this.#socket.once("finish", destroy);
    this.#socket.end(answer);
    if (isLoss(closeCode(body) ?? NO_CODE)) this.#lose();
    else this.#end("transport close");
  }

  violation(code: CloseCode, what: string): void {
    this.#caughtUp();
    // The peer may be sending still. What comes is read and dropped: a reset could reach it before the close frame does.
    const cause = new TransportError(code === 1009 ? "ERR_PACKET_TOO_LARGE" : "ERR_TRANSPORT_FAILED", what);
    this.#socket.end(this.#finish(closeBody(closeWords(cause) ?? { code, text: "" })));
    this.#end("transport error", cause);
  }

  hold(held: boolean): void {
    if (held) this.#socket.pause();
    else this.#socket.resume();
  }

  #sendDeflated(batch: readonly EncodedPacket[], { deflater }: AgreedDeflate): void {
    const waiting = this.#compressing;
    const framed = waiting === undefined ? deflater.frame(batch) : undefined;
    if (framed !== undefined) {
      writeFramed(this.#socket, framed);
    } else if (waiting !== undefined) {
      this.#compressing = [...waiting, ...batch];
    } else {
      this.#compressing = batch;
      deflater.whenReady(batch, () => this.#sendCompressed());
    }
  }

  #sendCompressed(): void {
    const batch = this.#compressing;
    this.#compressing = undefined;
    // The connection may be over, or closing, and then all is sent.
    if (batch === undefined || this.#deflate === undefined) return;
    if (this.#state !== "open" || !this.#socket.writable) return;
    this.#sendDeflated(batch, this.#deflate);
    this.#caughtUp();
  }

  // ---- from the socket

  #receive(chunk: Buffer): void {
    const socket = this.#socket;
    // The answers to a chunk full of pings leave in one write.
    socket.cork();
    this.#reader.read(chunk);
    socket.uncork();
  }

  #caughtUp(): void {
    if (this.writable) this.#sink?.writable(this);
  }

  #closed(): void {
    this.#state = "over";
    this.#reader.stop();
    if (this.#deadline !== undefined) this.#terms.clock.clearTimer(this.#deadline);
    this.#lose();
  }

  /** Nobody said goodbye. */
  #lose(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.lost(this, "transport close");
  }

  #end(reason: CloseReason, cause?: Error): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.closed(this, reason, cause);
  }

  /** Nothing is written any more but the close frame that this returns, unless one was sent before. */
  #finish(body: Uint8Array): Buffer | undefined {
    const last = this.#state === "open" ? controlFrame(FIN_CLOSE, body) : undefined;
    this.#state = "over";
    this.#limitClosing();
    return last;
  }

  #abort(): void {
    this.#state = "over";
    this.#reader.stop();
    this.#socket.destroy();
  }

  #limitClosing(): void {
    this.#deadline ??= this.#terms.clock.setTimer(() => this.#abort(), CLOSING_MS);
  }

  /** Shared by all sockets: a closure a connection would cost memory. */
  static readonly #listeners: Listeners = {
    data: function (chunk) {
      const pipe = this[PIPE];
      if (pipe !== undefined) pipe.#receive(chunk);
    },
    drain: function () {
      const pipe = this[PIPE];
      if (pipe !== undefined) pipe.#caughtUp();
    },
    close: function () {
      const pipe = this[PIPE];
      this[PIPE] = undefined;
      if (pipe !== undefined) pipe.#closed();
    },
  };
}

interface Listeners {
  data(this: PipedSocket, chunk: Buffer): void;
  drain(this: PipedSocket): void;
  close(this: PipedSocket): void;
}

/** Frees a socket of what its HTTP server has set on it. */
function takeOver(socket: Duplex, head: Buffer): void {
  // Node passes a `net.Socket` or `TLSSocket`, which have these; other streams need them not.
  const connection: Partial<Socket> = socket as Socket;
  // A socket that breaks closes as well, which is all that matters.
  ignoreErrors(socket);
  // The peer's FIN ends our side, too; without it a WebSocket is over.
  socket.allowHalfOpen = false;
  if (connection.timeout) connection.setTimeout?.(0);
  connection.setNoDelay?.(true);
  if (head.length > 0) socket.unshift(head);
}

function destroy(this: Duplex): void {
  this.destroy();
}
