import { parsePosition } from "./position.js";
import type { HistoryOptions } from "./room-event.js";
import type { LogEntry, RoomLog } from "./room-log.js";
import type { Kept } from "./room-state.js";

type Entries = readonly LogEntry<Kept>[];

/** A page of what a room keeps: as much of it as one packet may hold, with one event at least. */
export function pageOf(
  log: RoomLog<Kept>,
  { before, after, limit = 50 }: HistoryOptions,
  { now, maxAttachments }: { now: number; maxAttachments: number },
): Entries {
  const offsets = [before, after].map((text) => {
    const position = text === undefined ? undefined : parsePosition(text);
    return position?.epoch === log.epoch ? position.offset : undefined;
  });
  // A position of another life of the log has nothing before it or after it.
  if ((before !== undefined && offsets[0] === undefined) || (after !== undefined && offsets[1] === undefined))
    return [];
  const page = log.page({ before: offsets[0], after: offsets[1], limit }, now);
  return after === undefined
    ? fitting([...page].reverse(), maxAttachments).reverse()
    : fitting(page, maxAttachments);
}

export function bytesOf(entries: Entries): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}

function fitting(page: Entries, maxAttachments: number): LogEntry<Kept>[] {
  let pieces = 0;
  const stop = page.findIndex(({ value }, at) => {
    pieces += value.attachments.length;
    return pieces > maxAttachments && at > 0;
  });
  return page.slice(0, stop === -1 ? undefined : stop);
}
