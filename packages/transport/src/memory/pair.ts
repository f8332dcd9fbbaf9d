import type {
  Clock,
  CloseReason,
  EncodedPacket,
  Frame,
  PipeClose,
  PipeEnd,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import { afterTurn } from "@sockeye/protocol";

export interface MemoryOptions {
  /** What both ends call themselves. Default `memory`. */
  readonly name?: string | undefined;
  /**
   * Delivers by `clock.defer`, so that a manual clock decides when something arrives. Without one, what is sent in a
   * turn of the event loop arrives at its end (Node.js) or at the end of the task (elsewhere).
   */
  readonly clock?: Pick<Clock, "defer"> | undefined;
  /** Keeps all that is sent in {@link MemoryPair.traffic}. Default false, since that grows for as long as the pair lives. */
  readonly record?: boolean | undefined;
}

/** One thing that an end did: it sent a frame, or it closed. */
export type MemoryTraffic =
  | { readonly from: "a" | "b"; readonly frame: Frame }
  | { readonly from: "a" | "b"; readonly close: PipeClose };

/** One end of the pair, with controls that play the network. */
export interface MemoryTransport extends Transport {
  /** As when the network is behind: not writable until {@link release}. */
  hold(): void;
  /** Undoes {@link hold} and tells the sink. */
  release(): void;
  /** As in a dead network: nothing that this end sends from now on arrives, not even its close. */
  drop(): void;
  /**
   * Breaks the pipe for this end: what was on its way to it is lost, and its sink is told in the next delivery. The peer
   * hears nothing of it.
   */
  cut(reason?: CloseReason, cause?: Error): void;
}

export interface MemoryPair {
  readonly a: MemoryTransport;
  readonly b: MemoryTransport;
  /** What both ends sent, in order of sending; empty unless `record` is set. */
  readonly traffic: readonly MemoryTraffic[];
  /** Breaks the pipe for both ends, which is a loss; the default reason is `transport error`. */
  cut(reason?: CloseReason, cause?: Error): void;
}

/**
 * Two linked pipes: what one end sends, the other receives, in order and never within the call to `send`. The bytes are
 * handed over as they are, not copied. For tests, and for a client and a server in one process.
 */
export function memoryPair(options: MemoryOptions = {}): MemoryPair {
  return new Pair(options);
}

class Pair implements MemoryPair {
  readonly a: MemoryEnd;
  readonly b: MemoryEnd;
  readonly traffic: MemoryTraffic[] = [];
  readonly #defer: (callback: () => void) => void;
  readonly #record: boolean;

  constructor({ name = "memory", clock, record = false }: MemoryOptions) {
    this.#defer = clock === undefined ? laterInThisTurn : (callback) => clock.defer(callback);
    this.#record = record;
    this.a = new MemoryEnd(name, "a", this);
    this.b = new MemoryEnd(name, "b", this);
  }

  cut(reason?: CloseReason, cause?: Error): void {
    this.a.cut(reason, cause);
    this.b.cut(reason, cause);
  }

  peerOf(end: MemoryEnd): MemoryEnd {
    return end === this.a ? this.b : this.a;
  }

  record(entry: MemoryTraffic): void {
    if (this.#record) this.traffic.push(entry);
  }

  defer(callback: () => void): void {
    this.#defer(callback);
  }
}

/** The end of a pipe, as it stands in the line of arriving frames. */
interface End {
  readonly how: PipeEnd;
  readonly reason: CloseReason;
  readonly cause: Error | undefined;
}

class MemoryEnd implements MemoryTransport {
  readonly #pair: Pair;
  #sink: TransportSink | undefined;
  #state: "ready" | "held" | "broken" | "closed" = "ready";
  #dropping = false;
  #paused = false;
  /** What is on its way to this end, oldest first. */
  #arriving: (Frame | End)[] = [];

  constructor(
    readonly name: string,
    readonly side: "a" | "b",
    pair: Pair,
  ) {
    this.#pair = pair;
  }

  get writable(): boolean {
    return this.#state === "ready" && !this.#paused;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    for (const packet of batch) {
      this.#carry(packet.head);
      for (const attachment of packet.attachments) this.#carry(attachment);
    }
  }

  // Nothing is ever under way that this end could wait for; only the promise not to write is kept.
  pause(done: () => void): void {
    this.#paused = true;
    done();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#tellWritable();
  }

  close(how: PipeClose): void {
    if (this.#state === "closed") return;
    this.#end();
    this.#pair.record({ from: this.side, close: how });
    if (this.#dropping) return;
    const end = how === "goodbye" ? "closed" : "lost";
    this.#pair.peerOf(this).arrive({ how: end, reason: "transport close", cause: undefined });
  }

  hold(): void {
    if (this.#state === "ready") this.#state = "held";
  }

  release(): void {
    if (this.#state !== "held") return;
    this.#state = "ready";
    this.#tellWritable();
  }

  drop(): void {
    this.#dropping = true;
  }

  cut(reason: CloseReason = "transport error", cause?: Error): void {
    if (this.#state === "closed") return;
    this.#state = "broken";
    this.arrive({ how: "lost", reason, cause });
  }

  arrive(item: Frame | End): void {
    if (this.#arriving.push(item) === 1) this.#pair.defer(this.#deliver);
  }

  #carry(frame: Frame): void {
    this.#pair.record({ from: this.side, frame });
    if (!this.#dropping) this.#pair.peerOf(this).arrive(frame);
  }

  readonly #deliver = (): void => {
    const arrived = this.#arriving;
    this.#arriving = [];
    for (const item of arrived) {
      const sink = this.#sink;
      if (sink === undefined) return;
      if (typeof item === "string" || item instanceof Uint8Array) {
        if (this.#state !== "broken") sink.frame(this, item);
      } else {
        this.#end();
        sink.ended(this, item.how, item.reason, item.cause);
      }
    }
  };

  #tellWritable(): void {
    if (this.writable) this.#sink?.writable(this);
  }

  #end(): void {
    this.#state = "closed";
    this.#sink = undefined;
  }
}

const laterInThisTurn: (callback: () => void) => void = (callback) => void afterTurn(callback);
