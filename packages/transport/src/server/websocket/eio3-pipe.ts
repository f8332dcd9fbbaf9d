import { unwrapFrame, wrapBase64, wrapBytes } from "@sockeye/codec/eio3";
import {
  type CloseReason,
  EncodedPacket,
  type Frame,
  type PipeClose,
  type Transport,
  type TransportSink,
} from "@sockeye/protocol";

/**
 * A pipe to a client of protocol revision 3, over one that carries a frame at a time. Only frames of bytes differ: they
 * are marked on the way out, and lose their mark on the way in, so that a session sees the frames that it knows. Pipes of
 * revision 4 have nothing of this.
 *
 * @see PROTOCOL.md, "Revision 3"
 */
export class Eio3Pipe implements Transport {
  readonly name: string;
  readonly #pipe: Transport;
  readonly #inner: TransportSink;
  readonly #mark: (bytes: Uint8Array) => Frame;
  #sink: TransportSink | undefined;
  /** The last sink: told of what is held, after the end as well. */
  #watcher: TransportSink | undefined;

  /** @param asked does the client want bytes as they are, or as base64 text? */
  constructor(pipe: Transport, asked: "bytes" | "base64") {
    this.name = pipe.name;
    this.#pipe = pipe;
    this.#mark = asked === "base64" ? wrapBase64 : wrapBytes;
    this.#inner = this.#fromPipe();
    pipe.bind(this.#inner);
  }

  get writable(): boolean {
    return this.#pipe.writable;
  }

  get bufferedBytes(): number {
    return this.#pipe.bufferedBytes ?? 0;
  }

  get gatheredBytes(): number {
    return this.#pipe.gatheredBytes ?? 0;
  }

  get unread(): boolean {
    return this.#pipe.unread === true;
  }

  bind(sink: TransportSink): void {
    // The pipe is told that it has come to its session.
    if (this.#watcher !== undefined) this.#pipe.bind(this.#inner);
    this.#sink = sink;
    this.#watcher = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    this.#pipe.send(batch.flatMap((packet) => this.#marked(packet)));
  }

  pause(done: () => void): void {
    this.#pipe.pause(done);
  }

  resume(): void {
    this.#pipe.resume();
  }

  close(how: PipeClose, cause?: Error): void {
    this.#sink = undefined;
    this.#pipe.close(how, cause);
  }

  #fromPipe(): TransportSink {
    return {
      frame: (_from, frame) => this.#receive(frame),
      progress: (_from, bytes) => this.#sink?.progress?.(this, bytes),
      writable: () => this.#sink?.writable(this),
      // This revision does not count, so a loss is an end like any other.
      ended: (_from, _how, reason, cause) => this.#end(reason, cause),
      holds: () => this.#watcher?.holds?.(this),
    };
  }

  #receive(frame: Frame): void {
    let unmarked: Frame;
    try {
      unmarked = unwrapFrame(frame);
    } catch (error) {
      this.#pipe.close("goodbye");
      this.#end("parse error", error as Error);
      return;
    }
    this.#sink?.frame(this, unmarked);
  }

  #end(reason: CloseReason, cause: Error | undefined): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.ended(this, "closed", reason, cause);
  }

  #marked(packet: EncodedPacket): readonly EncodedPacket[] {
    const { head, attachments, compress } = packet;
    if (typeof head === "string" && attachments.length === 0) return [packet];
    return [head, ...attachments].map((frame) => {
      return new EncodedPacket(typeof frame === "string" ? frame : this.#mark(frame), undefined, compress);
    });
  }
}
