import type { BroadcastFlags } from "@sockeye/protocol";
import { RESERVED_EVENTS, UsageError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { AckCallback } from "./acks.js";
import { reasonOf } from "./acks.js";
import type {
  AckAnswer,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  Unchecked,
  WithTimeout,
} from "./events.js";

/** One emit, taken apart. */
export interface Emit {
  readonly event: string;
  /** The arguments without the acknowledgement callback. */
  readonly args: readonly unknown[];
  readonly ack: AckCallback | undefined;
  /** Does the callback take an error first? With a timeout, and for promises. */
  readonly ackTakesError: boolean;
  readonly flags: BroadcastFlags;
  /** Ends the wait for the acknowledgement; has not aborted yet. */
  readonly signal?: AbortSignal | undefined;
  /** Is told the id under which the acknowledgement is waited for. */
  readonly sentAs?: ((ackId: number) => void) | undefined;
}

/** Options of `timeout`. */
export interface WaitOptions {
  /**
   * Ends the wait: the acknowledgement gets the signal's reason as its error, and the promise of `emitWithAck` rejects with it. An
   * event that has not left yet never does.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Flags of an emit. The signal is for this end alone; the others go to adapters, and to other nodes. */
export interface EmitFlags extends BroadcastFlags, WaitOptions {}

/** What carries emits out: a socket, or a selection of sockets. */
export interface EmitTarget {
  emitOut(emit: Emit): void;
}

/**
 * Checks the name of an event that goes out: a text, or a finite number. No receiver would accept another.
 *
 * @throws UsageError `ERR_BAD_EVENT_NAME`, `ERR_RESERVED_EVENT`
 */
export function requireEventName(event: unknown): asserts event is string {
  if (typeof event !== "string" && !Number.isFinite(event)) {
    throw new UsageError("ERR_BAD_EVENT_NAME", prose("badEventName", event === null ? "null" : typeof event));
  }
  if (RESERVED_EVENTS.has(event as string)) {
    throw new UsageError("ERR_RESERVED_EVENT", `"${String(event)}" is a reserved event name`);
  }
}

/** Takes an emit apart and checks the event's name. @throws UsageError `ERR_BAD_EVENT_NAME`, `ERR_RESERVED_EVENT` */
export function readEmit(event: unknown, args: readonly unknown[], flags: BroadcastFlags): Emit {
  requireEventName(event);
  const last = args.length > 0 ? args[args.length - 1] : undefined;
  const ack = typeof last === "function" ? (last as AckCallback) : undefined;
  return {
    event,
    args: ack ? args.slice(0, -1) : args,
    ack,
    ackTakesError: flags.timeout !== undefined,
    flags,
    signal: undefined,
  };
}

/** Emits and waits: resolves with the acknowledgement's first argument, rejects with an `AckError`. */
export function emitAndWait(target: EmitTarget, emit: Emit): Promise<Unchecked> {
  return new Promise((resolve, reject) => {
    const ack: AckCallback = (error, answer) => (error ? reject(error as Error) : resolve(answer));
    const asked = { ...emit, ack, ackTakesError: true };
    if (!refuseAborted(asked)) target.emitOut(asked);
  });
}

/** Is the signal aborted from the beginning? Then nothing is sent, and the caller is told if it waits. */
function refuseAborted({ signal, ack, ackTakesError }: Emit): boolean {
  if (!signal?.aborted) return false;
  if (ackTakesError) ack?.(reasonOf(signal));
  return true;
}

/** A target with flags, as a value: nothing is kept on the target between calls. */
export class Flagged<Events extends EventsMap, Target extends EmitTarget = EmitTarget> {
  protected readonly target: Target;
  protected readonly flags: EmitFlags;

  constructor(target: Target, flags: EmitFlags) {
    this.target = target;
    this.flags = flags;
  }

  /** Dropped if it cannot leave at once. */
  get volatile(): this {
    return this.with({ volatile: true });
  }

  /** Whether transports may compress it. */
  compress(compress: boolean): this {
    return this.with({ compress });
  }

  /** @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE` */
  emit<Ev extends EventNames<Events>>(event: Ev, ...args: EventParams<Events, Ev>): boolean {
    const emit = read(event, args, this.flags);
    if (!refuseAborted(emit)) this.target.emitOut(emit);
    return true;
  }

  /** Emits and resolves with the acknowledgement's first argument; rejects with an `AckError`. */
  emitWithAck<Ev extends EventNamesWithAck<Events>>(
    event: Ev,
    ...args: EventParamsWithoutAck<Events, Ev>
  ): Promise<AckAnswer<Events, Ev>> {
    return emitAndWait(this.target, read(event, args, this.flags));
  }

  /** Emits an event named `message`. */
  send(...args: unknown[]): this {
    const emit = read("message", args, this.flags);
    if (!refuseAborted(emit)) this.target.emitOut(emit);
    return this;
  }

  /** The same as {@link send}. */
  write(...args: unknown[]): this {
    return this.send(...args);
  }

  protected with(flags: EmitFlags): this {
    const Same = this.constructor as new (target: Target, flags: EmitFlags) => this;
    return new Same(this.target, { ...this.flags, ...flags });
  }
}

function read(event: unknown, args: readonly unknown[], given: EmitFlags): Emit {
  if (given.signal === undefined) return readEmit(event, args, given);
  const { signal, ...flags } = given;
  return { ...readEmit(event, args, flags), signal };
}

// For editors, which name the class that declares a method. The code is that of `Flagged`.
export interface Emission<Events extends EventsMap> {
  /** Emits with these flags. @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE` */
  emit<Ev extends EventNames<Events>>(event: Ev, ...args: EventParams<Events, Ev>): boolean;
}

/** What `socket.volatile`, `socket.timeout(…)` and the like return. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class has the method, from its base
export class Emission<Events extends EventsMap> extends Flagged<Events> {
  /** The acknowledgement gets an error as its first argument, `ERR_ACK_TIMEOUT` if it does not come within `timeoutMs`; `Infinity` waits as long as the connection lives. */
  timeout(timeoutMs: number, options?: WaitOptions): Emission<WithTimeout<Events>> {
    return this.with({ ...options, timeout: timeoutMs }) as unknown as Emission<WithTimeout<Events>>;
  }
}
