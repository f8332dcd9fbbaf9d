import { NEW_STORE } from "@sockeye/protocol";
import { Emitter, type EventsMap, type Listeners } from "@sockeye/socket";
import { EventStore } from "./event-store.js";

/**
 * What a server has few of and an app listens to for long: namespaces, the engine, the cluster. Their listeners are kept by eventemitter3.
 * Sockets, of which there are many, keep them in less memory (ADR 25).
 */
export class PublicEmitter<
  Listen extends EventsMap,
  Own extends EventsMap = Record<never, never>,
> extends Emitter<Listen, Own> {
  override [NEW_STORE](): Listeners {
    return new EventStore();
  }
}
