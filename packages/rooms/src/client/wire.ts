import { parsePosition } from "../position.js";
import type { Presence, PresenceChange } from "../presence-list.js";
import type { RoomEvent } from "../room-event.js";

// What servers say, read from values that anybody may have sent.

export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

/** An event that a room keeps has a position; another has none. */
export type Heard = Omit<RoomEvent, "position"> & { readonly position?: string };

/** `undefined` for what is none. */
export function readEvent(value: unknown): Heard | undefined {
  const { position, event, args, id, from } = fieldsOf(value);
  if (typeof event !== "string" || !Array.isArray(args)) return undefined;
  return {
    event,
    args,
    ...(typeof position === "string" && parsePosition(position) ? { position } : {}),
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof from === "string" ? { from } : {}),
  };
}

export function readEvents(value: unknown): readonly RoomEvent[] {
  const events = listOf(value, readEvent);
  return events.filter((each): each is RoomEvent => each.position !== undefined);
}

/** A page of those who are there. */
export interface Members {
  readonly members: readonly Presence[];
  readonly count: number;
  /** Behind which key the next page begins. */
  readonly next: string | undefined;
}

export function readMembers({ members, count, next }: Fields): Members {
  return {
    members: listOf(members, readPresence),
    count: countOf(count),
    next: typeof next === "string" ? next : undefined,
  };
}

export function readChange({ joined, updated, away, left }: Fields): PresenceChange {
  return {
    joined: listOf(joined, readPresence),
    updated: listOf(updated, readPresence),
    away: listOf(away, readText),
    left: listOf(left, readText),
  };
}

export function countOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

export function readText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function readPresence(value: unknown): Presence | undefined {
  const { key, value: shown, state } = fieldsOf(value);
  return typeof key === "string"
    ? { key, value: shown, state: state === "away" ? "away" : "here" }
    : undefined;
}

function listOf<T>(value: unknown, read: (each: unknown) => T | undefined): readonly T[] {
  return Array.isArray(value) ? value.flatMap((each) => read(each) ?? []) : [];
}
