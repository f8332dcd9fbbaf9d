// What an app holds, a socket or a namespace, keeps its machine under these symbols: no name of ours stands among those that
// the app may use.

/** The machine behind a socket. */
export const PEER: unique symbol = Symbol("peer");
/** The machine behind a namespace or a server. */
export const CORE: unique symbol = Symbol("core");
/** Takes what a listener or callback of the app threw or rejected with. */
export const REPORT: unique symbol = Symbol();

/** Shows an event that has come in to the catch-all listeners. */
export const SHOW_INCOMING: unique symbol = Symbol();
/** Shows an event that leaves to the catch-all listeners. */
export const SHOW_OUTGOING: unique symbol = Symbol();

/** Adds the only listener of an event. */
export const HANDLE: unique symbol = Symbol();

/** The listeners of an event, as dispatching calls them. */
export const LISTENERS: unique symbol = Symbol();

/** Makes what keeps the listeners. */
export const NEW_STORE: unique symbol = Symbol();

/** Is called before an emitter's first listener is added. */
export const LISTENED: unique symbol = Symbol();

/** Throws if an event has its only listener already. */
export const REQUIRE_FREE: unique symbol = Symbol();

/**
 * Lets an app put a value of its own where a class of ours has a getter: `socket.status = "typing"` worked before there was one.
 *
 * @param names of getters; where our own code reads one, the app's value is meant
 */
export function makeAssignable(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get: Object.getOwnPropertyDescriptor(prototype, name)?.get as () => unknown,
      set(this: object, value: unknown) {
        Object.defineProperty(this, name, { value, configurable: true, enumerable: true, writable: true });
      },
    });
  }
}

/** Something whose listeners are the app's. */
export interface Guarded {
  /** Must not throw. @param event the event whose listener failed */
  [REPORT](error: unknown, event: string | symbol | number): void;
}
