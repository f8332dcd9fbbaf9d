// A player. No type is written here but that of what comes out: the rest comes from the contract.
import { io } from "@sockeye/client";
import { calls, isCallError } from "@sockeye/contract/client";
import { game, type Place } from "./contract.js";

export interface Player {
  /** Where the others are, as far as they have moved. */
  readonly others: ReadonlyMap<string, Place>;
  move(to: Place): void;
  /** Resolves with the name that one has now: another one, if that is taken. */
  rename(name: string): Promise<string>;
  leave(): void;
}

/** @param ready decides about a round */
export function join(url: string, ready: (round: number) => boolean): Player {
  const socket = io(url, { forceNew: true, contract: game, extend: [calls] });
  const others = new Map<string, Place>();
  socket.on("moved", (name, to) => others.set(name, to));
  socket.handle("ready", ready);
  return {
    others,
    move: (to) => socket.emit("move", to),
    async rename(name) {
      try {
        return await socket.call("rename", name, { timeoutMs: 1000 });
      } catch (error) {
        if (isCallError(error, "TAKEN")) return this.rename((error.data as { suggest: string }).suggest);
        throw error;
      }
    },
    leave: () => socket.disconnect(),
  };
}
