import { HANDLE, LISTENED, LISTENERS, NEW_STORE, REQUIRE_FREE, UsageError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import { ListenerStore } from "#listener-store";
import type { EventHandler, EventNames, EventsMap, Unchecked } from "./events.js";
import type { Listener, Listeners } from "./listener-store.js";
import { requireListener } from "./require-listener.js";

export type { Listener } from "./listener-store.js";

/** Any name; editors still offer those that stand beside it in a union. */
type AnyName = symbol | (string & Record<never, never>);

type AnyHandler = (...args: Unchecked[]) => unknown;

/** Options of a listener. */
export interface ListenOptions {
  /** Takes the listener off when it aborts; one that has aborted already adds none. */
  readonly signal?: AbortSignal | undefined;
}

interface AddOptions extends ListenOptions {
  readonly once?: boolean | undefined;
  /** Before all others. */
  readonly first?: boolean | undefined;
}

/** A listener inside another, of which the app does not know. */
type Wrapped = Listener & {
  readonly listener?: Wrapped;
  /** Set if it is the only one that the event may have. */
  readonly only?: boolean;
  /** It has been taken off: what waits for its signal is, too. */
  forget?: () => void;
};

/**
 * The event emitter at the app's edge: what `on`, `once` and `off` do is here, for servers, namespaces, sockets and
 * managers alike. It costs nothing until the first listener comes. Listeners are called by {@link dispatch} and by
 * nothing else.
 *
 * @typeParam Listen events that come from the other side
 * @typeParam Own events that the library itself emits on this object
 */
export class Emitter<Listen extends EventsMap, Own extends EventsMap = Record<never, never>> {
  #store: Listeners | undefined;

  /** @throws UsageError `ERR_HANDLED` if `handle` has the name; `ERR_BAD_OPTION` if the listener is not a function */
  on<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
    options?: ListenOptions,
  ): this {
    return this.#add(event, listener as Listener, options);
  }

  /** The same as {@link on}. */
  addListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
    options?: ListenOptions,
  ): this {
    return this.on(event, listener, options);
  }

  /** Adds a listener that is called at most once. */
  once<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
    options?: ListenOptions,
  ): this {
    return this.#add(event, listener as Listener, { ...options, once: true });
  }

  /** Adds a listener before those that are there. */
  prependListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
    options?: ListenOptions,
  ): this {
    return this.#add(event, listener as Listener, { ...options, first: true });
  }

  /** Adds a listener before those that are there, which is called at most once. */
  prependOnceListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
    options?: ListenOptions,
  ): this {
    return this.#add(event, listener as Listener, { ...options, first: true, once: true });
  }

  /**
   * Takes off one listener, all of an event, or all of all events; which of these is said by the number of arguments, so one that is
   * `undefined` by mistake takes off nothing.
   */
  off<Ev extends EventNames<Own> | EventNames<Listen>>(
    event?: Ev,
    listener?: EventHandler<Own & Listen, Ev>,
  ): this;
  /** By a name of which nothing is known: what is not there is not taken off. */
  off(event: string | symbol, listener?: AnyHandler): this;
  off(...given: [event?: string | symbol, listener?: Listener]): this {
    const [event, wanted] = given;
    if (given.length < 2) return this.removeAllListeners(...(given as [string?]));
    if (event === undefined || wanted === undefined) return this;
    const before = this[LISTENERS](event) as Wrapped[];
    const at = before.findIndex((each) => each === wanted || each.listener === wanted);
    if (at < 0) return this;
    before[at]?.forget?.();
    this.#store?.replace(
      event,
      before.filter((_, index) => index !== at),
    );
    return this;
  }

  /** The same as {@link off}. */
  removeListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
  ): this;
  /** The same as {@link off}. */
  removeListener(event: string | symbol, listener: AnyHandler): this;
  removeListener(...given: [event: string | symbol, listener: AnyHandler]): this {
    return this.off(...given);
  }

  /** As {@link off} without a listener. */
  removeAllListeners(...given: [event?: EventNames<Own> | EventNames<Listen> | AnyName]): this {
    const [event] = given;
    if (event === undefined && given.length > 0) return this;
    for (const name of event === undefined ? this.eventNames() : [event])
      for (const each of this[LISTENERS](name) as Wrapped[]) each.forget?.();
    this.#store?.clear(event);
    return this;
  }

  /** The same as {@link on}, for code that knows Socket.IO's client or the DOM. */
  addEventListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
    options?: ListenOptions,
  ): this {
    return this.on(event, listener, options);
  }

  /** The same as {@link off}. */
  removeEventListener(...given: [event: string | symbol, listener: AnyHandler]): this {
    return this.off(...given);
  }

  /** The listeners of an event, in order. */
  listeners<Ev extends EventNames<Own> | EventNames<Listen>>(event: Ev): EventHandler<Own & Listen, Ev>[] {
    const raw = this[LISTENERS](event) as Wrapped[];
    return raw.map((each) => each.listener ?? each) as unknown as EventHandler<Own & Listen, Ev>[];
  }

  /** As {@link listeners}, but with the wrappers of `once`. */
  rawListeners(event: string | symbol | number): Listener[] {
    return this[LISTENERS](event);
  }

  /** As {@link rawListeners}, under a name that no app has. */
  [LISTENERS](event: string | symbol | number): Listener[] {
    return this.#store?.list(event) ?? [];
  }

  /** How many listeners an event has. */
  listenerCount(event: EventNames<Own> | EventNames<Listen> | AnyName): number {
    return this.#store?.count(event) ?? 0;
  }

  /** Does an event have a listener? */
  hasListeners(event: EventNames<Own> | EventNames<Listen> | AnyName): boolean {
    return Boolean(this.#store?.count(event));
  }

  /** The events that have listeners. */
  eventNames(): Array<string | symbol> {
    return this.#store?.names() ?? [];
  }

  /** There is no limit to warn about; here for code that raises it. */
  setMaxListeners(_count: number): this {
    return this;
  }

  /** Always `Infinity`: there is no limit. */
  getMaxListeners(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Makes what keeps the listeners. */
  [NEW_STORE](): Listeners {
    return new ListenerStore();
  }

  /** The first listener is about to be added. */
  [LISTENED](): void {}

  /**
   * An event gets one listener, and no other as long as that is there.
   *
   * @param listener of its own: it is marked
   * @throws UsageError `ERR_HANDLED`
   */
  [HANDLE](event: string, listener: Listener, options?: ListenOptions): void {
    this[REQUIRE_FREE](event);
    if (this.#store?.count(event)) throw handled(event);
    this.#add(event, Object.assign(listener, { only: true }), options);
  }

  /** May a listener be added? @throws UsageError `ERR_HANDLED` */
  [REQUIRE_FREE](event: string | symbol | number): void {
    if (this.#store?.count(event) !== 1) return;
    const [first] = this[LISTENERS](event) as Wrapped[];
    if (first?.only || first?.listener?.only) throw handled(String(event));
  }

  #lazily(): Listeners {
    if (!this.#store) {
      this.#store = this[NEW_STORE]();
      this[LISTENED]();
    }
    return this.#store;
  }

  #add(event: string | symbol | number, given: Listener, { signal, once, first }: AddOptions = {}): this {
    requireListener(given);
    this[REQUIRE_FREE](event);
    if (signal?.aborted) return this;
    const listener = once || signal ? this.#wrapped(event as string, given, { signal, once }) : given;
    const store = this.#lazily();
    if (first) store.replace(event, [listener, ...store.list(event)]);
    else store.add(event, listener);
    return this;
  }

  /** A new wrapper each time that a listener is added: the same function may be there twice. */
  #wrapped(event: string, listener: Listener, { signal, once }: AddOptions): Wrapped {
    let called = false;
    const wrapper: Wrapped = (...args: never[]): unknown => {
      // It may be in the list of an emit further out on the stack, too.
      if (called) return undefined;
      if (once) {
        called = true;
        takeOff();
      }
      return listener.apply(this, args);
    };
    const takeOff = (): void => void this.off(event, wrapper as AnyHandler);
    signal?.addEventListener("abort", takeOff);
    const forget = (): void => signal?.removeEventListener("abort", takeOff);
    return Object.assign(wrapper, { listener, forget });
  }
}

function handled(event: string): UsageError {
  return new UsageError("ERR_HANDLED", prose("alreadyHandled", event));
}
