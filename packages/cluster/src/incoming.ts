import { type FrameFormat, Kind, type Message } from "./frame.js";
import type { TopicNumbers } from "./introduction.js";
import { groupOf, isNumbered } from "./topics.js";

/** A node that hears again is answered by all others within this time. */
const ANSWER_MS = 1_000;

/** What is remembered of one sender. */
interface Origin {
  /** When it was heard last. */
  at: number;
  /** The last message of each group: what comes again, comes under a number that is known. */
  readonly groups: Map<string, number>;
  /** The last message of each numbered topic: the next one names it. */
  readonly topics: Map<string, number>;
  /** Since then it is not known what its last messages are: it has to answer first. */
  unsureSince: number | undefined;
}

/** How many senders that are gone are remembered, with the last number of each: a replay in their name means nothing. */
const MOST_GONE = 4096;
/** The number of a goodbye that an engine says: its node may be alive, and say more under its own numbers. */
const LAST_WORD = Number.MAX_SAFE_INTEGER;

/** What a frame brings. */
export interface Received {
  readonly origin: string;
  /** Without those that have come before. */
  readonly messages: readonly Message[];
  /** Is something missing before or between them? */
  readonly gap: boolean;
  /** Has it not answered this node's hello? It has to be asked again. */
  readonly unanswered: boolean;
}

/** Reads frames; knows what has come already, and what should have come. */
export class Incoming {
  readonly #format: FrameFormat;
  readonly #origins = new Map<string, Origin>();
  /** The groups of those that are gone, the latest at the end. */
  readonly #gone = new Map<string, Origin["groups"]>();

  constructor(format: FrameFormat) {
    this.#format = format;
  }

  /** @throws ClusterError `ERR_CLUSTER_INPUT` */
  read(topic: string, bytes: Uint8Array, now: number): Received {
    const { origin, messages } = this.#format.read(topic, bytes);
    const known = this.#origin(origin, now);
    const group = groupOf(topic);
    const unanswered = isUnanswered(known, messages, now);
    let gap = unanswered;
    const fresh = messages.filter(({ seq, previous }) => {
      if (seq <= (known.groups.get(group) ?? 0)) return false;
      if (seq < LAST_WORD) known.groups.set(group, seq);
      const last = known.topics.get(topic);
      if (last !== undefined && previous !== last) gap = true;
      if (isNumbered(topic)) known.topics.set(topic, seq);
      return true;
    });
    return { origin, messages: fresh, gap, unanswered };
  }

  /** A gap was told: what was missing by now is part of it. What came last, each node says in its answer to this node's hello. */
  gapTold(now: number, isMember: (origin: string) => boolean): void {
    for (const [id, known] of this.#origins) {
      known.topics.clear();
      // What only emits says no hello and answers none.
      if (isMember(id)) known.unsureSince = now;
    }
  }

  /** A node says what came last ahead of this, of topics that are heard here. @returns whether some of it is missing */
  said(origin: string, numbers: TopicNumbers | undefined, heard: readonly string[]): boolean {
    const topics = this.#origins.get(origin)?.topics;
    let gap = false;
    for (const topic of numbers ? heard : []) {
      const [seq, last] = [numbers?.get(topic) ?? 0, topics?.get(topic)];
      if (last !== undefined && last >= seq) continue;
      topics?.set(topic, seq);
      gap ||= last !== undefined;
    }
    return gap;
  }

  forget(id: string): void {
    const { groups } = this.#origins.get(id) ?? {};
    if (groups === undefined) return;
    this.#origins.delete(id);
    this.#gone.delete(id);
    this.#gone.set(id, groups);
    const [eldest] = this.#gone.keys();
    if (this.#gone.size > MOST_GONE && eldest !== undefined) this.#gone.delete(eldest);
  }

  forgetSilent(before: number): void {
    for (const [id, { at }] of this.#origins) if (at < before) this.forget(id);
  }

  #origin(id: string, now: number): Origin {
    const known = this.#origins.get(id) ?? {
      at: now,
      groups: this.#gone.get(id) ?? new Map<string, number>(),
      topics: new Map<string, number>(),
      unsureSince: undefined,
    };
    known.at = now;
    this.#origins.set(id, known);
    return known;
  }
}

/** Its answer was lost, and maybe more: on one way or the other there was nothing to be heard. */
function isUnanswered(known: Origin, messages: readonly Message[], now: number): boolean {
  if (known.unsureSince === undefined) return false;
  const isAnswered = messages.some(({ kind }) => kind === Kind.HERE);
  const isLate = !isAnswered && now - known.unsureSince > ANSWER_MS;
  if (isAnswered) known.unsureSince = undefined;
  else if (isLate) known.unsureSince = now;
  return isLate;
}
