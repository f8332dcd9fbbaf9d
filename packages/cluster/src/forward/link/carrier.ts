import type { Duplex } from "node:stream";
import { afterTurn } from "@sockeye/protocol";
import { changeHead, FrameReader, LAST, LinkFrame, type ReadFrame, writeFrame } from "./frames.js";

/** The most bytes of one stream that one turn puts into one frame. */
const MERGED_BYTES = 65_536;
const NOTHING = new Uint8Array();

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
  /** The last frame of that, if it is one of data to which more may be added. */
  #open: { readonly stream: number; readonly head: Uint8Array; bytes: number } | undefined;
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
    const open = this.#open;
    const isData = (type & ~LAST) === LinkFrame.DATA;
    if (isData && open?.stream === stream && open.bytes + body.length <= MERGED_BYTES) {
      // A body that a client cuts into single bytes is no frame for each.
      open.bytes += body.length;
      if (body.length > 0) this.#out.push(body);
      changeHead(open.head, type, open.bytes);
      if (type !== LinkFrame.DATA) this.#open = undefined;
      return;
    }
    const [head = NOTHING, ...rest] = writeFrame(type, stream, body);
    this.#out.push(head, ...rest);
    this.#open = type === LinkFrame.DATA ? { stream, head, bytes: body.length } : undefined;
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
    this.#open = undefined;
    if (!this.#isClosed && out.length > 0)
      this.#socket.write(out.length === 1 ? (out[0] ?? "") : Buffer.concat(out));
  }
}
