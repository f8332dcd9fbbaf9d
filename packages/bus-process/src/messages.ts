import type { LogBatch, LogEntry, Position } from "@sockeye/protocol";

/** What workers and the primary send each other, under a name of its own beside the app's messages. */
export const CHANNEL = "sockeye:bus";

/** A message for other workers; one out of a log has its place, under the first of its topics. */
export type Published = readonly [topic: string, bytes: Uint8Array, at?: Position];

/** What a worker asks of the log and the records: the methods of both, by name. */
export type Question =
  | readonly ["append", group: string, batch: LogBatch]
  | readonly ["end" | "renew", group: string]
  | readonly ["read", group: string, after: Position, topics: readonly string[] | undefined]
  | readonly ["get", key: string]
  | readonly ["put", key: string, bytes: Uint8Array, version: number, ttlMs: number]
  | readonly ["delete", key: string, version: number]
  | readonly ["touch", keys: readonly string[], ttlMs: number];

export type FromWorker =
  | readonly ["publish", readonly Published[]]
  | readonly ["subscribe" | "unsubscribe", readonly string[]]
  | readonly ["will", Published]
  | readonly ["ask", id: number, question: Question]
  | readonly ["close"];

export type FromPrimary =
  | readonly ["messages", readonly Published[]]
  | readonly ["subscribed", readonly string[]]
  | readonly ["answer", id: number, answer: unknown];

/** The bus's part of a message, if it has one: apps send messages of their own. */
export function readMessage(message: unknown): readonly unknown[] | undefined {
  const content =
    typeof message === "object" && message !== null ? (message as Record<string, unknown>)[CHANNEL] : 0;
  return Array.isArray(content) ? content : undefined;
}

export function isTopics(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((topic) => typeof topic === "string");
}

export function isPublished(value: unknown): value is Published {
  return (
    Array.isArray(value) &&
    typeof value[0] === "string" &&
    value[1] instanceof Uint8Array &&
    (value[2] === undefined || isPosition(value[2]))
  );
}

export function areMessages(value: unknown): value is readonly Published[] {
  return Array.isArray(value) && value.every(isPublished);
}

/** The question in a message, or `undefined`: workers may be of another version. */
export function readQuestion(value: unknown): Question | undefined {
  const [what, key, ...rest] = Array.isArray(value) ? (value as unknown[]) : [];
  const are = (...tests: ((part: unknown) => boolean)[]): boolean => tests.every((test, n) => test(rest[n]));
  const fits: Readonly<Record<string, () => boolean>> = {
    append: () => isText(key) && are(isBatch),
    end: () => isText(key),
    renew: () => isText(key),
    read: () => isText(key) && are(isPosition, (topics) => topics === undefined || isTopics(topics)),
    get: () => isText(key),
    put: () => isText(key) && are(isBytes, isCount, isCount),
    delete: () => isText(key) && are(isCount),
    touch: () => isTopics(key) && are(isCount),
  };
  return isText(what) && Object.hasOwn(fits, what) && fits[what]?.() ? (value as Question) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}

function isPosition(value: unknown): value is Position {
  const { epoch, number } = recordOf(value);
  return isText(epoch) && isCount(number);
}

function isBatch(value: unknown): value is LogBatch {
  const { writer, number, entries, keep } = recordOf(value);
  const { ms, entries: most } = recordOf(keep);
  return (
    isText(writer) &&
    [number, ms, most].every(isCount) &&
    Array.isArray(entries) &&
    entries.every((entry: unknown): entry is LogEntry => {
      const { topics, bytes } = recordOf(entry);
      return isTopics(topics) && isBytes(bytes);
    })
  );
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** For whatever could not be sent: the other end is gone, and its end is told otherwise. Without a callback Node.js emits `error`, which ends the process. */
export function unsent(): void {}
