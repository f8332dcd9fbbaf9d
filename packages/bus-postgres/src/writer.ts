import { randomBytes } from "node:crypto";
import { deferTask } from "@sockeye/protocol";
import { cellsOf } from "./bell.js";
import type { Link } from "./link.js";
import { type Tables, toText } from "./tables.js";

/** The most that one statement writes. */
const MAX_ROWS = 2_000;
const MAX_BYTES = 8_388_608;
/** Bytes that wait for PostgreSQL. Beyond, it is taken for gone. */
const MAX_WAITING_BYTES = 67_108_864;

export interface WriterTerms {
  readonly link: Link;
  readonly tables: Tables;
  /** Something can't be written. */
  failed(cause: unknown): void;
}

interface Message {
  readonly topic: string;
  readonly bytes: Uint8Array;
}

/** Writes messages: those of a turn, or all that came while PostgreSQL was busy, by one statement. */
export class Writer {
  /** Its rows carry this id. */
  readonly id: string = randomBytes(6).toString("base64url");
  readonly #terms: WriterTerms;
  readonly #text: string;
  #waiting: Message[] = [];
  #waitingBytes = 0;
  #isBusy = false;
  #isOver = false;
  #written = 0;
  #whenIdle: () => void = () => {};

  constructor(terms: WriterTerms) {
    this.#terms = terms;
    this.#text = `with told as (
  insert into ${terms.tables.message} (writer, n, topic, bytes)
  select $1, $2::bigint + r.i, r.topic, substring($3::bytea from r.start for r.size)
  from unnest($4::text[], $5::int[], $6::int[]) with ordinality as r (topic, start, size, i))
select pg_notify($7, bell) from unnest($8::text[]) as bell`;
  }

  /** How many rows it has written. */
  get written(): number {
    return this.#written;
  }

  put(topic: string, bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#waitingBytes += bytes.length;
    if (this.#waiting.push({ topic, bytes }) === 1 && !this.#isBusy) deferTask(() => this.#write());
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#fail(new Error("PostgreSQL takes nothing any more"));
  }

  /** Resolves once all is written, or nothing will be any more. */
  async idle(): Promise<void> {
    if (this.#isOver || (this.#waiting.length === 0 && !this.#isBusy)) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  stop(): void {
    this.#isOver = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#whenIdle();
  }

  #write(): void {
    if (this.#isOver || this.#isBusy) return;
    if (this.#waiting.length === 0) {
      this.#whenIdle();
      return;
    }
    const { link, tables } = this.#terms;
    const part = this.#take();
    const packed = pack(part);
    const bells = cellsOf(part.map(({ topic, bytes }) => ({ topics: [topic], bytes: bytes.length }))).map(
      ({ first, cells }) => `m ${this.id} ${this.#written + first + 1} ${cells}`,
    );
    const values = [
      this.id,
      this.#written,
      packed.bytes,
      part.map(({ topic }) => toText(topic)),
      packed.starts,
      packed.sizes,
      tables.channel,
      bells,
    ];
    this.#isBusy = true;
    link.ask({ name: "sockeye-write", text: this.#text, values }).then(
      () => {
        this.#isBusy = false;
        this.#written += part.length;
        this.#write();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #take(): Message[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.#waiting) {
      bytes += message.bytes.length;
      if (count === MAX_ROWS || (count > 0 && bytes > MAX_BYTES)) break;
      count += 1;
    }
    const part = this.#waiting.splice(0, count);
    for (const message of part) this.#waitingBytes -= message.bytes.length;
    return part;
  }

  #fail(cause: unknown): void {
    if (this.#isOver) return;
    this.stop();
    this.#terms.failed(cause);
  }
}

/** Many values as one: `pg` writes an array of bytes as text, twice as long. Starts count from 1, as in SQL. */
export function pack(parts: readonly { readonly bytes: Uint8Array }[]): {
  readonly bytes: Buffer;
  readonly starts: number[];
  readonly sizes: number[];
} {
  const starts: number[] = [];
  let start = 1;
  for (const { bytes } of parts) {
    starts.push(start);
    start += bytes.length;
  }
  return {
    bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
    starts,
    sizes: parts.map(({ bytes }) => bytes.length),
  };
}
