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

/**
 * By event, a list, or the listener if there is but one. Names may come from anywhere, so the prototype is empty. Objects of one class share
 * their shape, so that on a server each costs its values alone; those of `Object.create(null)` and a `Map` do not.
 */
class Lists {
  static {
    Object.setPrototypeOf(Lists.prototype, null);
    Reflect.deleteProperty(Lists.prototype, "constructor");
  }
  [event: EventName]: Listener | Listener[];
}

/** On Node.js. What bundles for browsers have in its place is web/listener-store.ts; one suite holds both. */
export class ListenerStore implements Listeners {
  #lists = new Lists();

  list(event: EventName): Listener[] {
    const known = this.#lists[event];
    if (known === undefined) return [];
    return typeof known === "function" ? [known] : [...known];
  }

  count(event: EventName): number {
    const known = this.#lists[event];
    if (known === undefined) return 0;
    return typeof known === "function" ? 1 : known.length;
  }

  add(event: EventName, listener: Listener): void {
    const known = this.#lists[event];
    if (known === undefined) this.#lists[event] = listener;
    else if (typeof known === "function") this.#lists[event] = [known, listener];
    else known.push(listener);
  }

  replace(event: EventName, listeners: readonly Listener[]): void {
    if (listeners.length === 0) this.clear(event);
    else this.#lists[event] = listeners.length === 1 ? (listeners[0] as Listener) : [...listeners];
  }

  clear(event?: EventName): void {
    if (event !== undefined) delete this.#lists[event];
    if (event === undefined || this.names().length === 0) this.#lists = new Lists();
  }

  names(): (string | symbol)[] {
    return Reflect.ownKeys(this.#lists);
  }
}
