import type { ServerResponse } from "node:http";
import type { Clock, EncodedPacket, Timer } from "@sockeye/protocol";
import type { Chunk, StreamWriting } from "./stream-format.js";

/** Who is told of what happens to a response. */
export interface StreamResponseOwner {
  /** All that was written has left: there is room again. */
  drained(response: StreamResponse): void;
  /** The client or the network ended it before its end. */
  gone(response: StreamResponse): void;
  /** The client has not read for as long as it may; the response was broken off. */
  late(response: StreamResponse): void;
}

export interface StreamResponseOptions {
  readonly clock: Clock;
  /** How long the client may leave unread what was written, in ms. */
  readonly writeTimeoutMs: number;
}

/**
 * One long response, from its prelude to its end. It is behind while the network does not take what was written; that
 * and an end that does not get through have a deadline.
 */
export class StreamResponse {
  /** Bytes, without the headers. */
  written = 0;
  readonly #res: ServerResponse;
  readonly #writing: StreamWriting;
  readonly #owner: StreamResponseOwner;
  readonly #options: StreamResponseOptions;
  #state: "ready" | "behind" | "ending" | "over" = "ready";
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

  get writable(): boolean {
    return this.#state === "ready";
  }

  /** What was written and the network has not taken. */
  get bufferedBytes(): number {
    return this.#res.writableLength;
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
    this.#res.end(this.#writing.epilogue);
  }

  #write(chunk: Chunk): void {
    this.written += Buffer.byteLength(chunk);
    if (this.#res.write(chunk) || this.#state === "behind") return;
    this.#state = "behind";
    this.#expect();
  }

  #drained(): void {
    if (this.#state !== "behind") return;
    this.#state = "ready";
    this.#options.clock.clearTimer(this.#deadline);
    this.#owner.drained(this);
  }

  #finished(): void {
    // HTTP/2 says so of a stream that broke off as well.
    if (this.#state === "ending") this.#leave();
  }

  #closed(): void {
    if (this.#state === "over") return;
    this.#leave();
    this.#owner.gone(this);
  }

  /** Sets the deadline anew. */
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
    this.#options.clock.clearTimer(this.#deadline);
    this.#options.clock.clearTimer(this.#later);
  }
}

function ignore(): void {}
