import { readDuration } from "@sockeye/protocol";
import { type Position, parsePosition } from "./position.js";

/** From where a joining client wants a room's events. */
export type Since =
  | { readonly kind: "position"; readonly position: Position }
  | { readonly kind: "last"; readonly count: number }
  | { readonly kind: "age"; readonly ms: number }
  /** Only what comes from now on. */
  | { readonly kind: "now" };

const LAST = /^last:(\d{1,6})$/;
const NOW: Since = { kind: "now" };

/** Reads what a client says: a position, `"last:50"`, `"10m"`, or nothing. `undefined` for anything else. */
export function parseSince(value: unknown): Since | undefined {
  if (value === undefined || value === null) return NOW;
  if (typeof value !== "string") return undefined;
  const last = LAST.exec(value);
  if (last !== null) return { kind: "last", count: Number(last[1]) };
  const ms = readDuration(value);
  if (ms !== undefined) return { kind: "age", ms };
  const position = parsePosition(value);
  return position && { kind: "position", position };
}

/** A client that asks for nothing gets the newest event of a room that keeps only that. */
export function fromLast(since: Since, rule: { readonly last: boolean } | undefined): Since {
  return since.kind === "now" && rule?.last ? { kind: "last", count: 1 } : since;
}
