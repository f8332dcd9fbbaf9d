import type { FrameFormat, Message } from "./frame.js";
import { groupOf, isNumbered } from "./topics.js";

/** What is remembered of one sender. */
interface Origin {
  /** When it was heard last. */
  at: number;
  /** The last message of each group: what comes again, comes under a number that is known. */
  readonly groups: Map<string, number>;
  /** The last message of each numbered topic: the next one names it. */
  readonly topics: Map<string, number>;
}

/** What a frame brings. */
export interface Received {
  readonly origin: string;
  /** Without those that have come before. */
  readonly messages: readonly Message[];
  /** Is something missing before or between them? */
  readonly gap: boolean;
}

/** Reads frames; knows what has come already, and what should have come. */
export class Incoming {
  readonly #format: FrameFormat;
  readonly #origins = new Map<string, Origin>();

  constructor(format: FrameFormat) {
    this.#format = format;
  }

  /** @throws ClusterError `ERR_CLUSTER_INPUT` */
  read(topic: string, bytes: Uint8Array, now: number): Received {
    const { origin, messages } = this.#format.read(topic, bytes);
    const known = this.#origin(origin, now);
    const group = groupOf(topic);
    let gap = false;
    const fresh = messages.filter(({ seq, previous }) => {
      if (seq <= (known.groups.get(group) ?? 0)) return false;
      known.groups.set(group, seq);
      const last = known.topics.get(topic);
      if (last !== undefined && previous !== last) gap = true;
      if (isNumbered(topic)) known.topics.set(topic, seq);
      return true;
    });
    return { origin, messages: fresh, gap };
  }

  /** A gap was told: what is missing before the next message of each topic is part of it. */
  gapTold(): void {
    for (const { topics } of this.#origins.values()) topics.clear();
  }

  forget(origin: string): void {
    this.#origins.delete(origin);
  }

  forgetSilent(before: number): void {
    for (const [id, { at }] of this.#origins) if (at < before) this.#origins.delete(id);
  }

  #origin(id: string, now: number): Origin {
    const known = this.#origins.get(id) ?? { at: now, groups: new Map(), topics: new Map() };
    known.at = now;
    this.#origins.set(id, known);
    return known;
  }
}
