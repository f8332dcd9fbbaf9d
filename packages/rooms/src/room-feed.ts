import { formatPosition } from "./position.js";
import type { RoomEvent } from "./room-event.js";
import type { LogEntry, RoomLog } from "./room-log.js";
import type { Kept } from "./room-state.js";
import type { Since } from "./since.js";

/** A reader of a room that is not a socket. It asks for the next event when it has room for it, so that nothing waits for it but the log. */
export class RoomFeed {
  readonly #log: RoomLog<Kept>;
  readonly #host: FeedHost;
  readonly #readers: Set<() => void>;
  readonly #wake: () => void;
  /** The last event that it had, or what is before the first. */
  #at: number;
  #epoch: string;
  /** Is some of what it asked for, or was to come next, not kept any more? To be told before the next event. */
  #missing: boolean;
  /** Was it told once where it stands? */
  #isTold = false;

  /** @param wake called when there is something new */
  constructor(
    { log, readers }: { readonly log: RoomLog<Kept>; readonly readers: Set<() => void> },
    { since, host, wake }: { readonly since: Since; readonly host: FeedHost; readonly wake: () => void },
  ) {
    this.#log = log;
    this.#host = host;
    this.#readers = readers;
    this.#wake = wake;
    const { complete, entries } = log.read(since, host.now());
    this.#missing = !complete;
    this.#epoch = log.epoch;
    this.#at = (entries[0]?.offset ?? log.end + 1) - 1;
    readers.add(wake);
  }

  /** @returns where it stands, if it was not told or something is missing; the next event; nothing: there is none */
  next(): FeedItem | undefined {
    if (this.#epoch !== this.#log.epoch) {
      this.#epoch = this.#log.epoch;
      this.#missing = true;
      this.#at = 0;
    }
    const [entry] = this.#log.page({ after: this.#at, limit: 1 }, this.#host.now());
    const before = (entry?.offset ?? this.#log.end + 1) - 1;
    if (before > this.#at) {
      this.#missing = true;
      this.#at = before;
    }
    if (this.#missing || !this.#isTold) {
      const complete = !this.#missing;
      this.#missing = false;
      this.#isTold = true;
      return { complete, position: formatPosition({ epoch: this.#log.epoch, offset: this.#at }) };
    }
    if (entry === undefined) return undefined;
    this.#at = entry.offset;
    return this.#host.show(entry);
  }

  close(): void {
    this.#readers.delete(this.#wake);
  }
}

export type FeedItem = RoomEvent | { readonly complete: boolean; readonly position: string };

interface FeedHost {
  now(): number;
  show(entry: LogEntry<Kept>): RoomEvent;
}

/** Shows the same event to all readers that want it in a turn of the event loop: it is decoded once. */
export function onceATurn(show: FeedHost["show"], defer: (callback: () => void) => void): FeedHost["show"] {
  let last: { readonly entry: LogEntry<Kept>; readonly event: RoomEvent } | undefined;
  const forget = (): void => {
    last = undefined;
  };
  return (entry) => {
    if (last?.entry === entry) return last.event;
    if (last === undefined) defer(forget);
    const event = show(entry);
    last = { entry, event };
    return event;
  };
}
