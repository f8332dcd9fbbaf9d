import type { BusLog, Clock, KeptEntry, LogBatch, Position } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import type { FrameFormat } from "../frame.js";
import { Kind } from "../frame.js";
import type { Topics } from "../topics.js";
import { LogWriter } from "./log-writer.js";

/** How long local events wait for the log. After that this node continues alone. */
const MAX_WAITING_MS = 2_000;
/** A timer that is so late tells that this process stood still: what has come meanwhile is not read yet. */
const STOOD_STILL_MS = 500;
/** After an answer that was none. */
const RETRY_MS = 1_000;
/** Senders whose last number is remembered. */
const MAX_ORIGINS = 1_000;

/** One message out of the log, or, without a place, what this node tells its own clients alone. */
export interface Logged {
  readonly kind: number;
  readonly body: Uint8Array;
  readonly at: Position | undefined;
}

export interface NamespaceLogTerms {
  readonly log: BusLog;
  readonly clock: Clock;
  readonly topics: Topics;
  readonly format: FrameFormat;
  /** The id of this node. */
  readonly id: string;
  readonly keep: LogBatch["keep"];
  nextSeq(): number;
  /** In the order of the log. May throw. */
  apply(message: Logged): void;
  /** Something is missing here; or so many of this node's messages reached nobody else. */
  gap(dropped: number): void;
  failed(error: unknown): void;
}

/** Remembers what is applied while a client comes back. */
export interface Hold {
  since(end: Position): readonly KeptEntry[];
  release(): void;
}

/**
 * The log of one namespace, as a node sees it: what it has applied, and what it has said. All nodes apply all of it in its order. If a
 * node's own words do not come back for 2 s, it tells its clients alone, and begins a new epoch as soon as it can: a client that was away meanwhile
 * is not recovered anywhere.
 */
export class NamespaceLog {
  readonly #terms: NamespaceLogTerms;
  readonly #writer: LogWriter;
  /** `following`: the log cannot be asked, but nothing is missing between what is applied and what comes. */
  #state: "away" | "catching" | "live" | "following" | "closed" = "away";
  #isAlone = false;
  /** Something is missing in the log, or was missed here: positions of before mean nothing any more. */
  #mustRenew = false;
  /** Up to here all is applied that this node hears. */
  #at: Position | undefined = undefined;
  /** Heard before what came before it was read. */
  #early: KeptEntry[] = [];
  readonly #seqs = new Map<string, number>();
  /** What senders said last without the log: what they said before must not come after it. */
  readonly #besides = new Map<string, number>();
  readonly #fences = new Map<number, { resolve(): void; reject(error: Error): void }>();
  #fence: Promise<void> | undefined = undefined;
  /** What was applied since the oldest return began that is under way. */
  #ring: KeptEntry[] = [];
  #returns = 0;
  #attempt = 0;
  #retry: unknown;
  #watch: unknown;
  /** It was given time once more, after this process had stood still. */
  #excused: number | undefined = undefined;

  constructor(terms: NamespaceLogTerms) {
    const { log, clock, topics, id: writer, keep, failed } = terms;
    this.#terms = terms;
    this.#writer = new LogWriter({ log, clock, group: topics.group, writer, keep, failed });
  }

  /** Does this node tell its clients by itself, without the log? */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /** Where it is; `undefined` while nobody can say. */
  get position(): Position | undefined {
    return this.#state === "live" ? this.#at : undefined;
  }

  /** Up to here all is applied, whether or not more can be heard now. */
  get applied(): Position | undefined {
    return this.#at;
  }

  /** What this node has said and not heard back yet, in order. */
  get unheard(): readonly Omit<Logged, "at">[] {
    return this.#writer.unheard.filter(({ kind }) => kind !== Kind.FENCE);
  }

  /** The bus works, and what this node hears of itself is in force. */
  up(): void {
    if (this.#state !== "closed") this.#catchUp();
  }

  down(): void {
    if (this.#state === "closed") return;
    this.#state = "away";
    this.#attempt += 1;
    this.#terms.clock.clearTimer(this.#retry);
    this.#writer.down();
  }

  /** Resolves once what was said is kept; without the log at once. */
  async close(): Promise<void> {
    const { clock } = this.#terms;
    if (this.#state === "live") {
      let timer: unknown;
      const late = new Promise<void>((resolve) => {
        timer = clock.setTimer(resolve, MAX_WAITING_MS);
      });
      await Promise.race([this.#writer.kept(), late]);
      clock.clearTimer(timer);
    }
    this.down();
    this.#state = "closed";
    clock.clearTimer(this.#watch);
    this.#failFences();
  }

  /** @param topics kept under the first. @param echoes are there sockets here that it means? */
  append(topics: readonly string[], message: Omit<Logged, "at"> & { readonly echoes: boolean }): number {
    const { format, clock, nextSeq } = this.#terms;
    const { kind, body, echoes } = message;
    const seq = nextSeq();
    const bytes = format.frame(topics[0] ?? "", [format.message({ seq, previous: 0, kind, body })]);
    this.#writer.put({ topics, bytes, seq, kind, body, echoes, at: clock.now() });
    if (this.#watch === undefined) this.#lookIn(MAX_WAITING_MS);
    return seq;
  }

  /** What this node has said under these topics alone, it does not hear any more. */
  unsubscribed(topics: readonly string[]): void {
    this.#writer.unsubscribed(new Set(topics));
  }

  /** Resolves once all is applied here that was in the log when it was asked for. Rejects if that takes too long. */
  fence(): Promise<void> {
    if (this.position === undefined) return Promise.reject(notNow());
    this.#fence ??= new Promise((resolve, reject) => {
      const { topics, id, clock } = this.#terms;
      const seq = this.append([topics.node(id)], {
        kind: Kind.FENCE,
        body: new Uint8Array(),
        echoes: true,
      });
      this.#fences.set(seq, { resolve, reject });
      clock.defer(() => {
        this.#fence = undefined;
      });
    });
    return this.#fence;
  }

  /** A client comes back: what is applied from now on is remembered, until the client has it all. */
  hold(): Hold {
    this.#returns += 1;
    let isHeld = true;
    return {
      since: (end) => this.#ring.filter(({ at }) => at.epoch !== end.epoch || at.number > end.number),
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#returns -= 1;
        if (this.#returns === 0) this.#ring = [];
      },
    };
  }

  /** All entries of these topics after a position, and up to where that is complete; `undefined` if nobody can say. */
  async read(
    after: Position,
    topics: readonly string[],
  ): Promise<{ readonly entries: readonly KeptEntry[]; readonly end: Position } | undefined> {
    const { log, topics: own } = this.#terms;
    return this.position && (await log.read(own.group, after, topics));
  }

  /** The message in an entry that was read. @throws ClusterError `ERR_CLUSTER_INPUT` */
  open({ topic, bytes, at }: KeptEntry): Logged | undefined {
    const [message] = this.#terms.format.read(topic, bytes).messages;
    return message && { kind: message.kind, body: message.body, at };
  }

  /** A node has told something without the log. */
  besides(origin: string, seq: number): void {
    note(this.#besides, origin, seq);
  }

  heard(entry: KeptEntry): void {
    if (this.#state === "catching") this.#early.push(entry);
    // While it is away, what comes is read later, behind what was missed.
    else if (this.#state === "live" || this.#state === "following") this.#take(entry);
  }

  // ---- inside

  #take(entry: KeptEntry): void {
    const { at } = entry;
    if (this.#at?.epoch === at.epoch && at.number <= this.#at.number) return;
    this.#at = at;
    if (this.#returns > 0) this.#ring.push(entry);
    const { format, id, apply, failed } = this.#terms;
    try {
      const { origin, messages } = format.read(entry.topic, entry.bytes);
      for (const { seq, kind, body } of messages) {
        if (origin === id) this.#writer.heard(seq);
        if (!this.#isNew(origin, seq)) continue;
        if (kind === Kind.FENCE) this.#passed(seq, origin);
        else if (kind === Kind.EVENT && seq < (this.#besides.get(origin) ?? 0)) this.#overtaken();
        else apply({ kind, body, at });
      }
    } catch (error) {
      failed(error);
    }
  }

  /** A message may be in the log twice, if the engine has lost who had said what. */
  #isNew(origin: string, seq: number): boolean {
    if (seq <= (this.#seqs.get(origin) ?? 0)) return false;
    note(this.#seqs, origin, seq);
    return true;
  }

  /** One that continues alone was heard before what it has left in the log. Nobody here may be told `recovered` without that. */
  #overtaken(): void {
    const { clock, gap } = this.#terms;
    this.#mustRenew = true;
    clock.clearTimer(this.#retry);
    this.#retry = clock.setTimer(() => this.#catchUp(), 0);
    gap(0);
  }

  #passed(seq: number, origin: string): void {
    if (origin !== this.#terms.id) return;
    this.#fences.get(seq)?.resolve();
    this.#fences.delete(seq);
  }

  #failFences(): void {
    for (const { reject } of this.#fences.values()) reject(notNow());
    this.#fences.clear();
    this.#fence = undefined;
  }

  /** Reads what came while this node did not listen, and continues from there. */
  #catchUp(): void {
    const attempt = ++this.#attempt;
    const isCurrent = (): boolean => attempt === this.#attempt;
    this.#terms.clock.clearTimer(this.#retry);
    this.#state = "catching";
    this.#early = [];
    this.#readOn(isCurrent).then(
      ({ missed, end, gap }) => {
        if (!isCurrent()) return;
        if (gap) this.#terms.gap(0);
        for (const entry of inOrder(this.#at, missed, this.#early)) this.#take(entry);
        this.#early = [];
        if (this.#at?.epoch !== end.epoch || this.#at.number < end.number) this.#at = end;
        this.#state = "live";
        this.#writer.up();
      },
      (error: unknown) => {
        if (!isCurrent()) return;
        this.#terms.failed(error);
        this.#retryLater();
      },
    );
  }

  async #readOn(
    isCurrent: () => boolean,
  ): Promise<{ missed: readonly KeptEntry[]; end: Position; gap: boolean }> {
    const { log, topics } = this.#terms;
    const from = this.#at;
    const part = from && (await log.read(topics.group, from));
    // A new epoch would take from the next attempt what this one has read.
    if (!isCurrent()) throw notNow();
    const gap = from !== undefined && part === undefined;
    this.#mustRenew ||= gap;
    // What is said from now on waits for the new epoch.
    this.#isAlone = false;
    let end = part?.end;
    if (this.#mustRenew) {
      end = await log.renew(topics.group);
      this.#mustRenew = false;
    }
    return { missed: part?.entries ?? [], end: end ?? (await log.end(topics.group)), gap };
  }

  #retryLater(): void {
    this.#retry = this.#terms.clock.setTimer(() => this.#catchUp(), RETRY_MS);
  }

  /** Has this node waited for its own words for too long? */
  #look(due: number): void {
    const { clock } = this.#terms;
    this.#watch = undefined;
    const oldest = this.#writer.oldestAt;
    if (oldest === undefined || this.#state === "closed") return;
    const left = oldest + MAX_WAITING_MS - clock.now();
    if (left > 0) this.#lookIn(left);
    else if (clock.now() - due > STOOD_STILL_MS && this.#excused !== oldest) {
      this.#excused = oldest;
      this.#lookIn(STOOD_STILL_MS);
    } else this.#break();
  }

  #lookIn(ms: number): void {
    const { clock } = this.#terms;
    const due = clock.now() + ms;
    this.#watch = clock.setTimer(() => this.#look(due), ms);
  }

  #break(): void {
    const was = this.#state;
    this.#isAlone = true;
    this.#mustRenew = true;
    this.#failFences();
    const { said, lost } = this.#writer.giveUp();
    for (const { seq, kind, body } of said) {
      // If it is in the log all the same, it must not be told again.
      if (this.#isNew(this.#terms.id, seq) && kind !== Kind.FENCE) this.#apply({ kind, body, at: undefined });
    }
    if (lost > 0) this.#terms.gap(lost);
    if (was === "away") return;
    // The bus works, and the log does not.
    this.down();
    if (was !== "catching") this.#state = "following";
    this.#retryLater();
  }

  #apply(message: Logged): void {
    try {
      this.#terms.apply(message);
    } catch (error) {
      this.#terms.failed(error);
    }
  }
}

/**
 * What was read after a place, and what was heard meanwhile. A place in a new epoch is known before the last entries of the old one have come: those
 * that come only now were said before all that was read.
 */
function inOrder(
  from: Position | undefined,
  read: readonly KeptEntry[],
  heard: readonly KeptEntry[],
): readonly KeptEntry[] {
  const isOlder = ({ at }: KeptEntry): boolean =>
    from !== undefined && at.epoch !== from.epoch && at.number <= from.number;
  const end = heard.findIndex((entry) => !isOlder(entry));
  const older = end < 0 ? heard.length : end;
  return [...heard.slice(0, older), ...read, ...heard.slice(older)];
}

function note(numbers: Map<string, number>, origin: string, seq: number): void {
  numbers.delete(origin);
  numbers.set(origin, seq);
  const [oldest] = numbers.size > MAX_ORIGINS ? numbers.keys() : [];
  if (oldest !== undefined) numbers.delete(oldest);
}

function notNow(): ClusterError {
  return new ClusterError("ERR_BUS_DOWN", "the log cannot be had now");
}
