import { EventEmitter } from "eventemitter3";

/** Any function; what it takes is between the app and its events. */
export type Listener = (...args: never[]) => unknown;

export type EventName = string | symbol | number;

/** What an emitter keeps: lists of listeners by event. A number is the name of its digits. */
export interface Listeners {
  /** A copy of the list of an event. */
  list(event: EventName): Listener[];
  count(event: EventName): number;
  add(event: EventName, listener: Listener): void;
  /** Puts a list in the place of the one that there was. */
  replace(event: EventName, listeners: readonly Listener[]): void;
  /** Forgets all of an event, or without an argument all. */
  clear(event?: EventName): void;
  names(): (string | symbol)[];
}

/** On Node.js. What bundles for browsers have in its place is web/listener-store.ts; one suite holds both. */
export class ListenerStore implements Listeners {
  readonly #events = new EventEmitter();

  list(event: EventName): Listener[] {
    return this.#events.listeners(event as string) as Listener[];
  }

  count(event: EventName): number {
    return this.#events.listenerCount(event as string);
  }

  add(event: EventName, listener: Listener): void {
    this.#events.on(event as string, listener as never);
  }

  /** eventemitter3 neither prepends nor takes off one of two equal listeners. */
  replace(event: EventName, listeners: readonly Listener[]): void {
    this.clear(event);
    for (const each of listeners) this.add(event, each);
  }

  clear(event?: EventName): void {
    this.#events.removeAllListeners(event as string | undefined);
  }

  names(): (string | symbol)[] {
    return this.#events.eventNames();
  }
}
