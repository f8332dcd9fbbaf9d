import { REPORT, SHOW_INCOMING, SHOW_OUTGOING } from "@sockeye/protocol";
import type { AnyListener } from "./catch-all.js";
import { CatchAll } from "./catch-all.js";
import type { Listener } from "./emitter.js";
import { Emitter } from "./emitter.js";
import type { EventsMap } from "./events.js";

/** The emitter of a socket, on either side: listeners for single events, and for all that come in or go out. */
export abstract class SocketEmitter<Listen extends EventsMap, Own extends EventsMap> extends Emitter<
  Listen,
  Own
> {
  #incoming: CatchAll | undefined;
  #outgoing: CatchAll | undefined;

  /** Takes what the app's code threw or rejected with. */
  abstract [REPORT](error: unknown, event: string | symbol | number): void;

  /** Listens to all events from the other side. An acknowledgement that it waits for is the last argument. */
  onAny(listener: AnyListener): this {
    this.#incoming ??= new CatchAll();
    this.#incoming.add(listener);
    return this;
  }

  /** As {@link onAny}, before the others. */
  prependAny(listener: AnyListener): this {
    this.#incoming ??= new CatchAll();
    this.#incoming.prepend(listener);
    return this;
  }

  /** Takes off one, or without an argument all. */
  offAny(...given: [listener?: AnyListener]): this {
    this.#incoming?.remove(...given);
    return this;
  }

  /** The listeners of {@link onAny}. */
  listenersAny(): Listener[] {
    return this.#incoming?.list() ?? [];
  }

  /** Listens to all events to the other side, when they leave. Acknowledgements are not shown. */
  onAnyOutgoing(listener: AnyListener): this {
    this.#outgoing ??= new CatchAll();
    this.#outgoing.add(listener);
    return this;
  }

  /** As {@link onAnyOutgoing}, before the others. */
  prependAnyOutgoing(listener: AnyListener): this {
    this.#outgoing ??= new CatchAll();
    this.#outgoing.prepend(listener);
    return this;
  }

  /** Takes off one, or without an argument all. */
  offAnyOutgoing(...given: [listener?: AnyListener]): this {
    this.#outgoing?.remove(...given);
    return this;
  }

  /** The listeners of {@link onAnyOutgoing}. */
  listenersAnyOutgoing(): Listener[] {
    return this.#outgoing?.list() ?? [];
  }

  /** An event has come in. @param event its name, its arguments, and the acknowledgement if one is wanted */
  [SHOW_INCOMING](event: readonly unknown[]): void {
    this.#incoming?.run(this, event);
  }

  /** An event leaves. Its `data`, the name, then the arguments, is read only if there is a listener. */
  [SHOW_OUTGOING](packet: { readonly data: readonly unknown[] }): void {
    this.#outgoing?.run(this, packet.data);
  }
}
