import { type ErrorCode, SockeyeError } from "@sockeye/protocol";
import type { ExtensionHost } from "@sockeye/socket";
import { readEmit, reasonOf } from "@sockeye/socket";
import { type Fields, fieldsOf } from "./wire.js";

/** The server has refused what was asked of a room. */
export class RoomError extends SockeyeError {
  override readonly name = "RoomError";
  /** The code as the server has said it. With `ERR_ROOM_REFUSED` it is the app's own. */
  readonly reason: string;
  /** What the server has said of it besides: the issues of `ERR_INVALID`, or the data of the app's refusal. */
  readonly data: unknown;

  constructor(code: ErrorCode, message: string, { reason = code, data }: RefusedBy = {}) {
    super(code, message);
    this.reason = reason;
    this.data = data;
  }
}

interface RefusedBy {
  readonly reason?: string;
  readonly data?: unknown;
}

/** @param error a {@link RoomError} if the server refused */
type Done = (error: unknown, answer: Fields) => void;

const CODES: readonly ErrorCode[] = [
  "ERR_ROOM_FORBIDDEN",
  "ERR_ROOM_REQUEST",
  "ERR_ROOM_LIMIT",
  "ERR_INVALID",
  "ERR_UNDECLARED",
  "ERR_INTERNAL",
];

/** Sends an event of the room protocol. What cannot be sent at all is told as a refusal is, and at once. */
export function send(
  host: ExtensionHost,
  event: string,
  argument: object,
  done: Done,
  signal?: AbortSignal,
): void {
  const ack = (error: unknown, value?: unknown, second?: unknown): void => {
    const refused = error || refusalIn(value, second);
    done(refused, refused ? {} : fieldsOf(value));
  };
  try {
    host.emitOut({ ...readEmit(event, [argument], {}), ack, ackTakesError: true, signal });
  } catch (error) {
    done(error, {});
  }
}

/** The same as a promise. It waits for a connection if there is none. */
export function ask(
  host: ExtensionHost,
  event: string,
  argument: object,
  signal?: AbortSignal,
): Promise<Fields> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw reasonOf(signal);
    send(
      host,
      event,
      argument,
      (error, answer) => (error ? reject(error as Error) : resolve(answer)),
      signal,
    );
  });
}

/** Did the connection end before an answer came? */
export function isCut(error: unknown): boolean {
  return codeOf(error) === "ERR_ACK_DISCONNECTED";
}

export function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

function refusalIn(value: unknown, second: unknown): RoomError | undefined {
  const { $error } = fieldsOf(second);
  if (value !== null || $error === undefined) return undefined;
  const { code, message, data } = fieldsOf($error);
  const known = CODES.find((each) => each === code);
  return new RoomError(known ?? "ERR_ROOM_REFUSED", String(message), { reason: String(code), data });
}
