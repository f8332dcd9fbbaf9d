import type {
  ContractError,
  EventPacket,
  Room,
  ServerDisconnectReason,
  SHOW_INCOMING,
  SHOW_OUTGOING,
  SocketId,
} from "@sockeye/protocol";
import type { Dispatchable, RefusedEvent } from "@sockeye/socket";

/** Tells the namespace that the socket has gone, with the reason if it was ever let in. */
export const LEFT: unique symbol = Symbol("left");

/** An event of the client does not keep to the contract. */
export const REFUSED: unique symbol = Symbol("refused");

/** The app's handle of a peer: its listeners. */
export interface PeerHandle extends Dispatchable {
  readonly id: SocketId;
  readonly rooms: ReadonlySet<Room>;
  join(rooms: Room | Room[]): unknown;
  listenersAny(): readonly unknown[];
  [SHOW_INCOMING](event: readonly unknown[]): void;
  /** What is in the packet is read only if there is a listener. */
  [SHOW_OUTGOING](packet: Pick<EventPacket, "data">): void;
  [REFUSED](error: ContractError, event: RefusedEvent): void;
  [LEFT](reason: ServerDisconnectReason | undefined): void;
}
