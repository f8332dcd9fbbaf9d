import type { Listener, Listeners } from "@sockeye/socket";
import { EventEmitter } from "eventemitter3";

type EventName = string | symbol | number;

/** Lists of listeners, kept by eventemitter3. */
export class EventStore implements Listeners {
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

  /** Its `removeAllListeners` takes the empty name, 0 and `null` for all names. */
  clear(event?: EventName): void {
    if (event === undefined) this.#events.removeAllListeners();
    else this.#events.removeListener(event as string);
  }

  names(): (string | symbol)[] {
    return this.#events.eventNames();
  }
}
