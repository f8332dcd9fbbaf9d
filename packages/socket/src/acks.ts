import type { Clock, CodecError, Timer } from "@sockeye/protocol";
import { AckError } from "@sockeye/protocol";

export type AckCallback = (...args: unknown[]) => void;

interface PendingAck {
  readonly callback: AckCallback;
  /** Does the callback take an error first? Then it hears of timeouts and disconnections too. */
  readonly takesError: boolean;
  readonly givenUp: ((error: AckError | CodecError) => void) | undefined;
  readonly timer: Timer | undefined;
}

/** How to wait for one acknowledgement. */
export interface AckOptions {
  readonly callback: AckCallback;
  readonly takesError: boolean;
  /** Milliseconds until the callback gets `ERR_ACK_TIMEOUT`; `undefined` waits as long as the connection lives. */
  readonly timeoutMs: number | undefined;
  /** Nobody waits any more, and why. Called before the callback, also where that does not take an error. Must not throw. */
  readonly givenUp?: ((error: AckError | CodecError) => void) | undefined;
}

/** The acknowledgements that a socket waits for. Each is settled once: by the peer, by time, or by the end of the connection. */
export class Acks {
  readonly #clock: Clock;
  readonly #pending = new Map<number, PendingAck>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#pending.size;
  }

  expect(id: number, { callback, takesError, timeoutMs, givenUp }: AckOptions): void {
    const timer =
      timeoutMs === undefined
        ? undefined
        : this.#clock.setTimer(() => this.fail(id, ackTimeout()), timeoutMs);
    this.#pending.set(id, { callback, takesError, givenUp, timer });
  }

  /** The peer's answer. Unknown ids are ignored: the answer came late, or twice. */
  settle(id: number, args: readonly unknown[]): void {
    const ack = this.#take(id);
    if (!ack) return;
    if (ack.takesError) ack.callback(null, ...args);
    else ack.callback(...args);
  }

  /** Stops waiting, without a word to the callback. */
  forget(id: number): void {
    this.#take(id);
  }

  /** The connection is gone: whoever takes an error hears of it. `kept` are ids that still wait to be sent. */
  failAll(kept?: ReadonlySet<number>): void {
    for (const id of [...this.#pending.keys()]) {
      if (kept?.has(id)) continue;
      this.fail(id, new AckError("ERR_ACK_DISCONNECTED", "socket has been disconnected"));
    }
  }

  /** It will not come: whoever takes an error hears of it. */
  fail(id: number | undefined, error: AckError | CodecError): void {
    const ack = id === undefined ? undefined : this.#take(id);
    ack?.givenUp?.(error);
    if (ack?.takesError) ack.callback(error);
  }

  #take(id: number): PendingAck | undefined {
    const ack = this.#pending.get(id);
    if (!ack) return undefined;
    this.#pending.delete(id);
    if (ack.timer !== undefined) this.#clock.clearTimer(ack.timer);
    return ack;
  }
}

/** The error of an acknowledgement that did not come in time; the text is Socket.IO's. */
export function ackTimeout(): AckError {
  return new AckError("ERR_ACK_TIMEOUT", "operation has timed out");
}
