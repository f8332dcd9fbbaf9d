import type { EventEmitter } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Socket as NetSocket } from "node:net";
import type { Server } from "@sockeye/server";
import { vi } from "vitest";

/** What there is of a server, beside what its app keeps. All zero, or what it was before, once everybody has left. */
export interface Count {
  readonly sessions: number;
  /** Whose clients may come back. */
  readonly suspended: number;
  /** That have joined no namespace yet. */
  readonly waiting: number;
  readonly sockets: number;
  readonly rooms: number;
  readonly namespaces: number;
  readonly clients: number;
  /** Of the adapter of the main namespace. */
  readonly sids: number;
  readonly adapterRooms: number;
  /** What waits for all clients of the process, or from them. */
  readonly heldBytes: number;
  readonly timers: number;
  /** Connections that its HTTP server has accepted. */
  readonly wires: number;
  readonly listenersOfHttp: string;
  readonly listenersOfProcess: string;
}

/** Counts on a server whose timers are not real. */
export class Census {
  readonly #http: HttpServer;
  readonly #wires = new Set<NetSocket>();
  #closesIdle = false;
  /** Before a server sits on it. */
  readonly listenersOfHttp: string;

  constructor(http: HttpServer) {
    this.#http = http;
    http.on("connection", (wire) => {
      this.#wires.add(wire);
      wire.once("close", () => this.#wires.delete(wire));
    });
    this.listenersOfHttp = listenersOf(http);
  }

  /** As when the network breaks, for all at once. */
  cut(): void {
    for (const wire of this.#wires) wire.destroy();
  }

  /** From now on connections that wait for another request are closed before they are counted. */
  closeIdle(): void {
    this.#closesIdle = true;
  }

  count(io: Server): Count {
    if (this.#closesIdle) this.#http.closeIdleConnections();
    const { sessions, suspended, waiting, sockets, rooms, namespaces, heldBytes } = io.metrics();
    const { adapter } = io.sockets;
    return {
      sessions: Object.values(sessions).reduce((sum, count) => sum + count, 0),
      suspended,
      waiting,
      sockets,
      rooms,
      namespaces,
      clients: io.engine.clientsCount,
      sids: adapter.sids.size,
      adapterRooms: adapter.rooms.size,
      heldBytes,
      timers: vi.getTimerCount(),
      wires: this.#wires.size,
      listenersOfHttp: listenersOf(this.#http),
      listenersOfProcess: listenersOf(process),
    };
  }
}

function listenersOf(emitter: EventEmitter): string {
  const counts = emitter.eventNames().map((name) => `${String(name)} ${emitter.listenerCount(name)}`);
  return counts.sort().join(", ");
}
