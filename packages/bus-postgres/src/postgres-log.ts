import { randomBytes } from "node:crypto";
import type { BusLog, KeptEntry, LogBatch, Position } from "@sockeye/protocol";
import { cellsOf } from "./bell.js";
import type { Row } from "./connection.js";
import type { Ask } from "./postgres-records.js";
import { othersAsText } from "./reader.js";
import { fromText, type Tables, toText } from "./tables.js";
import { pack } from "./writer.js";

// A log is one row that has its epoch (8 characters) and its last number (n), and a row for each entry. A writer locks its row
// until all is there, so numbers are there, and bells ring, in their order. What of it was forgotten shows by counting.

/** The most that one statement writes. */
const MAX_ENTRIES = 1_000;
const MAX_BYTES = 4_194_304;
const PAGE = 500;
/** Entries are deleted each time that so many have come. */
const CHUNK = 256;

type Answer = "stored" | "known" | "unexpected";

interface Waiting {
  readonly group: string;
  readonly batch: LogBatch;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** Logs of groups in tables. One statement numbers, keeps and rings. */
export class PostgresLog implements BusLog {
  readonly #tables: Tables;
  readonly #ask: Ask;
  readonly #append: string;
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(tables: Tables, ask: Ask) {
    this.#tables = tables;
    this.#ask = ask;
    this.#append = appendText(tables);
  }

  append(group: string, batch: LogBatch): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ group, batch, resolve, reject });
      if (!this.#isBusy) this.#work();
    });
  }

  async end(group: string): Promise<Position> {
    const { log } = this.#tables;
    for (;;) {
      const [row] = await this.#ask({
        name: "sockeye-log-end",
        text: `with made as (
  insert into ${log} (grp, epoch, n, began) select $1::text, $2, 0, 0
  where not exists (select from ${log} where grp = $1) on conflict (grp) do nothing returning epoch, n)
select epoch, n from made union all select epoch, n from ${log} where grp = $1`,
        values: [toText(group), newEpoch()],
      });
      // Nothing: another node has made it at the same time.
      if (row) return position(row);
    }
  }

  async renew(group: string): Promise<Position> {
    const [row] = await this.#ask({
      name: "sockeye-log-renew",
      text: `insert into ${this.#tables.log} as l (grp, epoch, n, began) values ($1, $2, 0, 0)
on conflict (grp) do update set epoch = excluded.epoch, began = l.n, used = now() returning epoch, n`,
      values: [toText(group), newEpoch()],
    });
    return position(row);
  }

  async read(
    group: string,
    after: Position,
    topics?: readonly string[],
  ): Promise<{ entries: KeptEntry[]; end: Position } | undefined> {
    const { log, entry } = this.#tables;
    const entries: KeptEntry[] = [];
    let end: Position | undefined;
    let from = after.number;
    for (;;) {
      const rows = await this.#ask({
        name: "sockeye-log-read",
        text: `select l.epoch, l.n, l.began, (select count(*) from ${entry} c where c.grp = l.grp and c.n > $2 and c.n <= l.n),
  e.n, e.topic, encode(e.bytes, 'base64')
from ${log} l left join lateral (
  select * from ${entry} e where e.grp = l.grp and e.n > $2 and e.n <= coalesce($4, l.n)
  and ($3::text[] is null or e.topic = any ($3)) order by e.n limit ${PAGE}) e on true
where l.grp = $1 order by e.n`,
        values: [toText(group), from, topics ? topics.map(toText) : null, end?.number ?? null],
      });
      const [[epoch, last, began, there] = []] = rows;
      const number = Number(last);
      if (epoch !== after.epoch || from > number || from < Number(began)) return undefined;
      if (Number(there) < number - from) return undefined;
      end ??= { epoch, number };
      for (const [, , , , n, topic, bytes] of rows) {
        if (n === null || n === undefined) continue;
        from = Number(n);
        const at = { epoch, number: from };
        entries.push({ topic: fromText(topic ?? ""), bytes: Buffer.from(bytes ?? "", "base64"), at });
      }
      if (rows.length < PAGE) return { entries, end };
    }
  }

  // ---- inside

  /** What one writer adds while PostgreSQL is busy goes together. */
  #work(): void {
    const [first, ...others] = this.#waiting;
    if (!first) return;
    const together = [first];
    let [entries, bytes] = [first.batch.entries.length, sizeOf(first.batch)];
    for (const next of others) {
      entries += next.batch.entries.length;
      bytes += sizeOf(next.batch);
      if (entries > MAX_ENTRIES || bytes > MAX_BYTES || !follows(together.at(-1) ?? first, next)) break;
      together.push(next);
    }
    this.#waiting.splice(0, together.length);
    this.#isBusy = true;
    this.#store(together).finally(() => {
      this.#isBusy = false;
      this.#work();
    });
  }

  async #store(together: readonly Waiting[]): Promise<void> {
    const [first] = together;
    if (!first) return;
    try {
      const answer = await this.#add(
        first.group,
        together.map(({ batch }) => batch),
      );
      if (answer === "stored" || together.length === 1) for (const { resolve } of together) resolve(answer);
      // Some of them are there already, or the first does not fit.
      else for (const each of together) await this.#store([each]);
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  }

  async #add(group: string, batches: readonly LogBatch[]): Promise<Answer> {
    const [first, last] = [batches[0], batches.at(-1)];
    if (!first || !last) return "known";
    const { writer, keep } = first;
    const entries = batches.flatMap((batch) => batch.entries);
    const { bytes, starts, sizes } = pack(entries);
    const bells = cellsOf(entries.map(({ topics, bytes: part }) => ({ topics, bytes: part.length })));
    const rows = await this.#ask({
      name: "sockeye-log-append",
      text: this.#append,
      values: [
        toText(group),
        writer,
        first.number,
        last.number,
        newEpoch(),
        entries.length,
        entries.map(({ topics }) => toText(topics[0] ?? "")),
        entries.map(({ topics }) => othersAsText(topics)),
        bytes,
        starts,
        sizes,
        keep.ms,
        keep.entries,
        this.#tables.channel,
        bells.map((bell) => bell.first + 1),
        bells.map(({ cells }) => cells),
      ],
    });
    if (rows.length > 0) return "stored";
    const [row] = await this.#ask({
      name: "sockeye-log-writer",
      text: `select number from ${this.#tables.writer} where grp = $1 and writer = $2`,
      values: [toText(group), writer],
    });
    return row && Number(row[0]) >= last.number ? "known" : "unexpected";
  }
}

/** All of it or nothing: nothing if the number before is not the writer's last one. */
function appendText({ writer, log, entry }: Tables): string {
  return `with claimed as (
  insert into ${writer} as w (grp, writer, number, until)
  select $1::text, $2::text, $4::bigint, now() + interval '1 hour'
  where $3::bigint = 1 or exists (select from ${writer} where grp = $1 and writer = $2)
  on conflict (grp, writer) do update set number = excluded.number, until = excluded.until
  where w.number = $3 - 1 returning 1),
place as (
  insert into ${log} as l (grp, epoch, n, began) select $1, $5, $6::bigint, 0 from claimed
  on conflict (grp) do update set n = l.n + $6, used = now() returning epoch, n - $6 as before),
kept as (
  insert into ${entry} (grp, n, topic, others, bytes, until)
  select $1, place.before + r.i, r.topic, r.others, substring($9::bytea from r.start for r.size), now() + $12 * interval '1 millisecond'
  from place, unnest($7::text[], $8::text[], $10::int[], $11::int[]) with ordinality as r (topic, others, start, size, i)),
gone as (
  delete from ${entry} e using place where e.grp = $1 and e.n <= place.before + $6 - $13::bigint
  and (place.before + $6) / ${CHUNK} <> place.before / ${CHUNK})
select pg_notify($14, 'l ' || epoch || ' ' || (before + bell.first) || ' ' || bell.cells || ' ' || $1)
from place, unnest($15::bigint[], $16::text[]) as bell (first, cells)`;
}

function follows({ group, batch }: Waiting, next: Waiting): boolean {
  return (
    next.group === group &&
    next.batch.writer === batch.writer &&
    next.batch.number === batch.number + 1 &&
    next.batch.keep.ms === batch.keep.ms &&
    next.batch.keep.entries === batch.keep.entries
  );
}

function sizeOf({ entries }: LogBatch): number {
  return entries.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

function position(row: Row | undefined): Position {
  return { epoch: row?.[0] ?? "", number: Number(row?.[1]) };
}

function newEpoch(): string {
  return randomBytes(6).toString("base64url");
}
