import { NEW_STORE } from "@sockeye/protocol";
import { Emitter, type EventsMap, type Listener, type Listeners } from "@sockeye/socket";
import { EventEmitter } from "eventemitter3";

type EventName = string | symbol | number;

/**
 * What a server has few of and an app listens to for long: namespaces, the engine, the cluster. Their listeners are kept by eventemitter3.
 * Sockets, of which there are many, keep them in less memory (ADR 25).
 */
export class PublicEmitter<
  Listen extends EventsMap,
  Own extends EventsMap = Record<never, never>,
> extends Emitter<Listen, Own> {
  /** @internal */
  override [NEW_STORE](): Listeners {
    return new EventStore();
  }
}

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

  clear(event?: EventName): void {
    this.#events.removeAllListeners(event as string | undefined);
  }

  names(): (string | symbol)[] {
    return this.#events.eventNames();
  }
}
