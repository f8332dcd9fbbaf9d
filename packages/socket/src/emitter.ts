import { EventEmitter } from "eventemitter3";
import type { EventHandler, EventNames, EventsMap, Unchecked } from "./events.js";

export type Listener = (...args: never[]) => unknown;

/** Any name; editors still offer those that stand beside it in a union. */
type AnyName = symbol | (string & Record<never, never>);

type AnyHandler = (...args: Unchecked[]) => unknown;

/** A listener that `once` has wrapped; the app knows only the one inside. */
type Wrapped = Listener & { readonly listener?: Listener };

/**
 * The event emitter at the app's edge: what `on`, `once` and `off` do is here, for servers, namespaces, sockets and
 * managers alike. It costs nothing until the first listener comes. Listeners are called by {@link dispatch} and by
 * nothing else.
 *
 * @typeParam Listen events that come from the other side
 * @typeParam Own events that the library itself emits on this object
 */
export class Emitter<Listen extends EventsMap, Own extends EventsMap = Record<never, never>> {
  #events: EventEmitter | undefined;

  on<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
  ): this {
    this.#lazily().on(event as string, listener as Listener as never);
    return this;
  }

  addListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
  ): this {
    return this.on(event, listener);
  }

  once<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
  ): this {
    return this.on(event, this.#onlyOnce(event as string, listener as Listener) as never);
  }

  prependListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
  ): this {
    this.#replace(event as string, [listener as Listener, ...this.rawListeners(event)]);
    return this;
  }

  prependOnceListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
  ): this {
    return this.prependListener(event, this.#onlyOnce(event as string, listener as Listener) as never);
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
    const before = this.rawListeners(event) as Wrapped[];
    const at = before.findIndex((each) => each === wanted || each.listener === wanted);
    if (at >= 0)
      this.#replace(
        event as string,
        before.filter((_, index) => index !== at),
      );
    return this;
  }

  removeListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
  ): this;
  removeListener(event: string | symbol, listener: AnyHandler): this;
  removeListener(...given: [event: string | symbol, listener: AnyHandler]): this {
    return this.off(...given);
  }

  /** As {@link off} without a listener. */
  removeAllListeners(...given: [event?: EventNames<Own> | EventNames<Listen> | AnyName]): this {
    const [event] = given;
    if (event !== undefined || given.length === 0) this.#events?.removeAllListeners(event as string);
    return this;
  }

  /** The same as {@link on}, for code that knows Socket.IO's client or the DOM. */
  addEventListener<Ev extends EventNames<Own> | EventNames<Listen>>(
    event: Ev,
    listener: EventHandler<Own & Listen, Ev>,
  ): this {
    return this.on(event, listener);
  }

  /** The same as {@link off}. */
  removeEventListener(...given: [event: string | symbol, listener: AnyHandler]): this {
    return this.off(...given);
  }

  listeners<Ev extends EventNames<Own> | EventNames<Listen>>(event: Ev): EventHandler<Own & Listen, Ev>[] {
    const raw = this.rawListeners(event) as Wrapped[];
    return raw.map((each) => each.listener ?? each) as unknown as EventHandler<Own & Listen, Ev>[];
  }

  /** As {@link listeners}, but with the wrappers of `once`. */
  rawListeners(event: string | symbol | number): Listener[] {
    return (this.#events?.listeners(event as string) ?? []) as Listener[];
  }

  listenerCount(event: EventNames<Own> | EventNames<Listen> | AnyName): number {
    return this.#events?.listenerCount(event as string) ?? 0;
  }

  hasListeners(event: EventNames<Own> | EventNames<Listen> | AnyName): boolean {
    return this.listenerCount(event) > 0;
  }

  eventNames(): Array<string | symbol> {
    return this.#events?.eventNames() ?? [];
  }

  /** There is no limit to warn about; here for code that raises it. */
  setMaxListeners(_count: number): this {
    return this;
  }

  getMaxListeners(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** The first listener is about to be added. */
  protected listened(): void {}

  #lazily(): EventEmitter {
    if (!this.#events) {
      this.#events = new EventEmitter();
      this.listened();
    }
    return this.#events;
  }

  /** eventemitter3 neither prepends nor takes off one of two equal listeners. */
  #replace(event: string, listeners: readonly Listener[]): void {
    const events = this.#lazily();
    events.removeAllListeners(event);
    for (const each of listeners) events.on(event, each as never);
  }

  #onlyOnce(event: string, listener: Listener): Wrapped {
    let called = false;
    const wrapper = (...args: never[]): unknown => {
      // It may be in the list of an emit further out on the stack, too.
      if (called) return undefined;
      called = true;
      this.#events?.off(event, wrapper as never);
      return listener.apply(this, args);
    };
    return Object.assign(wrapper, { listener });
  }
}
