import type { Since } from "./since.js";

/** How much of a room is kept. What exceeds one of the bounds goes, the oldest first. */
export interface Keep {
  /** Events. */
  readonly count: number;
  readonly ageMs: number;
  /** The encoded bytes of all events together. */
  readonly bytes: number;
}

export interface LogEntry<T> {
  /** 1 for the first event of the room. */
  readonly offset: number;
  /** When it was appended, in ms of the clock. */
  readonly at: number;
  readonly bytes: number;
  /** The name that its publisher gave it, so that a retry is known. */
  readonly id: string | undefined;
  readonly value: T;
}

/** What is behind a position. */
export interface Reading<T> {
  /** Is every event since the position in `entries`? */
  readonly complete: boolean;
  readonly entries: readonly LogEntry<T>[];
}

export interface Page {
  /** Events before this offset, the newest ones. */
  readonly before?: number | undefined;
  /** Events after this offset, the oldest ones. */
  readonly after?: number | undefined;
  readonly limit: number;
}

/** Names of events that are gone are known for this long after the event, and so many of them: a retry may come late. */
const ID_MS = 120_000;
const MOST_GONE_IDS = 100;

/** The latest events of one room, numbered without a gap. Pure: the caller says what time it is. */
export class RoomLog<T> {
  #epoch: string;
  readonly #keep: Keep;
  /** In order; those before {@link #head} are gone, and no more than empty places. */
  #entries: (LogEntry<T> | undefined)[] = [];
  #head = 0;
  #end = 0;
  #bytes = 0;
  /** Of the newest event that is gone. */
  #goneAt = Number.NEGATIVE_INFINITY;
  readonly #ids = new Map<string, number>();
  /** Names of events that are gone, the oldest first. */
  #goneIds: { readonly id: string; readonly at: number }[] = [];

  constructor(epoch: string, keep: Keep) {
    this.#epoch = epoch;
    this.#keep = keep;
  }

  /** The epoch that it lives in. On a cluster it is empty until the engine has told it. */
  get epoch(): string {
    return this.#epoch;
  }

  /** The offset of the newest event that there ever was; 0 if there was none. */
  get end(): number {
    return this.#end;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** The bytes of what is kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest event that is kept will be too old; `undefined` if none is kept. */
  get dueAt(): number | undefined {
    const oldest = this.#entries[this.#head];
    return oldest && oldest.at + this.#keep.ageMs;
  }

  /** The offset that an event of this name got, if it is still kept or has gone lately. */
  offsetOf(id: string): number | undefined {
    return this.#ids.get(id);
  }

  /** @returns its offset */
  append(value: T, { at, bytes, id }: { at: number; bytes: number; id?: string | undefined }): number {
    const offset = ++this.#end;
    // How old what came before is, nobody knows: as old as this at least.
    if (this.#goneAt === Number.POSITIVE_INFINITY) this.#goneAt = at;
    this.#entries.push({ offset, at, bytes, id, value });
    this.#bytes += bytes;
    if (id !== undefined) this.#ids.set(id, offset);
    this.trim(at);
    return offset;
  }

  /**
   * | asked for | complete if |
   * |---|---|
   * | now | always: nothing is missing of nothing |
   * | a position of another epoch, or behind the end | never, and there are no entries |
   * | a position | all that followed it is kept |
   * | the last n | n events, or all that there ever were, are kept |
   * | an age | no event of that age is gone |
   */
  read(since: Since, now: number): Reading<T> {
    this.trim(now);
    const gone = this.#end - this.size;
    switch (since.kind) {
      case "now":
        return { complete: true, entries: [] };
      case "position": {
        const { epoch, offset } = since.position;
        if (epoch !== this.#epoch || offset > this.#end) return { complete: false, entries: [] };
        return { complete: offset >= gone, entries: this.#between(offset, this.#end) };
      }
      case "last":
        return {
          complete: this.size >= Math.min(since.count, this.#end),
          entries: this.#between(this.#end - since.count, this.#end),
        };
      case "age": {
        const from = now - since.ms;
        return {
          complete: this.#goneAt < from,
          entries: this.#between(gone, this.#end).filter(({ at }) => at >= from),
        };
      }
    }
  }

  /** A page of what is kept, in order. */
  page({ before = Number.POSITIVE_INFINITY, after, limit }: Page, now: number): readonly LogEntry<T>[] {
    this.trim(now);
    const last = Math.min(before - 1, this.#end);
    const first = Math.max(after ?? 0, this.#end - this.size);
    return after === undefined
      ? this.#between(Math.max(first, last - limit), last)
      : this.#between(first, Math.min(last, first + limit));
  }

  /** Lets go of what exceeds a bound. */
  trim(now: number): void {
    const { count, ageMs, bytes } = this.#keep;
    for (let oldest = this.#entries[this.#head]; oldest !== undefined; oldest = this.#entries[this.#head]) {
      if (this.size <= count && this.#bytes <= bytes && oldest.at > now - ageMs) break;
      this.#bytes -= oldest.bytes;
      this.#goneAt = oldest.at;
      if (oldest.id !== undefined) this.#goneIds.push({ id: oldest.id, at: oldest.at });
      this.#entries[this.#head++] = undefined;
    }
    for (let first = this.#goneIds[0]; first !== undefined; first = this.#goneIds[0]) {
      if (this.#goneIds.length <= MOST_GONE_IDS && first.at > now - ID_MS) break;
      this.#goneIds.shift();
      this.#ids.delete(first.id);
    }
    // Moving the whole list for each event that goes would cost as much as the list is long.
    if (this.#head > 32 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Lets go of all. Positions continue from where they are. */
  clear(): void {
    this.#goneAt = this.#entries.at(-1)?.at ?? this.#goneAt;
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#ids.clear();
    this.#goneIds = [];
  }

  /** It continues behind an offset, maybe in another epoch. What was before it is gone, if there was anything. */
  restart(epoch: string, end: number): void {
    this.clear();
    this.#epoch = epoch;
    this.#end = end;
    this.#goneAt = end === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  /** Those that are kept behind one offset, up to another. Found by number: what is not asked for costs nothing. */
  #between(after: number, last: number): readonly LogEntry<T>[] {
    const gone = this.#end - this.size;
    const from = Math.max(after, gone);
    if (last <= from) return [];
    return this.#entries.slice(this.#head + from - gone, this.#head + last - gone) as LogEntry<T>[];
  }
}
