import type { Bus, Clock } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import { FrameFormat } from "./frame.js";

/** Bytes that wait while the bus is down. */
const MAX_WAITING_BYTES = 1_048_576;
/** How long they do. */
const MAX_WAITING_MS = 2_000;

export interface OutboxTerms {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly format: FrameFormat;
  /** A message could not be sent. */
  failed(error: ClusterError): void;
}

interface Waiting {
  readonly topic: string;
  readonly message: Uint8Array;
  readonly at: number;
}

/**
 * What leaves for other nodes: of one turn together, in the order in which it was put here. While the bus is down it waits, within
 * bounds; beyond them the oldest is dropped.
 */
export class Outbox {
  readonly #terms: OutboxTerms;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #isUp = false;
  #isScheduled = false;
  #dropped = 0;
  #droppedBefore = 0;

  constructor(terms: OutboxTerms) {
    this.#terms = terms;
  }

  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Messages that were dropped since it began. */
  get droppedCount(): number {
    return this.#dropped;
  }

  put(topic: string, message: Uint8Array): void {
    const { bus, clock, failed } = this.#terms;
    if (message.length + FrameFormat.OVERHEAD > bus.maxBytes) {
      const text = `a message of ${message.length} bytes for other nodes exceeds the ${bus.maxBytes} that the bus takes`;
      failed(new ClusterError("ERR_BUS_TOO_LARGE", text));
      return;
    }
    this.#waiting.push({ topic, message, at: clock.now() });
    this.#bytes += message.length;
    if (!this.#isUp) this.#bound();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      clock.defer(() => {
        this.#isScheduled = false;
        this.flush();
      });
    }
  }

  down(): void {
    if (this.#isUp) this.#droppedBefore = this.#dropped;
    this.#isUp = false;
  }

  /** @returns how many messages were dropped since it went down */
  up(): number {
    this.#dropOlderThan(this.#terms.clock.now() - MAX_WAITING_MS);
    this.#isUp = true;
    return this.#dropped - this.#droppedBefore;
  }

  /** Writes what waits, neighbours for the same topic in one frame. */
  flush(): void {
    if (!this.#isUp) return;
    const { bus, format } = this.#terms;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    let frame: Uint8Array[] = [];
    let bytes = FrameFormat.OVERHEAD;
    waiting.forEach(({ topic, message }, index) => {
      frame.push(message);
      bytes += message.length;
      const next = waiting[index + 1];
      if (next?.topic === topic && bytes + next.message.length <= bus.maxBytes) return;
      bus.publish(topic, format.frame(topic, frame));
      frame = [];
      bytes = FrameFormat.OVERHEAD;
    });
  }

  #bound(): void {
    this.#dropOlderThan(this.#terms.clock.now() - MAX_WAITING_MS);
    while (this.#bytes > MAX_WAITING_BYTES) this.#dropFirst();
  }

  #dropOlderThan(time: number): void {
    while (this.#waiting[0] && this.#waiting[0].at < time) this.#dropFirst();
  }

  #dropFirst(): void {
    const first = this.#waiting.shift();
    if (!first) return;
    this.#bytes -= first.message.length;
    this.#dropped += 1;
  }
}
