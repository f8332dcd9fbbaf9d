import type { EventName, Listener, Listeners } from "../listener-store.js";

/** What ../listener-store.ts does on Node.js, for bundles: see docs/adr/0025-listeners-in-an-object.md. */
export class ListenerStore implements Listeners {
  readonly #lists = new Map<EventName, readonly Listener[]>();

  list(event: EventName): Listener[] {
    return [...(this.#lists.get(keyOf(event)) ?? [])];
  }

  count(event: EventName): number {
    return this.#lists.get(keyOf(event))?.length ?? 0;
  }

  add(event: EventName, listener: Listener): void {
    this.replace(event, [...this.list(event), listener]);
  }

  replace(event: EventName, listeners: readonly Listener[]): void {
    if (listeners.length > 0) this.#lists.set(keyOf(event), listeners);
    else this.clear(event);
  }

  clear(event?: EventName): void {
    if (event === undefined) this.#lists.clear();
    else this.#lists.delete(keyOf(event));
  }

  names(): (string | symbol)[] {
    return [...this.#lists.keys()] as (string | symbol)[];
  }
}

function keyOf(event: EventName): string | symbol {
  return typeof event === "number" ? `${event}` : event;
}
