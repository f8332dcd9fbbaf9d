import { ChunkFrameDecoder, encodeChunkFrames } from "@sockeye/codec/chunk-frames";
import {
  type CloseReason,
  EncodedPacket,
  type Frame,
  type PipeClose,
  type PipeEnd,
  startTimer,
  stopTimer,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { MOVED } from "./close-codes.js";
import type { SessionCloseInfo, WebTransportSession, WebTransportStream } from "./webtransport-like.js";

/** How long a peer may take to answer a goodbye by ending the session; stock peers wait for us. */
const GOODBYE_MS = 1000;

/** No bytes, in base64. Stock peers take a length of 0 for an error. */
const NO_BYTES = "b";

export interface WebTransportPipeOptions {
  /** Bytes of one frame that the peer may send. */
  readonly maxFrameBytes: number;
  /** Who reports to the sink, if it is not the pipe itself. */
  readonly from?: Transport | undefined;
  /** Hands frames on, in order: all at once, or over some time, and then the promise says when. Left out: at once. */
  readonly pace?: Pace | undefined;
}

export type Pace = (frames: Frame[], hand: (frame: Frame) => void) => Promise<void> | undefined;

/**
 * Frames on one stream of a WebTransport session: what both ends share. It is writable for as long as the stream takes
 * more, so what a session sends while the network is behind leaves in one write.
 *
 * @see PROTOCOL.md, "WebTransport"
 */
export class WebTransportPipe implements Transport {
  readonly name = "webtransport";
  unread = false;
  readonly #pace: Pace | undefined;
  readonly #from: Transport;
  readonly #session: WebTransportSession;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #decoder: ChunkFrameDecoder;
  /** Nobody after the end, so that nothing more is reported. */
  #sink: TransportSink | undefined;
  /** `leaving`: our stream has ended, and the peer may not have read all of it yet. */
  #state: "open" | "leaving" | "closed" = "open";
  /** Bytes of the batch that the stream does not take at once. */
  #unwritten = 0;
  #goodbye: ReturnType<typeof setTimeout> | undefined;

  constructor(
    session: WebTransportSession,
    { readable, writable }: WebTransportStream,
    { maxFrameBytes, from, pace }: WebTransportPipeOptions,
  ) {
    this.#from = from ?? this;
    this.#pace = pace;
    this.#session = session;
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#decoder = new ChunkFrameDecoder(maxFrameBytes, "illegal");
    const broken = (error: unknown): void => this.#broken(error);
    this.#writer.closed.catch(broken);
    this.#read().catch(broken);
    session.closed.then(
      (info) => this.#end(isMoved(info) ? "lost" : "closed", "transport close"),
      (error) => this.#end("lost", "transport error", error),
    );
  }

  get writable(): boolean {
    // The size is null if the stream is broken.
    return this.#state === "open" && Number(this.#writer.desiredSize) > 0;
  }

  get bufferedBytes(): number {
    return this.#sink === undefined ? 0 : this.#unwritten;
  }

  get gatheredBytes(): number {
    return this.#sink === undefined ? 0 : this.#decoder.heldBytes;
  }

  /** Frames that begin from now on may have so many bytes. */
  allow(maxFrameBytes: number): void {
    this.#decoder.maxBytes = maxFrameBytes;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    // The stream itself tells if it fails.
    const bytes = encodeChunkFrames(batch.map(presentable));
    this.#writer.write(bytes).catch(ignore);
    if (this.writable) return;
    this.#unwritten = bytes.length;
    this.#writer.ready.then(() => this.#tellWritable(), ignore);
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  /**
   * Closing a session throws away what is on its way. So a goodbye ends only our stream: the peer closes the session
   * when it has read all of it. One who does not is not waited for long.
   */
  close(how: PipeClose): void {
    this.#sink = undefined;
    if (how === "moved") {
      this.#dispose({ closeCode: MOVED, reason: "" });
    } else if (how === "dead" || how === "shed") {
      this.#dispose();
    } else if (this.#state === "open") {
      this.#state = "leaving";
      this.#writer.close().catch(ignore);
      this.#goodbye = startTimer(() => this.#dispose(), GOODBYE_MS);
    }
  }

  async #read(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) break;
      const rest = this.#sink && this.#chunk(value);
      if (rest) {
        this.unread = true;
        await rest;
        this.unread = false;
      }
    }
    this.#end("closed", "transport close");
  }

  #chunk(chunk: Uint8Array): Promise<void> | undefined {
    let frames: Frame[];
    try {
      frames = this.#decoder.write(chunk);
    } catch (error) {
      this.#end("closed", "parse error", error);
      return undefined;
    }
    // The sink may change, or go, with any of them.
    const hand = (frame: Frame): void =>
      this.#sink?.frame(this.#from, frame === NO_BYTES ? new Uint8Array(0) : frame);
    const handled = this.#pace?.(frames, hand);
    if (this.#pace === undefined) frames.forEach(hand);
    this.#sink?.holds?.(this.#from);
    if (this.#decoder.pending) this.#sink?.progress?.(this.#from, chunk.length);
    return handled;
  }

  #tellWritable(): void {
    this.#unwritten = 0;
    if (this.writable) this.#sink?.writable(this.#from);
  }

  /** Streams break with their session, too, which then says itself how it ended. */
  #broken(error: unknown): void {
    if ((error as { source?: unknown } | undefined)?.source !== "session")
      this.#end("lost", "transport error", error);
  }

  #end(how: PipeEnd, reason: CloseReason, error?: unknown): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#dispose();
    sink?.ended(
      this.#from,
      how,
      reason,
      reason === "parse error" ? (error as Error) : failure(reason, error),
    );
  }

  #dispose(info?: SessionCloseInfo): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    stopTimer(this.#goodbye);
    // Its streams end with it.
    endSession(this.#session, info);
    this.#reader.releaseLock();
    this.#writer.releaseLock();
  }
}

/** Ends a session in whatever state it is; some implementations throw if it has ended. */
export function endSession(session: WebTransportSession, info?: SessionCloseInfo): void {
  try {
    session.close(info);
  } catch {}
}

/** The same packet without frames of length 0. */
function presentable(packet: EncodedPacket): EncodedPacket {
  const frames = [packet.head, ...packet.attachments];
  if (frames.every(({ length }) => length > 0)) return packet;
  const [head, ...rest] = frames.map((frame) => (frame.length > 0 ? frame : NO_BYTES));
  // An attachment may be text then; in a stream they are frames like all others.
  return new EncodedPacket(head as Frame, rest as Uint8Array[]);
}

function isMoved(info: unknown): boolean {
  return (info as Partial<SessionCloseInfo> | undefined)?.closeCode === MOVED;
}

function failure(reason: CloseReason, error: unknown): TransportError {
  const text = reason === "transport close" ? "webtransport connection closed" : "webtransport error";
  return new TransportError("ERR_TRANSPORT_FAILED", text, error);
}

function ignore(): void {}
