import { randomBytes } from "node:crypto";
import type { BusLog, KeptEntry, LogBatch, Position } from "@sockeye/protocol";
import type { JetStream } from "./jet-stream.js";
import { LiveTail } from "./live-tail.js";
import { type Added, Assembly, readPart, writeParts } from "./parts.js";

// All logs are in one stream, each under a subject of its own. A writer numbers what it adds by the last message of the subject, and JetStream takes it only
// if that is still the last one: who was overtaken looks again. So numbers have no holes, and everybody hears them in their order. An epoch ends with a
// step of a new epoch that adds nothing. The last message of a log is never forgotten, and tells where it ends.

/** The most that one step holds. */
const MAX_ENTRIES = 1_000;
const MAX_STEP_BYTES = 524_288;
/** What is old is forgotten each time that so many entries have come. */
const CHUNK = 256;
const MAX_WRITERS = 1_000;
const MAX_PLACES = 16_384;

type Answer = "stored" | "known" | "unexpected";

export interface NatsLogTerms {
  readonly stream: string;
  readonly jetStream: JetStream;
  /** The subject of a group. */
  subject(group: string): string;
  /** The most bytes that the server takes in one message. */
  maxBytes(): number;
}

interface Waiting {
  readonly batch: LogBatch;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

interface Tail extends Position {
  /** The number of the last message. */
  readonly seq: number;
}

/** What is known of one log. */
class Group {
  readonly subject: string;
  readonly live: LiveTail = new LiveTail();
  tail: Tail | undefined = undefined;
  queue: Waiting[] = [];
  isBusy = false;
  /** The last batch of each writer that is there. */
  readonly writers = new Map<string, number>();
  /** Nobody has answered whether this writer's last step is there. If it comes, it comes right behind this message. */
  doubt: { readonly writer: string; readonly seq: number } | undefined = undefined;
  /** Where steps begin, and when they were added. */
  readonly places: { readonly first: number; readonly before: number; readonly at: number }[] = [];
  reading: Promise<unknown> = Promise.resolve();

  constructor(subject: string) {
    this.subject = subject;
  }

  /** It ends here, if what was known of it is older. */
  ends(tail: Tail): void {
    if ((this.tail?.seq ?? 0) < tail.seq) this.tail = tail;
  }

  placed(first: number, before: number): void {
    if ((this.places.at(-1)?.first ?? 0) >= first) return;
    if (this.places.push({ first, before, at: performance.now() }) > MAX_PLACES)
      this.places.splice(0, MAX_PLACES / 2);
  }
}

/** Logs of groups in JetStream. */
export class NatsLog implements BusLog {
  readonly #terms: NatsLogTerms;
  readonly #groups = new Map<string, Group>();

  constructor(terms: NatsLogTerms) {
    this.#terms = terms;
  }

  /** A message of a group's subject was heard. @returns what it completes; `gap`: one before it was not heard */
  heard(name: string, bytes: Uint8Array, seq: number): Added | "gap" | undefined {
    const part = readPart(bytes);
    const group = this.#group(name);
    const added = part && group.live.take(part, seq);
    if (!added || added === "gap") return added;
    const { epoch, before, count, first } = added;
    group.ends({ seq, epoch, number: before + count });
    group.placed(first, before);
    return added;
  }

  /** The connection is lost: only what this node has added is still known. */
  lost(): void {
    for (const group of this.#groups.values()) {
      group.live.clear();
      group.tail = undefined;
    }
  }

  /** Nobody here hears a group any more. */
  left(name: string): void {
    if (!this.#groups.get(name)?.isBusy) this.#groups.delete(name);
  }

  append(name: string, batch: LogBatch): Promise<Answer> {
    const group = this.#group(name);
    return new Promise((resolve, reject) => {
      group.queue.push({ batch, resolve, reject });
      if (!group.isBusy) this.#work(group);
    });
  }

  async end(name: string): Promise<Position> {
    const group = this.#group(name);
    const { epoch, number } = (await this.#look(group)) ?? (await this.#begin(group));
    return { epoch, number };
  }

  async renew(name: string): Promise<Position> {
    const group = this.#group(name);
    for (;;) {
      const marked = await this.#mark(group, (await this.#look(group)) ?? NOTHING);
      if (marked) return { epoch: marked.epoch, number: marked.number };
    }
  }

  async read(
    name: string,
    after: Position,
    topics?: readonly string[],
  ): Promise<{ entries: KeptEntry[]; end: Position } | undefined> {
    const group = this.#group(name);
    const tail = await this.#look(group);
    if (!tail || tail.epoch !== after.epoch || after.number > tail.number) return undefined;
    // One after the other: what was fetched for the first is there for the next.
    const reading = group.reading.then(() => this.#steps(group, after.number, tail));
    group.reading = reading.catch(() => {});
    const wanted = topics && new Set(topics);
    const entries: KeptEntry[] = [];
    let read = after.number;
    for (const { epoch, before, count, entries: added } of await reading) {
      if (before + count <= read) continue;
      if (epoch !== after.epoch || before > read) return undefined;
      for (const [index, { topics: of, bytes }] of added.entries()) {
        const [topic = ""] = of;
        const number = before + index + 1;
        if (number <= read || number > tail.number || wanted?.has(topic) === false) continue;
        entries.push({ topic, bytes, at: { epoch, number } });
      }
      read = before + count;
    }
    return read < tail.number ? undefined : { entries, end: { epoch: tail.epoch, number: tail.number } };
  }

  // ---- reading

  #group(name: string): Group {
    const known = this.#groups.get(name);
    if (known) return known;
    const group = new Group(this.#terms.subject(name));
    this.#groups.set(name, group);
    return group;
  }

  /** Where a log ends, as JetStream says now; `undefined` if there is none. */
  async #look(group: Group): Promise<Tail | undefined> {
    const { stream, jetStream } = this.#terms;
    const last = await jetStream.last(stream, group.subject);
    if (!last) return undefined;
    const part = readPart(last.bytes);
    if (!part) throw new TypeError("the log ends with what is none of its messages");
    const { epoch, before, count, index, of } = part;
    // A step that is not complete does not count.
    group.ends({ seq: last.seq, epoch, number: before + (index + 1 === of ? count : 0) });
    return { seq: last.seq, epoch, number: before + (index + 1 === of ? count : 0) };
  }

  /** All steps from a number on to the end, and maybe some before and behind. What is gone is not among them. */
  async #steps(group: Group, after: number, end: Tail): Promise<readonly Added[]> {
    const known = [...group.live.steps];
    const [first] = known;
    if (!first) return this.#fetch(group, after, end.seq + 1);
    const missing = first.before > after ? await this.#fetch(group, after, first.first) : [];
    group.live.prepend(missing);
    const last = known.at(-1)?.seq ?? 0;
    const later = last < end.seq ? await this.#forward(group, last + 1, end.seq + 1) : [];
    return [...missing, ...known, ...later];
  }

  /** The steps that end behind a number, up to a message. */
  async #fetch(group: Group, after: number, until: number): Promise<Added[]> {
    const { stream, jetStream } = this.#terms;
    let [from, to] = [1, until];
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      const found = await jetStream.next(stream, group.subject, middle);
      const part = found && found.seq < to ? readPart(found.bytes) : undefined;
      if (!found || !part || part.before + part.count > after) to = middle;
      else from = found.seq + 1;
    }
    return this.#forward(group, from, until);
  }

  async #forward(group: Group, from: number, until: number): Promise<Added[]> {
    const { stream, jetStream } = this.#terms;
    const assembly = new Assembly();
    const steps: Added[] = [];
    for (let seq = from; seq < until; ) {
      const found = await jetStream.next(stream, group.subject, seq);
      if (!found || found.seq >= until) break;
      const part = readPart(found.bytes);
      const added = part && assembly.take(part, found.seq);
      if (added) steps.push(added);
      seq = found.seq + 1;
    }
    return steps;
  }

  // ---- adding

  #work(group: Group): void {
    group.isBusy = true;
    this.#addAll(group).then(
      () => {
        group.isBusy = false;
        // Who was answered last may have gone on at once.
        if (group.queue.length > 0) this.#work(group);
      },
      (error: unknown) => {
        group.isBusy = false;
        // What waits behind what has failed must not overtake it.
        for (const { reject } of group.queue.splice(0)) reject(error);
      },
    );
  }

  async #addAll(group: Group): Promise<void> {
    const { queue, writers } = group;
    for (let first = queue[0]; first; first = queue[0]) {
      await this.#settle(group);
      const { writer, number } = first.batch;
      const last = writers.get(writer) ?? 0;
      if (number !== last + 1) {
        queue.shift();
        first.resolve(number <= last ? "known" : "unexpected");
        continue;
      }
      const together = queue.slice(0, countTogether(queue));
      const answer = await this.#add(group, together);
      if (answer === "stored") queue.splice(0, together.length);
      if (answer === "stored") for (const { resolve } of together) resolve("stored");
      // Its writer has added it at another node: the loop says so.
      if (answer === "known") note(writers, writer, number);
    }
  }

  /** All of them or nothing. @returns `known`: the first is there already; `undefined`: another writer was faster. Then nothing was added */
  async #add(group: Group, together: readonly Waiting[]): Promise<"stored" | "known" | undefined> {
    const { jetStream, maxBytes } = this.#terms;
    const [first, last] = [together[0]?.batch, together.at(-1)?.batch];
    if (!first || !last) return "stored";
    const { writer, number, keep } = last;
    const tail = group.tail ?? (await this.#look(group)) ?? (await this.#begin(group));
    const { epoch, number: before } = tail;
    const entries = together.flatMap(({ batch }) => batch.entries);
    const parts = writeParts({ epoch, before, writer, number }, entries, maxBytes());
    // Writers that have one name at all nodes add one batch each.
    const id = first.number === 1 ? `${group.subject} ${writer}` : undefined;
    let { seq } = tail;
    let begin: number | undefined;
    try {
      for (const [index, part] of parts.entries()) {
        const isLast = index === parts.length - 1;
        const stored = await jetStream.put(group.subject, part, seq, isLast ? id : undefined);
        if (typeof stored !== "number") {
          if (group.tail?.seq === tail.seq) group.tail = undefined;
          return stored;
        }
        begin ??= stored;
        seq = stored;
      }
    } catch (error) {
      group.doubt = { writer, seq: tail.seq };
      throw error;
    }
    group.doubt = undefined;
    note(group.writers, writer, number);
    const end = before + entries.length;
    group.ends({ seq, epoch, number: end });
    group.placed(begin ?? seq, before);
    if (Math.floor(end / CHUNK) !== Math.floor(before / CHUNK)) await this.#forget(group, end, keep);
    return "stored";
  }

  /** Is there what was added last, and what nobody has confirmed? */
  async #settle(group: Group): Promise<void> {
    const { doubt } = group;
    if (!doubt) return;
    const tail = await this.#look(group);
    for (const { writer, number } of await this.#forward(group, doubt.seq + 1, (tail?.seq ?? 0) + 1))
      if (writer === doubt.writer)
        note(group.writers, writer, Math.max(number, group.writers.get(writer) ?? 0));
    // Behind another message it cannot come any more.
    if (tail && tail.seq > doubt.seq) group.doubt = undefined;
  }

  async #begin(group: Group): Promise<Tail> {
    for (;;) {
      const tail = (await this.#mark(group, NOTHING)) ?? (await this.#look(group));
      if (tail) return tail;
    }
  }

  /** Begins an epoch. @returns nothing if there is something behind this message */
  async #mark(group: Group, { seq, number }: Omit<Tail, "epoch">): Promise<Tail | undefined> {
    const { jetStream, maxBytes } = this.#terms;
    const epoch = randomBytes(6).toString("base64url");
    const [mark] = writeParts({ epoch, before: number, writer: "", number: 0 }, [], maxBytes());
    const stored = mark && (await jetStream.put(group.subject, mark, seq));
    if (typeof stored !== "number") return undefined;
    const tail = { seq: stored, epoch, number };
    group.ends(tail);
    return tail;
  }

  async #forget(group: Group, end: number, { ms, entries }: LogBatch["keep"]): Promise<void> {
    const { stream, jetStream } = this.#terms;
    const since = performance.now() - ms;
    const kept = group.places.findIndex(({ before, at }) => before + entries > end && at > since);
    const [place] = group.places.splice(0, kept < 0 ? group.places.length - 1 : kept - 1);
    const [oldest] = group.places;
    if (place && oldest) await jetStream.purge(stream, group.subject, oldest.first);
  }
}

const NOTHING = { seq: 0, number: 0 };

/** How many of those that wait follow each other, and fit into one step. */
function countTogether(queue: readonly Waiting[]): number {
  let entries = 0;
  let bytes = 0;
  let last: LogBatch | undefined;
  const end = queue.findIndex(({ batch }) => {
    entries += batch.entries.length;
    bytes += batch.entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
    const follows = !last || (batch.writer === last.writer && batch.number === last.number + 1);
    const isOver = last !== undefined && (!follows || entries > MAX_ENTRIES || bytes > MAX_STEP_BYTES);
    last = batch;
    return isOver;
  });
  return end < 0 ? queue.length : end;
}

function note(writers: Map<string, number>, writer: string, number: number): void {
  writers.delete(writer);
  writers.set(writer, number);
  const [oldest] = writers.size > MAX_WRITERS ? writers.keys() : [];
  if (oldest !== undefined) writers.delete(oldest);
}
