import { startTimer, stopTimer } from "@sockeye/protocol";
import type { Link } from "./link.js";
import type { Tables } from "./tables.js";
import type { Writer } from "./writer.js";

/** How often a node deletes its own messages that are older than {@link KEPT_MS}. */
const OWN_MS = 5_000;
/** Readers that are further behind are told of a gap. */
const KEPT_MS = 30_000;
/** How often it deletes what others have left, on average. */
const OTHERS_MS = 60_000;

export interface SweeperTerms {
  readonly link: Link;
  readonly tables: Tables;
  readonly writer: Writer;
}

/** Deletes what nobody needs any more. What cannot be deleted now, later can. */
export class Sweeper {
  readonly #terms: SweeperTerms;
  readonly #marks: { readonly at: number; readonly written: number }[] = [];
  #own: ReturnType<typeof setTimeout> | undefined = undefined;
  #others: ReturnType<typeof setTimeout> | undefined = undefined;
  #swept = 0;

  constructor(terms: SweeperTerms) {
    this.#terms = terms;
    this.#planOwn();
    this.#planOthers();
  }

  stop(): void {
    stopTimer(this.#own);
    stopTimer(this.#others);
  }

  #sweepOwn(now: number): void {
    const { link, tables, writer } = this.#terms;
    this.#marks.push({ at: now, written: writer.written });
    let old = 0;
    for (let mark = this.#marks[0]; mark && mark.at <= now - KEPT_MS; mark = this.#marks[0]) {
      old = mark.written;
      this.#marks.shift();
    }
    if (old <= this.#swept) return;
    this.#swept = old;
    const text = `delete from ${tables.message} where writer = $1 and n <= $2`;
    link.ask({ name: "sockeye-sweep-own", text, values: [writer.id, old] }).catch(() => {});
  }

  #planOwn(): void {
    this.#own = startTimer(() => {
      this.#sweepOwn(Date.now());
      this.#planOwn();
    }, OWN_MS);
  }

  #planOthers(): void {
    const pause = OTHERS_MS * (0.5 + Math.random());
    this.#others = startTimer(() => {
      for (const text of sweeps(this.#terms.tables)) this.#terms.link.ask({ text }).catch(() => {});
      this.#planOthers();
    }, pause);
  }
}

/** Nobody waits for a row that another one is at work on. */
export function sweeps({ message, log, entry, writer, record }: Tables): string[] {
  const old = (table: string, key: string, condition: string): string =>
    `delete from ${table} where (${key}) in (
select ${key} from ${table} where ${condition} limit 20000 for update skip locked)`;
  return [
    old(message, "writer, n", "at < now() - interval '5 minutes'"),
    old(entry, "grp, n", "until < now()"),
    old(writer, "grp, writer", "until < now()"),
    old(record, "key", "until < now()"),
    `delete from ${log} where used < now() - interval '7 days' and not exists (select from ${entry} e where e.grp = ${log}.grp)`,
  ];
}
