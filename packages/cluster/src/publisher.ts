import type { FrameFormat, Kind } from "./frame.js";
import type { Outbox } from "./outbox.js";
import { isNumbered } from "./topics.js";

/** Numbers what this node says, so that others see what they lack of it. */
export class Publisher {
  readonly #format: FrameFormat;
  readonly #outbox: Outbox;
  /** The last message of each numbered topic. */
  readonly #numbers = new Map<string, number>();
  #seq = 0;

  constructor(format: FrameFormat, outbox: Outbox) {
    this.#format = format;
    this.#outbox = outbox;
  }

  nextSeq(): number {
    return ++this.#seq;
  }

  /** One message, for all of these topics of a group; who hears several of them gets it once. */
  publish(topics: readonly string[], kind: Kind, body: Uint8Array): void {
    if (topics.length === 0) return;
    const seq = this.nextSeq();
    for (const topic of topics) {
      const numbered = isNumbered(topic);
      const previous = numbered ? (this.#numbers.get(topic) ?? 0) : 0;
      if (numbered) this.#numbers.set(topic, seq);
      this.#outbox.put(topic, this.#format.message({ seq, previous, kind, body }));
    }
  }

  /** A node has left for good: nothing is said to it any more. */
  forget(node: string): void {
    for (const topic of this.#numbers.keys()) if (topic.endsWith(`@${node}`)) this.#numbers.delete(topic);
  }
}
