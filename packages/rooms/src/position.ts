/**
 * A place in the log of a room: after which event. As text it is the epoch, a dot, and the offset in base 36.
 *
 * The epoch names one life of the log. A log that was lost begins a new one, so that an old position is never taken for a new one.
 */
export interface Position {
  readonly epoch: string;
  /** How many events the room had: 0 is before the first. */
  readonly offset: number;
}

const POSITION = /^([\w-]{1,32})\.(0|[1-9a-z][0-9a-z]{0,10})$/;

export function formatPosition({ epoch, offset }: Position): string {
  return `${epoch}.${offset.toString(36)}`;
}

/** `undefined` if it is not a position. */
export function parsePosition(text: unknown): Position | undefined {
  const match = typeof text === "string" ? POSITION.exec(text) : null;
  if (match === null) return undefined;
  const offset = Number.parseInt(match[2] as string, 36);
  return Number.isSafeInteger(offset) ? { epoch: match[1] as string, offset } : undefined;
}
