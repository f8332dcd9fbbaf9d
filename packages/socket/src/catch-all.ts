import type { Guarded } from "@sockeye/protocol";
import { callGuarded } from "./dispatch.js";
import type { Listener } from "./emitter.js";
import type { Unchecked } from "./events.js";
import { requireListener } from "./require-listener.js";

/** A method, so that the app may declare a narrower type for the name: TypeScript compares the parameters of methods both ways. */
interface CatchAllHandler {
  call(event: string, ...args: Unchecked[]): void;
}

/** A listener for every event. */
export type AnyListener = CatchAllHandler["call"];

/** Listeners for every event, with its name as their first argument. One list for what comes in, one for what goes out. */
export class CatchAll {
  #listeners: Listener[] = [];

  add(listener: Listener): void {
    requireListener(listener);
    this.#listeners = [...this.#listeners, listener];
  }

  prepend(listener: Listener): void {
    requireListener(listener);
    this.#listeners = [listener, ...this.#listeners];
  }

  /** Takes off one listener, or without an argument all. */
  remove(...given: [listener?: Listener]): void {
    const at = this.#listeners.indexOf(given[0] as Listener);
    if (given.length === 0) this.#listeners = [];
    else if (at >= 0) this.#listeners = this.#listeners.filter((_, index) => index !== at);
  }

  list(): Listener[] {
    return [...this.#listeners];
  }

  /** @param args the event's name, then its arguments */
  run(target: Guarded, args: readonly unknown[]): void {
    const context = { target, event: args[0] as string };
    for (const listener of this.#listeners) callGuarded(listener, args, context);
  }
}
