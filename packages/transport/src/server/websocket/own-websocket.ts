import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  type Clock,
  type CloseReason,
  type EncodedPacket,
  type PipeClose,
  type Timer,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { ignoreErrors } from "../request/refusal.js";
import type { Turns } from "../turns/turns.js";
import { inBase64, writeBatch, writeFramed } from "./batch-writer.js";
import { closeBody, closeCode, closeWords, isLoss } from "./close-body.js";
import type { AgreedDeflate } from "./deflate-extension.js";
import { controlFrame } from "./frame.js";
import { type CloseCode, FrameReader, type FrameSink } from "./frame-reader.js";
import type { LateListener } from "./late-listener.js";

/** What all WebSockets of a server share. */
export interface OwnWebSocketTerms {
  readonly clock: Clock;
  /** Bytes of one message; a larger one closes the WebSocket with 1009. */
  readonly maxPayload: number;
  /** Told of each WebSocket whose end has begun and whose socket may stay for a while. `cut` does not wait for the peer. */
  readonly closing?: ((socket: Duplex, cut: () => void) => void) | undefined;
  /** How much of what comes in may be handled at once. Left out: all. */
  readonly turns?: Turns | undefined;
}

export interface OwnWebSocketOptions {
  /** What the client sent right behind its request. */
  readonly head?: Buffer | undefined;
  /** Sends bytes as base64 text, because the client asked for it (`b64=1`). Default false. */
  readonly base64?: boolean | undefined;
  /** Left out: no extension was agreed on. */
  readonly deflate?: AgreedDeflate | undefined;
  /** Set if the first packets are to leave one by one. */
  readonly listener?: LateListener | undefined;
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
  /** The last sink: told of what is held, after the end as well. */
  #watcher: TransportSink | undefined = undefined;
  /** What the watcher was told. */
  #gathered = 0;
  #state: "open" | "closing" | "over" = "open";
  #pendingPongs = 0;
  /** A client that waits for the first packets one by one, until it has got them. */
  #listener: LateListener | undefined;
  /** Is the first message to be a short one? */
  #first: "short" | "any" = "any";
  /** Ends a closing handshake that the peer does not finish. */
  #deadline: Timer | undefined = undefined;

  /** @param socket the raw socket of the upgrade, on which nobody else reads or writes any more */
  constructor(socket: Duplex, terms: OwnWebSocketTerms, options: OwnWebSocketOptions = {}) {
    this.#socket = socket;
    this.#terms = terms;
    this.#reader = new FrameReader(this, terms.maxPayload, options.deflate?.inflater, terms.turns);
    this.#base64 = options.base64 === true;
    this.#deflate = options.deflate;
    this.#listener = options.listener;
    takeOver(socket, options.head ?? NOTHING);
    this.#socket[PIPE] = this;
    socket.on("data", OwnWebSocketPipe.#listeners.data);
    socket.on("drain", OwnWebSocketPipe.#listeners.drain);
    socket.on("close", OwnWebSocketPipe.#listeners.close);
  }

  /**
   * The first message may have so many bytes, until {@link allowAll}. One that is larger is told, before it has come, as an
   * empty one, and nothing follows.
   */
  allowFirst(maxBytes: number): void {
    this.#first = "short";
    this.#reader.allow(Math.min(maxBytes, this.#terms.maxPayload));
  }

  /** Messages may have all bytes of the limit from now on. */
  allowAll(): void {
    this.#first = "any";
    this.#reader.allow(this.#terms.maxPayload);
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
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  get gatheredBytes(): number {
    return this.#reader.heldBytes;
  }

  get unread(): boolean {
    return this.#reader.waits;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
    this.#watcher = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    if (this.#state !== "open" || !this.#socket.writable) return;
    const rest = this.#listener === undefined ? batch : this.#sendFirst(batch, this.#listener);
    if (this.#deflate === undefined) writeBatch(this.#socket, rest, this.#base64);
    else this.#sendDeflated(rest, this.#deflate);
  }

  /** To a client that may not listen yet, the first packet leaves apart. @returns what is left to send */
  #sendFirst(batch: readonly EncodedPacket[], listener: LateListener): readonly EncodedPacket[] {
    if (listener.listens) {
      this.#listener = undefined;
      return batch;
    }
    listener.sent();
    if (batch.length === 1) return batch;
    listener.apart(() => {
      const first = batch.slice(0, 1);
      if (this.#deflate === undefined) writeBatch(this.#socket, first, this.#base64);
      else this.#sendDeflated(first, this.#deflate);
    });
    return batch.slice(1);
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  /** Starts the closing handshake. The peer has 30 seconds to answer. */
  close(how: PipeClose, cause?: Error): void {
    this.#sink = undefined;
    if (how === "shed") {
      this.#expel(closeBody(closeWords(how, cause)));
      return;
    }
    if (this.#state !== "open") return;
    this.#state = "closing";
    const compressing = this.#compressing;
    this.#compressing = undefined;
    if (this.#socket.writable) {
      // There is no time left to wait for that.
      if (compressing !== undefined) writeBatch(this.#socket, compressing, false);
      this.#socket.write(controlFrame(FIN_CLOSE, closeBody(closeWords(how, cause))));
    }
    this.#limitClosing();
    this.#reader.expectClose();
  }

  /** Lets go of all that it holds. The peer is told if the network takes that at once. */
  #expel(body: Uint8Array): void {
    this.#reader.stop();
    this.#compressing = undefined;
    if (this.#state === "open" && this.#socket.writable && this.#socket.writableLength === 0)
      this.#socket.end(this.#finish(body));
    else this.#abort();
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

  pong(): void {
    this.#listener?.heard();
  }

  /** The peer's close frame. It is answered in its own words, unless it is itself the answer. */
  goodbye(body: Buffer): void {
    // What the app has answered to messages of the same read goes first.
    this.#caughtUp();
    const answer = this.#finish(body);
    // The server must close first; nothing more may come that this could cut off.
    this.#socket.once("finish", destroy);
    this.#socket.end(answer);
    if (isLoss(closeCode(body) ?? NO_CODE)) this.#lose();
    else this.#end("transport close");
  }

  violation(code: CloseCode, what: string): void {
    if (code === 1009 && this.#first === "short") {
      this.#sink?.frame(this, "");
      return;
    }
    this.#caughtUp();
    // The peer may be sending still. What comes is read and dropped: a reset could reach it before the close frame does.
    const cause = new TransportError(code === 1009 ? "ERR_PACKET_TOO_LARGE" : "ERR_TRANSPORT_FAILED", what);
    this.#socket.end(this.#finish(closeBody(closeWords("goodbye", cause) ?? { code, text: "" })));
    this.#end("transport error", cause);
  }

  hold(held: boolean): void {
    if (held) this.#socket.pause();
    else if (this.#socket.closed) this.#gone();
    else this.#socket.resume();
    this.#tellGathered();
  }

  #sendDeflated(packets: readonly EncodedPacket[], { deflater }: AgreedDeflate): void {
    const batch = this.#base64 ? packets.flatMap(inBase64) : packets;
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
    if (this.#reader.pending) this.#sink?.progress?.(this, chunk.length);
    this.#tellGathered();
  }

  #tellGathered(): void {
    const gathered = this.#reader.heldBytes;
    if (gathered === this.#gathered) return;
    this.#gathered = gathered;
    this.#watcher?.holds?.(this);
  }

  #caughtUp(): void {
    if (this.writable) this.#sink?.writable(this);
  }

  #closed(): void {
    this.#state = "over";
    this.#listener?.stop();
    if (this.#deadline !== undefined) this.#terms.clock.clearTimer(this.#deadline);
    // What has come before is handled first, unless nobody wants it.
    if (this.#sink === undefined || !this.#reader.waits) this.#gone();
  }

  #gone(): void {
    this.#reader.stop();
    this.#lose();
    const watcher = this.#watcher;
    this.#watcher = undefined;
    watcher?.holds?.(this);
  }

  /** Nobody said goodbye. */
  #lose(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.ended(this, "lost", "transport close");
  }

  #end(reason: CloseReason, cause?: Error): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.ended(this, "closed", reason, cause);
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
    if (this.#deadline !== undefined || this.#socket.closed) return;
    this.#deadline = this.#terms.clock.setTimer(() => this.#abort(), CLOSING_MS);
    this.#terms.closing?.(this.#socket, () => this.#abort());
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
