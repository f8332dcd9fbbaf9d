import type { ErrorCode } from "@sockeye/protocol";

/** How a refusal stands in an answer: as that of a call. */
export interface Refusal {
  /** Of Sockeye, or the app's own. */
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
}

/** What a client asked that it may not, or that makes no sense. It is answered in the words of a refused call. */
export class RoomRefusal extends Error implements Refusal {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The same whether there is no such room, no rule, or no permission: names of rooms are nothing to find out. */
export function forbidden(): RoomRefusal {
  return new RoomRefusal("ERR_ROOM_FORBIDDEN", "Not allowed in this room");
}

export function unread(): RoomRefusal {
  return new RoomRefusal(
    "ERR_ROOM_REQUEST",
    "The request makes no sense: see PROTOCOL.md, Rooms that remember",
  );
}

export function refuseUnread(): never {
  throw unread();
}

export function tooMuch(what: string): RoomRefusal {
  return new RoomRefusal("ERR_ROOM_LIMIT", what);
}
