import type { ServerResponse } from "node:http";
import type { Clock, EncodedPacket, Timer } from "@sockeye/protocol";
import type { Chunk, StreamWriting } from "./stream-format.js";

/** Who is told of what happens to a response. */
export interface StreamResponseOwner {
  /** All that was written has left: there is room again, or it was the end. */
  drained(response: StreamResponse): void;
  /** The client or the network ended it before its end. */
  gone(response: StreamResponse): void;
  /** The client has not read for as long as it may; the response was broken off. */
  late(response: StreamResponse): void;
}

export interface StreamResponseOptions {
  readonly clock: Clock;
  /** How long nothing of what was written may leave, in ms. */
  readonly writeTimeoutMs: number;
}

/**
 * What is handed to the network at once. Node.js says when a write has left as a whole and nothing before that, so a large
 * one goes in pieces: a slow reader is told from one that does not read.
 */
const PIECE_BYTES = 32_768;

/**
 * One long response, from its prelude to its end. It is behind while the network does not take what was written; then, and
 * until its end has got through, each piece has a deadline.
 */
export class StreamResponse {
  /** Bytes, without the headers. */
  written = 0;
  readonly #res: ServerResponse;
  readonly #writing: StreamWriting;
  readonly #owner: StreamResponseOwner;
  readonly #options: StreamResponseOptions;
  #state: "ready" | "behind" | "ending" | "over" = "ready";
  /** What the network is not handed yet. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #deadline: Timer | undefined;
  /** Of something that is written later on. */
  #later: Timer | undefined;

  constructor(
    res: ServerResponse,
    writing: StreamWriting,
    owner: StreamResponseOwner,
    options: StreamResponseOptions,
  ) {
    this.#res = res;
    this.#writing = writing;
    this.#owner = owner;
    this.#options = options;
    res.on("drain", () => this.#drained());
    res.on("finish", () => this.#finished());
    res.on("close", () => this.#closed());
    res.on("error", ignore);
    // A stream of HTTP/2 has no socket of its own.
    if (res.req.httpVersionMajor === 1) res.socket?.setNoDelay(true);
    this.#write(writing.prelude);
  }

  /** Was it not ended yet? */
  get isOpen(): boolean {
    return this.#state === "ready" || this.#state === "behind";
  }

  /** Has it ended, and got through or failed? */
  get isOver(): boolean {
    return this.#state === "over";
  }

  get writable(): boolean {
    return this.#state === "ready";
  }

  /** What was written and the network has not taken. */
  get bufferedBytes(): number {
    return this.#state === "over" ? 0 : this.#res.writableLength + this.#restBytes;
  }

  send(packets: readonly EncodedPacket[]): void {
    if (this.isOpen) this.#write(this.#writing.encode(packets));
  }

  /** Sends after a while, unless the response has ended by then. Once. */
  sendLater(packets: readonly EncodedPacket[], delayMs: number): void {
    this.#later = this.#options.clock.setTimer(() => this.send(packets), delayMs);
  }

  /** Sends the last packets. */
  end(packets: readonly EncodedPacket[]): void {
    if (!this.isOpen) return;
    this.send(packets);
    this.#state = "ending";
    this.#options.clock.clearTimer(this.#later);
    this.#expect();
    if (this.#restBytes === 0) this.#res.end(this.#writing.epilogue);
  }

  /** Ends it without a last packet. The owner is not told. */
  breakOff(): void {
    if (this.isOpen) this.cut();
  }

  /** The same, also if the last packet is on its way. */
  cut(): void {
    this.#leave();
    this.#res.destroy();
  }

  #write(chunk: Chunk): void {
    const bytes = Buffer.byteLength(chunk);
    this.written += bytes;
    if (this.#restBytes > 0 || bytes > PIECE_BYTES) {
      this.#rest.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
      this.#restBytes += bytes;
      if (this.#state === "ready") this.#writePieces();
    } else if (!this.#res.write(chunk)) {
      this.#behind();
    }
  }

  /** As many as the network takes. */
  #writePieces(): void {
    let hasRoom = true;
    while (hasRoom && this.#restBytes > 0) {
      const piece = this.#nextPiece();
      this.#restBytes -= piece.length;
      hasRoom = this.#res.write(piece);
    }
    if (this.#state === "ending") {
      if (this.#restBytes === 0) this.#res.end(this.#writing.epilogue);
    } else if (!hasRoom) {
      this.#behind();
    } else if (this.#state === "behind") {
      this.#caughtUp();
    }
  }

  #nextPiece(): Uint8Array {
    const [chunk = new Uint8Array()] = this.#rest;
    if (chunk.length > PIECE_BYTES) this.#rest[0] = chunk.subarray(PIECE_BYTES);
    else this.#rest.shift();
    return chunk.subarray(0, PIECE_BYTES);
  }

  #behind(): void {
    if (this.#state !== "ready") return;
    this.#state = "behind";
    this.#expect();
  }

  #drained(): void {
    if (this.#state === "over") return;
    if (this.#restBytes > 0) {
      this.#expect();
      this.#writePieces();
    } else if (this.#state === "behind") {
      this.#caughtUp();
    }
  }

  #caughtUp(): void {
    this.#state = "ready";
    this.#options.clock.clearTimer(this.#deadline);
    this.#owner.drained(this);
  }

  #finished(): void {
    // HTTP/2 says so of a stream that broke off as well.
    if (this.#state !== "ending" || this.#restBytes > 0) return;
    this.#leave();
    this.#owner.drained(this);
  }

  #closed(): void {
    if (this.#state === "over") return;
    this.#leave();
    this.#owner.gone(this);
  }

  /** Sets the deadline again. */
  #expect(): void {
    const { clock, writeTimeoutMs } = this.#options;
    clock.clearTimer(this.#deadline);
    this.#deadline = clock.setTimer(() => {
      this.#leave();
      this.#res.destroy();
      this.#owner.late(this);
    }, writeTimeoutMs);
  }

  #leave(): void {
    this.#state = "over";
    this.#rest = [];
    this.#restBytes = 0;
    this.#options.clock.clearTimer(this.#deadline);
    this.#options.clock.clearTimer(this.#later);
  }
}

function ignore(): void {}
