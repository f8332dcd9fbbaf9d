import { REPORT, requireFunction } from "@sockeye/protocol";
import type { ExtensionHost, Listener } from "@sockeye/socket";
import { callGuarded } from "@sockeye/socket";

/** Functions of the app that want to know something. What one throws is reported and stops nobody. */
export class Listeners<Args extends readonly unknown[]> {
  readonly #all = new Set<{ readonly listener: (...args: Args) => unknown }>();
  readonly #target: { [REPORT](error: unknown): void };
  readonly #event: string;

  /** @param event how errors name it */
  constructor(host: ExtensionHost, event: string) {
    this.#target = { [REPORT]: (error) => host.reportError(error) };
    this.#event = event;
  }

  get size(): number {
    return this.#all.size;
  }

  /** @returns what takes it off */
  add(listener: (...args: Args) => unknown): () => void {
    requireFunction(listener, "a listener");
    const entry = { listener };
    this.#all.add(entry);
    return () => void this.#all.delete(entry);
  }

  tell(...args: Args): void {
    for (const { listener } of [...this.#all])
      callGuarded(listener as Listener, args, { target: this.#target, event: this.#event });
  }
}
