import type { Position } from "@sockeye/protocol";
import type { Rung } from "./bell.js";
import { isDown, type Row } from "./connection.js";
import type { Link } from "./link.js";
import { fromText, type Tables, toText } from "./tables.js";

/** The most that one query reads. */
const MAX_ROWS = 500;
const MAX_BYTES = 8_388_608;
/** Rows that wait to be read. */
const MAX_WAITING = 100_000;

export interface ReaderTerms {
  readonly link: Link;
  readonly tables: Tables;
  /** A row. @param topics all of its topics, the one that it is kept under first */
  read(topics: readonly string[], bytes: Uint8Array, at: Position | undefined): void;
  /** Rows are gone, or can't be read. */
  missed(cause: unknown): void;
}

/** Reads what bells have announced, in their order. */
export class Reader {
  readonly #terms: ReaderTerms;
  readonly #text: string;
  #waiting: Rung[] = [];
  #isBusy = false;
  #isOver = false;

  constructor(terms: ReaderTerms) {
    this.#terms = terms;
    const { message, entry } = terms.tables;
    const columns = (topics: string): string => `w.i, ${topics}, encode(r.bytes, 'base64')`;
    const wanted = (from: number): string =>
      `unnest($${from}::text[], $${from + 1}::bigint[], $${from + 2}::int[])`;
    this.#text = `select ${columns("r.topic, null as others")}
from ${wanted(1)} as w (writer, n, i) join ${message} r on r.writer = w.writer and r.n = w.n
union all
select ${columns("r.topic, r.others")}
from ${wanted(4)} as w (grp, n, i) join ${entry} r on r.grp = w.grp and r.n = w.n
order by 1`;
  }

  put(rung: readonly Rung[]): void {
    if (this.#isOver || rung.length === 0) return;
    for (const one of rung) this.#waiting.push(one);
    if (this.#waiting.length > MAX_WAITING) this.#end(new Error("more is announced than can be read"));
    else if (!this.#isBusy) this.#read();
  }

  stop(): void {
    this.#isOver = true;
    this.#waiting = [];
  }

  #read(): void {
    if (this.#isOver || this.#waiting.length === 0) return;
    let bytes = 0;
    let count = 0;
    for (const rung of this.#waiting) {
      bytes += rung.bytes;
      if (count === MAX_ROWS || (count > 0 && bytes > MAX_BYTES)) break;
      count += 1;
    }
    const part = this.#waiting.splice(0, count);
    this.#isBusy = true;
    this.#terms.link.read(this.#statement(part)).then(
      (rows) => {
        this.#isBusy = false;
        if (this.#isOver) return;
        if (rows.length < part.length) this.#end(new Error("messages were gone before they could be read"));
        else this.#tell(part, rows);
        this.#read();
      },
      (error: unknown) => this.#end(error),
    );
  }

  #statement(part: readonly Rung[]): { name: string; text: string; values: (string[] | number[])[] } {
    const [messages, entries] = [false, true].map((isEntry) => {
      const some = part.flatMap((rung, i) =>
        isEntry === (rung.epoch !== undefined) ? [{ ...rung, i }] : [],
      );
      return [some.map(({ of }) => of), some.map(({ n }) => n), some.map(({ i }) => i)];
    });
    return { name: "sockeye-read", text: this.#text, values: [...(messages ?? []), ...(entries ?? [])] };
  }

  #tell(part: readonly Rung[], rows: readonly Row[]): void {
    for (const [index, row] of rows.entries()) {
      const { epoch, n: number } = part[index] as Rung;
      const [, topic, others, bytes] = row;
      const topics = [fromText(topic ?? ""), ...othersOf(others ?? null)];
      this.#terms.read(
        topics,
        Buffer.from(bytes ?? "", "base64"),
        epoch === undefined ? undefined : { epoch, number },
      );
      if (this.#isOver) return;
    }
  }

  #end(cause: unknown): void {
    if (this.#isOver) return;
    this.stop();
    this.#terms.missed(isDown(cause));
  }
}

/** The topics of an entry but the first. */
export function othersAsText(topics: readonly string[]): string | null {
  return topics.length < 2 ? null : toText(JSON.stringify(topics.slice(1)));
}

function othersOf(text: string | null): string[] {
  if (text === null) return [];
  let others: unknown;
  try {
    others = JSON.parse(fromText(text));
  } catch {
    return [];
  }
  return Array.isArray(others) ? others.filter((topic) => typeof topic === "string") : [];
}
