import type { Adapter } from "@sockeye/adapter";
import type { SocketId } from "@sockeye/protocol";

/** Adapters made for Socket.IO: methods of theirs called `position`, `settle` or `flush` are not what ours are. */
const FOREIGN = new WeakSet<Adapter>();

export function keepsNoLog(adapter: Adapter): void {
  FOREIGN.add(adapter);
}

/** Where the log of its namespace ends: see {@link Adapter.position}. */
export function positionOf(adapter: Adapter): string | null | undefined {
  return FOREIGN.has(adapter) ? undefined : adapter.position();
}

/** A socket is about to be sent away: see {@link Adapter.settle}. */
export function settle(adapter: Adapter, id: SocketId): void {
  if (!FOREIGN.has(adapter)) adapter.settle(id);
}

/** Resolves once all is delivered that was said on this node: see {@link Adapter.flush}. */
export function flush(adapter: Adapter): Promise<void> | undefined {
  return FOREIGN.has(adapter) ? undefined : adapter.flush();
}
