import type { IncomingMessage } from "node:http";
import type {
  CloseReason,
  Codec,
  Decoder,
  EncodedPacket,
  Frame,
  Packet,
  RawMessage,
  SessionObserver,
  SessionState,
  Transport,
} from "@sockeye/protocol";
import type { SessionSink } from "@sockeye/session";
import type { Conversation } from "./conversation.js";

/** A connection of another engine: what engine.io's `Socket` has, and engines written after it. */
export interface ForeignSocket {
  readonly id: string;
  readonly protocol?: number;
  readonly request: IncomingMessage;
  readonly readyState: string;
  readonly upgraded?: boolean;
  readonly transport: { readonly name: string; readonly writable: boolean };
  on(event: "data", listener: (data: Frame) => void): unknown;
  on(event: "close", listener: (reason: CloseReason, description?: unknown) => void): unknown;
  on(event: "error", listener: () => void): unknown;
  send(data: RawMessage, options: { compress: boolean }): unknown;
  close(discard?: boolean): unknown;
}

/** A session that another engine carries: this side only encodes, decodes and passes on. */
export class ForeignSession implements Conversation {
  observer: SessionObserver | undefined = undefined;
  readonly #socket: ForeignSocket;
  readonly decoder: Decoder;
  readonly #sink: SessionSink;
  #ended: "no" | "yes" = "no";

  constructor(socket: ForeignSocket, codec: Pick<Codec, "decoder">, sink: SessionSink) {
    this.#socket = socket;
    this.decoder = codec.decoder();
    this.#sink = sink;
    socket.on("data", (data) => this.#receive(data));
    socket.on("close", (reason, description) => {
      this.#end(reason, description instanceof Error ? description : undefined);
    });
    // An engine may emit it; `close` follows and says why.
    socket.on("error", () => {});
  }

  get id(): string {
    return this.#socket.id;
  }

  get state(): SessionState {
    return this.#ended === "yes" || this.#socket.readyState !== "open" ? "closed" : "open";
  }

  /** The engine's own transport; only its name and whether it is writable may be asked. */
  get transport(): Transport {
    return this.#socket.transport as Transport;
  }

  get upgraded(): boolean {
    return this.#socket.upgraded === true;
  }

  get ready(): boolean {
    return this.state === "open" && this.#socket.transport.writable;
  }

  /** The other engine's queue is its own. */
  get bufferedBytes(): number {
    return 0;
  }

  drained(): Promise<boolean> {
    return Promise.resolve(this.state === "open");
  }

  send({ head, attachments, compress }: EncodedPacket): void {
    if (this.state !== "open") return;
    // The engine puts on its own envelope.
    this.sendMessage(typeof head === "string" ? head.slice(1) : head, compress);
    for (const bytes of attachments) this.sendMessage(bytes, compress);
  }

  sendMessage(data: RawMessage, compress: boolean): void {
    this.#socket.send(data, { compress });
  }

  close(reason: CloseReason = "forced close"): void {
    this.#end(reason, undefined);
    this.#socket.close();
  }

  terminate(reason: CloseReason): void {
    this.#end(reason, undefined);
    this.#socket.close(true);
  }

  #receive(data: Frame): void {
    if (this.#ended === "yes") return;
    let packet: Packet | undefined;
    try {
      packet = this.decoder.write(data);
    } catch (error) {
      this.#end("parse error", error as Error);
      this.#socket.close();
      return;
    }
    if (packet === undefined || typeof data !== "string") this.#sink.holds?.();
    if (packet) this.#sink.packet(packet);
  }

  #end(reason: CloseReason, cause: Error | undefined): void {
    if (this.#ended === "yes") return;
    this.#ended = "yes";
    this.decoder.close?.();
    this.#sink.closed(reason, cause);
    this.#sink.holds?.();
    this.observer?.onClose(reason, cause);
  }
}
