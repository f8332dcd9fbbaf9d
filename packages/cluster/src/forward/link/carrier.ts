import type { Duplex } from "node:stream";
import { afterTurn } from "@sockeye/protocol";
import { FrameReader, type ReadFrame, writeFrame } from "./frames.js";

/** What a {@link Carrier} tells. */
export interface CarrierSink {
  /** @throws ClusterError `ERR_CLUSTER_INPUT` the link ends then */
  frame(frame: ReadFrame): void;
  /** All that came together was told. */
  turn?(): void;
  /** Once. Nothing comes any more, and nothing leaves. */
  closed(): void;
}

/** Frames over one connection between two nodes. What is sent in a turn of the event loop leaves in one write. */
export class Carrier {
  readonly #socket: Duplex;
  #out: Uint8Array[] = [];
  #isClosed = false;

  /** @param head what came right behind the request to upgrade */
  constructor(socket: Duplex, head: Buffer, sink: CarrierSink) {
    this.#socket = socket;
    const reader = new FrameReader();
    const take = (chunk: Buffer): void => {
      try {
        for (const frame of reader.read(chunk)) if (!this.#isClosed) sink.frame(frame);
        if (!this.#isClosed) sink.turn?.();
      } catch {
        // No node of ours breaks the rules of the link.
        this.close();
      }
    };
    if (head.length > 0) socket.unshift(head);
    socket.on("data", take);
    socket.on("error", () => {});
    socket.on("end", () => this.close());
    socket.once("close", () => {
      this.#isClosed = true;
      sink.closed();
    });
  }

  send(type: number, stream: number, body: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#out.length === 0) afterTurn(() => this.#flush());
    this.#out.push(...writeFrame(type, stream, body));
  }

  /** Ends it behind what was sent. */
  end(): void {
    this.#flush();
    this.#isClosed = true;
    this.#socket.end(() => this.#socket.destroy());
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #flush(): void {
    const out = this.#out;
    this.#out = [];
    if (!this.#isClosed && out.length > 0)
      this.#socket.write(out.length === 1 ? (out[0] ?? "") : Buffer.concat(out));
  }
}
