import { OWN_EVENTS } from "@sockeye/protocol";
import { parsePosition } from "./position.js";
import type { RoomAction } from "./rule.js";
import { parseSince, type Since } from "./since.js";

// What clients ask, read from values that anybody may have sent.

export type Request =
  | { readonly kind: "join"; readonly room: string; readonly since: Since }
  | { readonly kind: "leave"; readonly room: string }
  | {
      readonly kind: "publish";
      readonly room: string;
      readonly event: string;
      readonly args: readonly unknown[];
      readonly id: string | undefined;
    }
  | {
      readonly kind: "history";
      readonly room: string;
      readonly before: string | undefined;
      readonly after: string | undefined;
      readonly limit: number;
    }
  | { readonly kind: "presence-set"; readonly room: string; readonly value: unknown }
  | { readonly kind: "presence-clear"; readonly room: string }
  | { readonly kind: "presence-list"; readonly room: string; readonly after: string | undefined };

/** The events of the room protocol that clients send, and what each is called in {@link Request}. */
const READERS: Readonly<Record<string, (room: string, fields: Fields) => Request | undefined>> = {
  [OWN_EVENTS.join]: (room, { since }) => {
    const read = parseSince(since);
    return read && { kind: "join", room, since: read };
  },
  [OWN_EVENTS.leave]: (room) => ({ kind: "leave", room }),
  [OWN_EVENTS.publish]: (room, { event, args, id }) =>
    isName(event) && Array.isArray(args) && (id === undefined || isName(id))
      ? { kind: "publish", room, event, args, id }
      : undefined,
  [OWN_EVENTS.history]: (room, { before, after, limit = DEFAULT_PAGE }) =>
    isPosition(before) && isPosition(after) && isCount(limit)
      ? { kind: "history", room, before, after, limit: Math.min(limit, MAX_PAGE) }
      : undefined,
  [OWN_EVENTS.presence]: (room, fields) => {
    if (Object.hasOwn(fields, "set")) return { kind: "presence-set", room, value: fields["set"] };
    if (fields["clear"] === true) return { kind: "presence-clear", room };
    const { after } = fields;
    return after === undefined || isName(after) ? { kind: "presence-list", room, after } : undefined;
  },
};

type Fields = Readonly<Record<string, unknown>>;

const DEFAULT_PAGE = 50;
const MAX_PAGE = 500;
/** Characters of the name of a room that a client may say. */
export const MAX_NAME = 255;

export function isRoomEvent(event: unknown): event is string {
  return typeof event === "string" && Object.hasOwn(READERS, event);
}

/** `undefined` for what makes no sense. */
export function readRequest(event: string, argument: unknown): Request | undefined {
  if (typeof argument !== "object" || argument === null || Array.isArray(argument)) return undefined;
  const fields = argument as Fields;
  const { room } = fields;
  return isRoomEvent(event) && isName(room) ? READERS[event]?.(room, fields) : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_NAME;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isPosition(value: unknown): value is string | undefined {
  return value === undefined || parsePosition(value) !== undefined;
}

export const ACTIONS: readonly RoomAction[] = ["join", "publish", "presence", "history"];

export const ACTION_OF: Readonly<Record<Exclude<Request["kind"], "leave">, RoomAction>> = {
  join: "join",
  publish: "publish",
  history: "history",
  "presence-set": "presence",
  "presence-clear": "presence",
  "presence-list": "presence",
};
