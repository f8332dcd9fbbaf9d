import type { Guarded } from "@sockeye/protocol";
import type { AckCallback, Emit } from "@sockeye/socket";
import { callGuarded, whenAborted } from "@sockeye/socket";
import { reportAppError } from "./report-error.js";

/** A server that never acknowledges must not stop the queue forever. */
const ACK_TIMEOUT_MS = 10_000;

/** A socket, as its queue sees it. */
export interface RetryOwner {
  /** For callbacks of the app. */
  readonly handle: Guarded;
  readonly connected: boolean;
  /** @throws CodecError if the arguments cannot be encoded */
  sendNow(emit: Emit): void;
}

export interface RetryOptions {
  /** Tries after the first. */
  readonly retries: number;
  readonly ackTimeoutMs: number | undefined;
}

interface Entry {
  readonly emit: Emit;
  readonly bytes: number;
  tries: number;
  /** Sent, and neither answered nor failed. */
  underWay: boolean;
  unwatch: (() => void) | undefined;
}

/**
 * Events that are sent until they are acknowledged, one at a time and in order. One that was tried `retries + 1` times is
 * given up. A connection that breaks counts as a failed try, and the event is sent again over the next.
 */
export class RetryQueue {
  readonly #owner: RetryOwner;
  readonly #options: RetryOptions;
  #entries: Entry[] = [];
  /** The bytes of all events that are neither acknowledged nor given up. */
  bytes = 0;

  constructor(owner: RetryOwner, options: RetryOptions) {
    this.#owner = owner;
    this.#options = options;
  }

  add(emit: Emit, bytes: number): void {
    this.bytes += bytes;
    const entry: Entry = { emit, bytes, tries: 0, underWay: false, unwatch: undefined };
    // One that is under way hears of it by its acknowledgement.
    entry.unwatch =
      emit.signal && whenAborted(emit.signal, (reason) => entry.underWay || this.#settle(entry, [reason]));
    this.#entries.push(entry);
    this.next();
  }

  /** Sends the head, if it may be sent now. */
  next(): void {
    const head = this.#entries[0];
    if (!head || head.underWay || !this.#owner.connected) return;
    head.underWay = true;
    head.tries++;
    try {
      this.#owner.sendNow(this.#try(head));
    } catch (error) {
      reportAppError(error);
      this.#settle(head, [error]);
    }
  }

  #try(entry: Entry): Emit {
    const { flags } = entry.emit;
    const timeout = flags.timeout ?? this.#options.ackTimeoutMs ?? ACK_TIMEOUT_MS;
    const ack: AckCallback = (error, ...answer) => {
      entry.underWay = false;
      const isOver = !error || entry.tries > this.#options.retries || entry.emit.signal?.aborted;
      if (isOver) this.#settle(entry, [error, ...answer]);
      else this.next();
    };
    return { ...entry.emit, ack, ackTakesError: true, flags: { ...flags, timeout } };
  }

  #settle(entry: Entry, result: readonly unknown[]): void {
    const { emit, bytes, unwatch } = entry;
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.bytes -= bytes;
    unwatch?.();
    if (emit.ack) callGuarded(emit.ack, result, { target: this.#owner.handle, event: emit.event });
    this.next();
  }
}
