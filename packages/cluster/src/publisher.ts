import { type FrameFormat, Kind } from "./frame.js";
import { MAX_NUMBERS, pack, type TopicNumbers } from "./introduction.js";
import type { Outbox } from "./outbox.js";
import { isFor, isNumbered } from "./topics.js";

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

  /** The last message of each numbered topic that a node hears, unless there are too many. */
  numbersFor(node: string): TopicNumbers | undefined {
    const numbers = [...this.#numbers].filter(([topic]) => isFor(topic, node));
    return numbers.length > MAX_NUMBERS ? undefined : new Map(numbers);
  }

  /** The goodbye that an engine says for a node that has died. */
  testament(topic: string): Uint8Array {
    const message = { seq: Number.MAX_SAFE_INTEGER, previous: 0, kind: Kind.BYE, body: pack([]) };
    return this.#format.frame(topic, [this.#format.message(message)]);
  }

  /** A node has left for good: nothing is said to it any more. */
  forget(node: string): void {
    for (const topic of this.#numbers.keys()) if (topic.endsWith(`@${node}`)) this.#numbers.delete(topic);
  }
}
