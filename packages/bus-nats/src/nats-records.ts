import { randomBytes } from "node:crypto";
import type { BusRecord, BusRecords } from "@sockeye/protocol";
import type { JetStream } from "./jet-stream.js";

// A record is the last message of a subject of its own: its version and for how long it stays, as JSON before a line feed, and its bytes. Versions are random,
// since a record whose time is renewed keeps its own, and is another message all the same.

const LINE_FEED = 0x0a;
/** How many are renewed at once. */
const AT_ONCE = 16;

export interface NatsRecordsTerms {
  readonly stream: string;
  readonly jetStream: JetStream;
  /** The subject that holds the record of a key. */
  subject(key: string): string;
}

interface There extends BusRecord {
  readonly seq: number;
  readonly isOver: boolean;
}

/** Records in JetStream. */
export class NatsRecords implements BusRecords {
  readonly #terms: NatsRecordsTerms;

  constructor(terms: NatsRecordsTerms) {
    this.#terms = terms;
  }

  async get(key: string): Promise<BusRecord | undefined> {
    const there = await this.#look(key);
    return there && !there.isOver ? { bytes: there.bytes, version: there.version } : undefined;
  }

  async put(key: string, bytes: Uint8Array, version: number, ttlMs: number): Promise<number | undefined> {
    const there = await this.#look(key);
    if ((there && !there.isOver ? there.version : 0) !== version) return undefined;
    const next = randomBytes(6).readUIntBE(0, 6) + 1;
    return (await this.#write(key, { bytes, version: next, ttlMs }, there)) ? next : undefined;
  }

  async delete(key: string, version: number): Promise<boolean> {
    const { stream, jetStream } = this.#terms;
    for (;;) {
      const there = await this.#look(key);
      if (!there || there.isOver || there.version !== version) return false;
      // Otherwise its time was renewed meanwhile.
      if (await jetStream.remove(stream, there.seq)) return true;
    }
  }

  async touch(keys: readonly string[], ttlMs: number): Promise<void> {
    for (let at = 0; at < keys.length; at += AT_ONCE)
      await Promise.all(keys.slice(at, at + AT_ONCE).map((key) => this.#renew(key, ttlMs)));
  }

  // ---- inside

  async #renew(key: string, ttlMs: number): Promise<void> {
    const there = await this.#look(key);
    // Who writes it meanwhile says for how long it stays.
    if (there && !there.isOver) await this.#write(key, { ...there, ttlMs }, there);
  }

  /** @returns whether nobody has written since */
  async #write(
    key: string,
    { bytes, version, ttlMs }: BusRecord & { readonly ttlMs: number },
    there: There | undefined,
  ): Promise<boolean> {
    const { subject, jetStream } = this.#terms;
    const record = Buffer.concat([Buffer.from(`${JSON.stringify([version, ttlMs])}\n`), bytes]);
    return (await jetStream.put(subject(key), record, there?.seq ?? 0)) !== undefined;
  }

  async #look(key: string): Promise<There | undefined> {
    const { stream, subject, jetStream } = this.#terms;
    const last = await jetStream.last(stream, subject(key));
    if (!last) return undefined;
    const { seq, bytes, at } = last;
    const end = bytes.indexOf(LINE_FEED);
    const [version, ttlMs] = readHead(Buffer.from(bytes.subarray(0, Math.max(0, end))).toString());
    return { seq, bytes: bytes.subarray(end + 1), version, isOver: at + ttlMs <= Date.now() };
  }
}

/** @throws TypeError if it is none: then others write there */
function readHead(text: string): [version: number, ttlMs: number] {
  const head: unknown = text === "" ? undefined : JSON.parse(text);
  const [version, ttlMs] = Array.isArray(head) ? (head as readonly unknown[]) : [];
  if (typeof version === "number" && typeof ttlMs === "number") return [version, ttlMs];
  throw new TypeError("a record of a session is none");
}
