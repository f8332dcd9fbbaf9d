// What an app holds, a socket or a namespace, keeps its machine under these symbols: no name of ours stands among those that
// the app may use.

/** The machine behind a socket. */
export const PEER: unique symbol = Symbol("peer");
/** The machine behind a namespace or a server. */
export const CORE: unique symbol = Symbol("core");
/** Takes what a listener or callback of the app threw or rejected with. */
export const REPORT: unique symbol = Symbol("report");

/** Shows an event that has come in to the catch-all listeners. */
export const SHOW_INCOMING: unique symbol = Symbol("show incoming");
/** Shows an event that leaves to the catch-all listeners. */
export const SHOW_OUTGOING: unique symbol = Symbol("show outgoing");

/** Adds the only listener of an event. */
export const HANDLE: unique symbol = Symbol("handle");

/** Something whose listeners are the app's. */
export interface Guarded {
  /** Must not throw. @param event the event whose listener failed */
  [REPORT](error: unknown, event: string | symbol | number): void;
}
