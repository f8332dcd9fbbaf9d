import type { LogEntry } from "@sockeye/protocol";

// What a writer adds in one step is one message of JetStream, or several where that is too large: parts, which follow each other directly. A part is a
// version, the length of its head, the head as JSON, and a piece of the body. The body is the length of a list, the list as JSON (the topics and the size of each
// entry), and the bytes of all entries.

const VERSION = 1;
const LENGTH_BYTES = 4;
/** What a head takes at most, and NATS itself around a message. */
const HEAD_BYTES = 1_024;
const MAX_PARTS = 256;

/** What one step added. */
export interface Step {
  readonly epoch: string;
  /** How many entries there were before. */
  readonly before: number;
  readonly count: number;
  readonly writer: string;
  /** The last of the writer's batches in it. */
  readonly number: number;
}

export interface Part extends Step {
  readonly index: number;
  /** How many there are. */
  readonly of: number;
  readonly piece: Uint8Array;
}

/** What was added in one step, and where it is. */
export interface Added extends Step {
  /** The numbers of its first and its last message. */
  readonly first: number;
  readonly seq: number;
  readonly entries: readonly LogEntry[];
  readonly size: number;
}

/** @param maxBytes of a message */
export function writeParts(
  { epoch, before, writer, number }: Omit<Step, "count">,
  entries: readonly LogEntry[],
  maxBytes: number,
): Uint8Array[] {
  const list = entries.map(({ topics, bytes }) => [topics, bytes.length]);
  const body = Buffer.concat([framed(list), ...entries.map(({ bytes }) => bytes)]);
  const room = Math.max(1, maxBytes - HEAD_BYTES);
  const of = Math.ceil(body.length / room);
  return Array.from({ length: of }, (_, index) => {
    const head = framed([epoch, before, entries.length, writer, number, index, of]);
    return Buffer.concat([Buffer.of(VERSION), head, body.subarray(index * room, (index + 1) * room)]);
  });
}

/** `undefined` if it is none: others may write there, too. */
export function readPart(bytes: Uint8Array): Part | undefined {
  const [head, piece] = bytes[0] === VERSION ? unframed(asBuffer(bytes).subarray(1)) : [];
  if (!Array.isArray(head) || piece === undefined) return undefined;
  const [epoch, before, count, writer, number, index, of] = head as readonly unknown[];
  if (typeof epoch !== "string" || !/^[\w-]{8}$/.test(epoch) || typeof writer !== "string") return undefined;
  if (!isCount(before) || !isCount(count) || !isCount(number) || !isCount(index) || !isCount(of))
    return undefined;
  if (index >= of || of > MAX_PARTS) return undefined;
  return { epoch, before, count, writer, number, index, of, piece };
}

/** Puts parts together, in the order of their subject. Those of one who was interrupted are left out. */
export class Assembly {
  #parts: Part[] = [];
  #first = 0;

  /** @returns what is complete with it */
  take(part: Part, seq: number): Added | undefined {
    if (part.index === 0) {
      this.#parts = [];
      this.#first = seq;
    } else if (!isNext(this.#parts.at(-1), part)) {
      this.#parts = [];
      return undefined;
    }
    if (this.#parts.push(part) < part.of) return undefined;
    const body = Buffer.concat(this.#parts.map(({ piece }) => piece));
    this.#parts = [];
    const entries = readEntries(body, part.count);
    const { epoch, before, count, writer, number } = part;
    const at = { first: this.#first, seq, size: body.length };
    return entries && { epoch, before, count, writer, number, entries, ...at };
  }
}

function isNext(last: Part | undefined, { index, of, writer, number, before, epoch }: Part): boolean {
  return (
    last?.index === index - 1 &&
    last.of === of &&
    last.writer === writer &&
    last.number === number &&
    last.before === before &&
    last.epoch === epoch
  );
}

function readEntries(body: Buffer, count: number): LogEntry[] | undefined {
  const [list, rest] = unframed(body);
  if (!Array.isArray(list) || rest === undefined || list.length !== count) return undefined;
  const entries: LogEntry[] = [];
  let at = 0;
  for (const each of list as readonly unknown[]) {
    const [topics, size] = Array.isArray(each) ? (each as readonly unknown[]) : [];
    if (!isTexts(topics) || !isCount(size) || at + size > rest.length) return undefined;
    entries.push({ topics, bytes: rest.subarray(at, at + size) });
    at += size;
  }
  return entries;
}

/** A value as JSON, behind its length. */
function framed(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
}

/** The value, and what comes behind it. */
function unframed(bytes: Buffer): [value: unknown, rest: Buffer] | [] {
  if (bytes.length < LENGTH_BYTES) return [];
  const end = LENGTH_BYTES + bytes.readUInt32BE();
  if (end > bytes.length) return [];
  try {
    return [JSON.parse(bytes.subarray(LENGTH_BYTES, end).toString()), bytes.subarray(end)];
  } catch {
    return [];
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
