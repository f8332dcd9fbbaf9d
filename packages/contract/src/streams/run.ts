import { isThenable } from "@sockeye/socket";
import { isCallError } from "../call-error.js";

/** How a stream ended, as it travels. */
export type Outcome =
  | { readonly value?: unknown }
  | { readonly error: { readonly code: string; readonly message: string; readonly data?: unknown } };

/** What a producer makes: items, and perhaps a value at the end. */
export type Produced<Item, End> =
  | AsyncIterator<Item, End>
  | Iterator<Item, End>
  | AsyncIterable<Item, End>
  | Iterable<Item, End>;

/** Takes what a producer makes. */
export interface RunSink {
  item(value: unknown): void;
  /** Once, and last. */
  ended(outcome: Outcome): void;
  /** The app's code has failed. Must not throw. */
  reportError(error: unknown): void;
}

/** A producer at work. It makes an item when it is asked to. Nothing that it does, or fails to do, holds anybody up. */
export class Run {
  readonly #sink: RunSink;
  readonly #controller = new AbortController();
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  #asked = false;
  #over = false;
  /** Called once the app's code has ended as well: after a stop it may take its time. */
  settled: (() => void) | undefined = undefined;

  constructor(sink: RunSink) {
    this.#sink = sink;
  }

  /** Aborts when nobody wants more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get over(): boolean {
    return this.#over;
  }

  /** @param produce what the app has written */
  begin(produce: () => unknown): void {
    try {
      this.#iterator = iteratorOf(produce());
    } catch (error) {
      this.#failed(error);
    }
    // It may have been told to stop by the app's own code meanwhile.
    if (this.#over && this.#iterator) this.#leave();
  }

  /** Asks for one more item. Nothing while one is under way. */
  ask(): void {
    if (this.#asked || this.#over || !this.#iterator) return;
    this.#asked = true;
    try {
      const result: unknown = this.#iterator.next();
      if (!isThenable(result)) this.#made(result);
      else
        Promise.resolve(result)
          .then((made) => this.#made(made))
          .then(undefined, (error: unknown) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Stops the producer: its signal aborts and its iterator returns, and nobody waits for either. */
  stop(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    // First of all: what the app does when it hears of the end comes after it.
    this.#sink.ended(outcome);
    this.#controller.abort();
    this.#leave();
  }

  #leave(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    const failed = (error: unknown): void => {
      this.#failed(error);
      this.settled?.();
    };
    try {
      const left: unknown = iterator?.return?.();
      if (isThenable(left)) left.then(() => this.settled?.(), failed);
      else this.settled?.();
    } catch (error) {
      failed(error);
    }
  }

  #made(made: unknown): void {
    this.#asked = false;
    if (this.#over) return;
    if (typeof made !== "object" || made === null) {
      this.#failed(new TypeError("next() of a stream gives an object"));
      return;
    }
    const { done, value } = made as IteratorResult<unknown>;
    if (!done) this.#sink.item(value);
    else this.#finish(value === undefined ? {} : { value });
  }

  #finish(outcome: Outcome): void {
    this.#over = true;
    this.#iterator = undefined;
    this.#sink.ended(outcome);
    this.settled?.();
  }

  #failed(error: unknown): void {
    const { signal } = this.#controller;
    // A producer that was told to stop, and says so, has not failed.
    const isTheStop = signal.aborted && (error === signal.reason || isAbort(error) || isCallError(error));
    if (!isTheStop && !isCallError(error)) this.#sink.reportError(error);
    if (!this.#over) this.#finish(failureOf(error));
  }
}

/** What the peer is told of an error: a stack never travels, and what is not a `CallError` is nobody's business. */
export function failureOf(error: unknown): Outcome {
  if (!isCallError(error)) return internal();
  const { code, message, data } = error;
  return { error: data === undefined ? { code, message } : { code, message, data } };
}

export function internal(): Outcome {
  return failure("ERR_INTERNAL", "internal error");
}

export function failure(code: string, message: string): Outcome {
  return { error: { code, message } };
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function iteratorOf(produced: unknown): AsyncIterator<unknown> | Iterator<unknown> {
  const source = Object(produced) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const iterator = source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]?.();
  if (!iterator)
    throw new TypeError("a stream's handler returns an iterable: make it an async generator function");
  return iterator;
}
