import { requireFunction } from "@sockeye/protocol";
import type { CallContext, ContractEnd, IncomingAck, Listener } from "@sockeye/socket";
import { isThenable } from "@sockeye/socket";
import { isCallError } from "./call-error.js";
import { internalRefusal, refusalArgs } from "./wire.js";

/** A handler, as it is called. */
export type AnyCallHandler = (input: never, context: CallContext<never>) => unknown;

/** The calls of one socket that are being handled. A stranger may give one id to several: only the latest can be cancelled by it. */
export class Running {
  readonly #all = new Set<Run>();
  readonly #latest = new Map<number, Run>();

  add(id: number, run: Run): void {
    this.#all.add(run);
    this.#latest.set(id, run);
  }

  remove(id: number, run: Run): void {
    this.#all.delete(run);
    if (this.#latest.get(id) === run) this.#latest.delete(id);
  }

  /** The peer does not wait for this one any more. What is no id of a call is ignored. */
  cancel(id: unknown): void {
    this.#latest.get(id as number)?.abort();
  }

  /** The peer is gone. */
  cancelAll(): void {
    for (const run of [...this.#all]) run.abort();
    this.#all.clear();
    this.#latest.clear();
  }
}

/** Whose calls a handler answers. */
export interface Answerer {
  readonly socket: object;
  readonly contract: ContractEnd | undefined;
  readonly running: Running;
  /** Takes an error of the app's code. Must not throw. @param name of the call */
  reportError(error: unknown, name: string): void;
}

/** One call that is being handled: what its handler gets. The signal is made when the handler asks for it. */
class Run implements CallContext<object> {
  readonly socket: object;
  readonly name: string;
  #controller: AbortController | undefined;
  #aborted = false;

  constructor(socket: object, name: string) {
    this.socket = socket;
    this.name = name;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

/**
 * Runs a handler for one call and answers it, once. Whatever the handler throws stops nobody.
 *
 * @param args of the event: the input, and the acknowledgement if the caller waits for one
 */
export function answerCall(
  answerer: Answerer,
  { name, handler }: { readonly name: string; readonly handler: AnyCallHandler },
  args: readonly unknown[],
): void {
  const last = args.at(-1);
  const ack = typeof last === "function" ? (last as IncomingAck) : undefined;
  const input = args.length > 0 && args[0] !== ack ? args[0] : undefined;
  const run = new Run(answerer.socket, name);
  const id = ack?.ackId;
  if (id !== undefined) answerer.running.add(id, run);
  const answer = (...values: readonly unknown[]): void => {
    if (id !== undefined) answerer.running.remove(id, run);
    ack?.(...values);
  };
  const refuse = (error: unknown): void => {
    try {
      if (isCallError(error)) answer(...refusalArgs(error.code, error.message, error.data));
      else {
        // Of who has given up nobody needs to hear that it did.
        if (!run.aborted || error !== run.signal.reason) answerer.reportError(error, name);
        answer(...internalRefusal());
      }
    } catch (failure) {
      // The data of the refusal cannot be encoded.
      answerer.reportError(failure, name);
      answer(...internalRefusal());
    }
  };
  const succeed = (value: unknown): void => {
    try {
      if (value === undefined) answer();
      else answer(value);
    } catch (error) {
      refuse(error);
    }
  };
  try {
    const result: unknown = handler.call(answerer.socket as never, input as never, run as never);
    const { contract } = answerer;
    const checked = (value: unknown): unknown => {
      const late = contract?.outgoingAnswer(name, value);
      return isThenable(late) ? late.then(() => succeed(value)) : succeed(value);
    };
    if (isThenable(result)) result.then(checked).then(undefined, refuse);
    else {
      const late = checked(result);
      if (isThenable(late)) late.then(undefined, refuse);
    }
  } catch (error) {
    refuse(error);
  }
}

/** A handler as a listener of its event. @param of whose call it is: called with `this` of the listener */
export function answering(
  name: string,
  handler: AnyCallHandler,
  of: (target: object) => Answerer,
): Listener & { readonly listener: AnyCallHandler } {
  requireFunction(handler, "a handler");
  const listen = function (this: object, ...args: readonly unknown[]): void {
    answerCall(of(this), { name, handler }, args);
  };
  return Object.assign(listen, { listener: handler });
}
