/** What workers and the primary send each other, under a name of its own beside the app's messages. */
export const CHANNEL = "sockeye:bus";

/** A message for other workers. */
export type Published = readonly [topic: string, bytes: Uint8Array];

export type FromWorker =
  | readonly ["publish", readonly Published[]]
  | readonly ["subscribe" | "unsubscribe", readonly string[]]
  | readonly ["will", Published]
  | readonly ["close"];

export type FromPrimary =
  | readonly ["messages", readonly Published[]]
  | readonly ["subscribed", readonly string[]];

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
  return Array.isArray(value) && typeof value[0] === "string" && value[1] instanceof Uint8Array;
}

export function areMessages(value: unknown): value is readonly Published[] {
  return Array.isArray(value) && value.every(isPublished);
}

/** For whatever could not be sent: the other end is gone, and its end is told otherwise. Without a callback Node.js emits `error`, which ends the process. */
export function unsent(): void {}
