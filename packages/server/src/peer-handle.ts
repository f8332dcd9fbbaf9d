import type { Room, ServerDisconnectReason, SHOW_INCOMING, SHOW_OUTGOING, SocketId } from "@sockeye/protocol";
import type { Dispatchable } from "@sockeye/socket";

/** Tells the namespace that the socket has gone, with the reason if it was ever let in. */
export const LEFT: unique symbol = Symbol("left");

/** The app's handle of a peer: its listeners. */
export interface PeerHandle extends Dispatchable {
  readonly id: SocketId;
  readonly rooms: ReadonlySet<Room>;
  join(rooms: Room | Room[]): unknown;
  hasListeners(event: string): boolean;
  listenersAny(): readonly unknown[];
  [SHOW_INCOMING](event: readonly unknown[]): void;
  [SHOW_OUTGOING](event: readonly unknown[]): void;
  [LEFT](reason: ServerDisconnectReason | undefined): void;
}
