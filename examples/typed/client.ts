// A player. Note the order of the type parameters: what it hears comes first, at both ends.
import { io, type Socket } from "@sockeye/client";
import type { ClientToServer, Place, ServerToClient } from "./events.js";

export interface Player {
  /** Where the others are, as far as they have moved. */
  readonly others: ReadonlyMap<string, Place>;
  move(to: Place): void;
  rename(name: string): Promise<string | null>;
  leave(): void;
}

/** @param ready decides about a round */
export function join(url: string, ready: (round: number) => boolean): Player {
  const socket: Socket<ServerToClient, ClientToServer> = io(url, { forceNew: true });
  const others = new Map<string, Place>();
  socket.on("moved", (name, to) => others.set(name, to));
  socket.on("ready", (round, reply) => reply(ready(round)));
  return {
    others,
    move: (to) => socket.emit("move", to),
    rename: (name) => socket.timeout(1000).emitWithAck("rename", name),
    leave: () => socket.disconnect(),
  };
}
