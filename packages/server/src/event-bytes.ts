import { isBytes } from "@sockeye/codec";
import { memoryOf } from "./memory-of.js";
import type { Event } from "./middleware.js";

/** Of numbers, booleans, null, and of the signs between members. */
const SMALL = 8;

/** What is around a waiting event in memory. */
const EVENT = 512;

/** About as many bytes as the event takes on the wire, without writing it once more. Its depth was bounded when it was read. */
export function eventBytes(event: Event): number {
  return bytesOf(event);
}

function bytesOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value !== "object" || value === null) return typeof value === "function" ? 0 : SMALL;
  if (isBytes(value)) return value.byteLength;
  let sum = 0;
  if (Array.isArray(value)) {
    for (const each of value as unknown[]) sum += bytesOf(each) + 1;
    return sum;
  }
  for (const [name, each] of Object.entries(value)) sum += Buffer.byteLength(name) + bytesOf(each) + 4;
  return sum;
}

/** About as many bytes as the event holds in memory, while it waits. */
export function eventWeight(event: readonly unknown[]): number {
  return EVENT + memoryOf(event);
}
