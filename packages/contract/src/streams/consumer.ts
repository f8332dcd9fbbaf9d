import { OWN_EVENTS, StreamError } from "@sockeye/protocol";
import type { ContractEnd } from "@sockeye/socket";
import { isThenable, reasonOf } from "@sockeye/socket";
import { CallError } from "../call-error.js";
import type { Stream, StreamRequestOptions } from "./stream-types.js";

/** The socket of a stream, as its consumer sees it. */
export interface ConsumerHost {
  readonly contract: ContractEnd | undefined;
  /** Sends a frame of a stream. */
  send(of: Consumer, event: string, value?: unknown): void;
  /** It is over here, and no frame of it means anything any more. */
  closed(of: Consumer): void;
}

interface Item {
  readonly seq: number;
  readonly value: unknown;
  readonly marked: boolean;
}

type Result = IteratorResult<unknown, undefined>;
interface Reader {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

type Ended = { readonly value?: unknown } | { readonly error: unknown };

/** A stream at the end that reads it. The producer is asked for no more than is read. */
export class Consumer implements Stream {
  readonly name: string;
  readonly input: unknown;
  id: string | undefined;
  position: number;
  readonly end: Promise<unknown>;
  /** Its number on this connection; `undefined` while it waits for one. */
  n: number | undefined = undefined;
  /** Under {@link id}, as the server has said. */
  kept = false;
  readonly #host: ConsumerHost;
  /** What has come and was not read. */
  #items: Item[] = [];
  /** The number of the last item that has come. */
  #last: number;
  /** Readers that wait for an item. */
  #readers: Reader[] = [];
  /** How it ended: told behind the last item. */
  #ended: Ended | undefined;
  /** Have the readers been told? */
  #isTold = false;
  /** Do frames of it still come? */
  #open = true;
  #settle!: { resolve(value: unknown): void; reject(error: unknown): void };
  readonly #unwatch: (() => void) | undefined;

  constructor(
    host: ConsumerHost,
    name: string,
    [input, { id, after = 0, signal } = {}]: readonly [input?: unknown, options?: StreamRequestOptions],
  ) {
    this.#host = host;
    this.name = name;
    this.input = input;
    this.id = id;
    this.position = this.#last = after;
    this.end = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // The reader of the items hears of it there.
    this.end.then(undefined, () => {});
    if (!signal) return;
    const abort = (): void => this.#giveUp(OWN_EVENTS.stop, { error: reasonOf(signal) });
    signal.addEventListener("abort", abort, { once: true });
    this.#unwatch = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
  }

  /** Is more of it to come? */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Has the server said anything of it? */
  get heard(): boolean {
    return this.kept || this.#last > 0;
  }

  /** How it is asked for, now. */
  get request(): object {
    const { name, input, id } = this;
    const after = this.#last || undefined;
    // What is undefined is not in the JSON; MessagePack would make it null.
    const parts = Object.entries({ name, input, id, after }).filter(([, value]) => value !== undefined);
    return Object.fromEntries(parts);
  }

  // ---- from the app

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#hand();
    });
  }

  return(): Promise<Result> {
    this.detach();
    return Promise.resolve({ done: true, value: undefined });
  }

  cancel(): void {
    this.#giveUp(OWN_EVENTS.stop, cancelled("the stream was cancelled"));
  }

  detach(): void {
    this.#giveUp(OWN_EVENTS.detach, cancelled("the stream was left"));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // ---- from the server

  opened(about: unknown): void {
    const { id } = Object(about) as { readonly id?: unknown };
    if (typeof id !== "string") return;
    this.id = id;
    this.kept = true;
  }

  item(seq: unknown, value: unknown, marked: unknown): void {
    if (!this.#open || (seq as number) <= this.#last) return;
    if (seq !== this.#last + 1) {
      this.#giveUp(OWN_EVENTS.stop, { error: new StreamError("ERR_STREAM_FRAME", "an item is missing") });
      return;
    }
    this.#last = seq as number;
    this.#items.push({ seq: seq as number, value, marked: marked === true });
    this.#hand();
  }

  ended(outcome: unknown): void {
    const { value, error } = Object(outcome) as { readonly value?: unknown; readonly error?: unknown };
    if (error === undefined) this.#over({ value });
    else {
      const { code, message, data } = Object(error) as Readonly<Record<string, unknown>>;
      this.#over({ error: new CallError(String(code), data, { message: String(message ?? code) }) });
    }
  }

  /** It cannot continue. What has come is read before the reader is told. */
  failed(error: unknown): void {
    this.#over({ error });
  }

  // ---- inside

  /** Nothing more is read, whatever has come. */
  #giveUp(event: string, outcome: { readonly error: unknown }): void {
    if (this.#ended && this.#items.length === 0) return;
    this.#items = [];
    if (this.#open) this.#host.send(this, event);
    this.#ended = undefined;
    this.#over(outcome);
  }

  #over(outcome: Ended): void {
    if (this.#ended) return;
    this.#ended = outcome;
    if (this.#open) {
      this.#open = false;
      this.#unwatch?.();
      this.#host.closed(this);
    }
    this.#hand();
  }

  /** Hands what has come to who waits for it. */
  #hand(): void {
    while (this.#readers.length > 0 && this.#items.length > 0) {
      const { resolve, reject } = this.#readers.shift() as Reader;
      const { seq, value, marked } = this.#items.shift() as Item;
      this.position = seq;
      if (marked && this.#open) this.#host.send(this, OWN_EVENTS.taken, seq);
      this.#check("item", value, (checked) => resolve({ done: false, value: checked }), reject);
    }
    if (this.#ended && this.#items.length === 0) this.#tellEnd(this.#ended);
  }

  #tellEnd(outcome: Ended): void {
    if ("error" in outcome) this.#settle.reject(outcome.error);
    else if (!this.#isTold) this.#check("end", outcome.value, this.#settle.resolve, this.#settle.reject);
    // The loop of who has left it, or has cancelled it, is simply over. Another's throws, once.
    if ("error" in outcome && !this.#isTold && !isOwnWish(outcome.error)) {
      const reader = this.#readers.shift();
      if (!reader) return;
      reader.reject(outcome.error);
    }
    this.#isTold = true;
    for (const { resolve } of this.#readers.splice(0)) resolve({ done: true, value: undefined });
  }

  #check(
    part: "item" | "end",
    value: unknown,
    resolve: (checked: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const refuse = (error: unknown): void => {
      reject(error);
      if (part === "item") this.#giveUp(OWN_EVENTS.stop, { error });
    };
    try {
      const { contract } = this.#host;
      const checked = contract ? contract.streamPart(this.name, part, value) : value;
      if (isThenable(checked)) checked.then(resolve, refuse);
      else resolve(checked);
    } catch (error) {
      refuse(error);
    }
  }
}

function isOwnWish(error: unknown): boolean {
  return error instanceof StreamError && error.code === "ERR_STREAM_CANCELLED";
}

function cancelled(message: string): { readonly error: StreamError } {
  return { error: new StreamError("ERR_STREAM_CANCELLED", message) };
}
