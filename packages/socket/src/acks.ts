import type { Clock, CodecError, Timer } from "@sockeye/protocol";
import { AckError } from "@sockeye/protocol";

const ABORTED = "ERR_ACK_ABORTED";

export type AckCallback = (...args: unknown[]) => void;

interface PendingAck {
  readonly callback: AckCallback;
  /** Does the callback take an error first? Then it hears of timeouts and disconnections too. */
  readonly takesError: boolean;
  readonly givenUp: ((code: string) => void) | undefined;
  readonly timer: Timer | undefined;
  readonly unwatch: (() => void) | undefined;
}

/** How to wait for one acknowledgement. */
export interface AckOptions {
  readonly callback: AckCallback;
  readonly takesError: boolean;
  /** Milliseconds until the callback gets `ERR_ACK_TIMEOUT`; `undefined` waits as long as the connection lives. */
  readonly timeoutMs: number | undefined;
  /** Waits no more when it aborts: the callback gets the reason, if it takes an error. */
  readonly signal?: AbortSignal | undefined;
  /** Nobody waits any more, and why, as the code of an error. Called before the callback, also where that does not take an error. Must not throw. */
  readonly givenUp?: ((code: string) => void) | undefined;
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

  expect(id: number, { callback, takesError, timeoutMs, givenUp, signal }: AckOptions): void {
    const timer =
      timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY
        ? undefined
        : this.#clock.setTimer(() => this.fail(id, ackTimeout()), timeoutMs);
    const unwatch = signal && whenAborted(signal, (error) => this.fail(id, error, ABORTED));
    this.#pending.set(id, { callback, takesError, givenUp, timer, unwatch });
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

  /** The connection is gone: callbacks that take an error get one. `kept` are ids that still wait to be sent. */
  failAll(kept?: ReadonlySet<number>): void {
    for (const id of [...this.#pending.keys()]) {
      if (kept?.has(id)) continue;
      this.fail(id, disconnected());
    }
  }

  /** It will not come: a callback that takes an error gets one. */
  fail(id: number | undefined, error: AckError | CodecError): void;
  fail(id: number | undefined, error: unknown, code: string): void;
  fail(id: number | undefined, error: unknown, code: string = (error as AckError).code): void {
    const ack = id === undefined ? undefined : this.#take(id);
    ack?.givenUp?.(code);
    if (ack?.takesError) ack.callback(error);
  }

  #take(id: number): PendingAck | undefined {
    const ack = this.#pending.get(id);
    if (!ack) return undefined;
    this.#pending.delete(id);
    if (ack.timer !== undefined) this.#clock.clearTimer(ack.timer);
    ack.unwatch?.();
    return ack;
  }
}

/** The error of an acknowledgement whose connection has gone. */
export function disconnected(): AckError {
  return new AckError("ERR_ACK_DISCONNECTED", "socket has been disconnected");
}

/** The error of an acknowledgement that did not come in time; the text is Socket.IO's. */
export function ackTimeout(): AckError {
  return new AckError("ERR_ACK_TIMEOUT", "operation has timed out");
}

/** Why a signal has aborted. Whatever the app has given, it passes for an error. */
export function reasonOf({ reason }: AbortSignal): unknown {
  return reason || new AckError(ABORTED, "aborted");
}

/** Calls `act` with the reason when a signal aborts. @returns a function that ends it */
export function whenAborted(signal: AbortSignal, act: (reason: unknown) => void): () => void {
  const aborted = (): void => act(reasonOf(signal));
  signal.addEventListener("abort", aborted);
  return () => signal.removeEventListener("abort", aborted);
}
