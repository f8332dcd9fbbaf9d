import type { BusRecord, KeptEntry, LogBatch, LogEntry, Position } from "./bus.js";

interface Log {
  epoch: string;
  /** The number of the last entry. */
  last: number;
  /** All up to this one may be gone. */
  trimmed: number;
  entries: (KeptEntry & { readonly at: Position; readonly until: number })[];
  bytes: number;
  readonly writers: Map<string, number>;
}

/** Writers that are remembered: nodes that are gone add nothing more. */
const MAX_WRITERS = 1_000;
/** Logs that are remembered. One that is forgotten starts over, in a new epoch. */
const MAX_LOGS = 10_000;
/** What an entry takes beside its bytes, about. */
const ENTRY_BYTES = 200;

export interface LogStoreTerms {
  /** A name for one run of a log: eight characters that were never there before. */
  newEpoch(): string;
  /** What all entries of all logs may take; past that the oldest of the largest log go. Default: no limit. */
  readonly maxBytes?: number | undefined;
}

/** The logs of one engine that keeps them in memory. It owns no clock. */
export class LogStore {
  readonly #terms: LogStoreTerms;
  /** That which was added to last comes last. */
  readonly #logs = new Map<string, Log>();
  #bytes = 0;

  constructor(terms: LogStoreTerms) {
    this.#terms = terms;
  }

  /** What all entries take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns what has to be told: nothing if it is there already; `undefined` if the batch before it is missing */
  append(group: string, batch: LogBatch, now: number): (LogEntry & { readonly at: Position })[] | undefined {
    const log = this.#log(group);
    const before = log.writers.get(batch.writer) ?? 0;
    if (batch.number > before + 1) return undefined;
    if (batch.number <= before) return [];
    log.writers.delete(batch.writer);
    log.writers.set(batch.writer, batch.number);
    const [oldest] = log.writers.size > MAX_WRITERS ? log.writers.keys() : [];
    if (oldest !== undefined) log.writers.delete(oldest);
    this.#logs.delete(group);
    this.#logs.set(group, log);
    const { ms, entries: most } = batch.keep;
    const added = batch.entries.map((entry) => {
      const at = { epoch: log.epoch, number: ++log.last };
      const kept = { topic: entry.topics[0] ?? "", bytes: entry.bytes, at, until: now + ms };
      log.entries.push(kept);
      this.#count(log, sizeOf(kept));
      return { ...entry, at };
    });
    let gone = Math.max(0, log.entries.length - most);
    while ((log.entries[gone]?.until ?? Number.POSITIVE_INFINITY) <= now) gone += 1;
    // Taking off one by one would move the whole list each time.
    if (gone > 0 && (gone * 4 >= log.entries.length || gone >= 1024)) this.#forget(log, gone);
    this.#limit();
    return added;
  }

  end(group: string): Position {
    const { epoch, last: number } = this.#log(group);
    return { epoch, number };
  }

  read(
    group: string,
    after: Position,
    topics?: readonly string[],
  ): { entries: KeptEntry[]; end: Position } | undefined {
    const log = this.#log(group);
    if (after.epoch !== log.epoch || after.number < log.trimmed || after.number > log.last) return undefined;
    const wanted = topics && new Set(topics);
    // The numbers have no holes.
    const known = Math.max(0, after.number - (log.last - log.entries.length));
    const entries = log.entries.slice(known).filter(({ topic }) => wanted?.has(topic) !== false);
    return { entries, end: this.end(group) };
  }

  renew(group: string): Position {
    const log = this.#log(group);
    log.epoch = this.#terms.newEpoch();
    this.#forget(log, log.entries.length);
    return this.end(group);
  }

  /** All is lost, as when an engine without a disk starts over. */
  clear(): void {
    this.#logs.clear();
    this.#bytes = 0;
  }

  #forget(log: Log, count: number): void {
    log.trimmed = log.entries[count - 1]?.at.number ?? log.trimmed;
    for (const entry of log.entries.slice(0, count)) this.#count(log, -sizeOf(entry));
    log.entries = log.entries.slice(count);
  }

  #count(log: Log, bytes: number): void {
    log.bytes += bytes;
    this.#bytes += bytes;
  }

  /** Half of a log at once, since looking for the largest one takes its time. */
  #limit(): void {
    const { maxBytes = Number.POSITIVE_INFINITY } = this.#terms;
    while (this.#bytes > maxBytes) {
      const largest = [...this.#logs.values()].reduce((one, other) =>
        other.bytes > one.bytes ? other : one,
      );
      this.#forget(largest, Math.ceil(largest.entries.length / 2));
    }
  }

  #log(group: string): Log {
    const known = this.#logs.get(group);
    if (known) return known;
    const log: Log = {
      ...{ epoch: this.#terms.newEpoch(), last: 0, trimmed: 0 },
      ...{ entries: [], bytes: 0, writers: new Map() },
    };
    this.#logs.set(group, log);
    const [oldest] = this.#logs.size > MAX_LOGS ? this.#logs : [];
    if (oldest) {
      this.#forget(oldest[1], oldest[1].entries.length);
      this.#logs.delete(oldest[0]);
    }
    return log;
  }
}

function sizeOf({ topic, bytes }: KeptEntry): number {
  return bytes.length + topic.length + ENTRY_BYTES;
}

/** The records of one engine that keeps them in memory. It owns no clock. */
export class RecordStore {
  /** In the order in which they were written or touched. */
  readonly #records = new Map<string, BusRecord & { readonly until: number }>();
  #versions = 0;

  get(key: string, now: number): BusRecord | undefined {
    this.#purge(now);
    const record = this.#records.get(key);
    return record && record.until > now ? record : undefined;
  }

  put(
    key: string,
    bytes: Uint8Array,
    { version, ttlMs, now }: { version: number; ttlMs: number; now: number },
  ): number | undefined {
    if ((this.get(key, now)?.version ?? 0) !== version) return undefined;
    this.#versions += 1;
    this.#set(key, { bytes, version: this.#versions, until: now + ttlMs });
    return this.#versions;
  }

  delete(key: string, version: number, now: number): boolean {
    return this.get(key, now)?.version === version && this.#records.delete(key);
  }

  touch(keys: readonly string[], ttlMs: number, now: number): void {
    for (const key of keys) {
      const record = this.get(key, now);
      if (record) this.#set(key, { ...record, until: now + ttlMs });
    }
  }

  clear(): void {
    this.#records.clear();
  }

  #set(key: string, record: BusRecord & { readonly until: number }): void {
    this.#records.delete(key);
    this.#records.set(key, record);
  }

  /** Looks at the oldest alone: most are kept equally long. */
  #purge(now: number): void {
    for (const [key, { until }] of this.#records) {
      if (until > now) break;
      this.#records.delete(key);
    }
  }
}
