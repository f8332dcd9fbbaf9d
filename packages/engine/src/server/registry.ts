import type { Place } from "@sockeye/transport/server";
import type { EngineSession, EngineSessionSink } from "./engine-session.js";

/** The sessions of an engine by their ids, which come from the wire: only a `Map` may be asked. */
export class SessionRegistry<Above extends EngineSessionSink> {
  readonly #sessions = new Map<string, EngineSession<Above>>();
  /** Those whose transport is lost. */
  readonly #suspended = new Set<EngineSession<Above>>();
  /** Of the sessions that are counted by address. */
  readonly #places = new Map<string, Place>();

  get size(): number {
    return this.#sessions.size;
  }

  get suspendedCount(): number {
    return this.#suspended.size;
  }

  get(sid: string): EngineSession<Above> | undefined {
    return this.#sessions.get(sid);
  }

  all(): MapIterator<EngineSession<Above>> {
    return this.#sessions.values();
  }

  entries(): MapIterator<[string, EngineSession<Above>]> {
    return this.#sessions.entries();
  }

  /** By transport, without those that are suspended. */
  countByTransport(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { transport, suspended } of this.#sessions.values()) {
      if (transport && !suspended) counts.set(transport.name, (counts.get(transport.name) ?? 0) + 1);
    }
    return counts;
  }

  /** @param place among the sessions of its address, which it has until it is deleted */
  add(sid: string, session: EngineSession<Above>, place: Place | undefined): void {
    this.#sessions.set(sid, session);
    if (place !== undefined) this.#places.set(sid, place);
  }

  suspend(session: EngineSession<Above>): void {
    this.#suspended.add(session);
  }

  resume(session: EngineSession<Above>): void {
    this.#suspended.delete(session);
  }

  delete(sid: string): void {
    const session = this.#sessions.get(sid);
    if (session) this.#suspended.delete(session);
    this.#sessions.delete(sid);
    this.#places.get(sid)?.free();
    this.#places.delete(sid);
  }
}
