import type {
  BroadcastOptions,
  Clock,
  EncodedPacket,
  EventPacket,
  SharedRoom,
  SharedRoomKeep,
  SharedRoomSink,
} from "@sockeye/protocol";
import type { Refusal } from "./room-error.js";

/** A socket, as far as rooms need it. */
export interface RoomSocket {
  readonly id: string;
  readonly connected: boolean;
  join(rooms: string[]): PromiseLike<void> | void;
  leave(room: string): PromiseLike<void> | void;
}

/** The namespace under {@link Rooms}. */
export interface RoomsHost<S extends RoomSocket> {
  /** Of the namespace. */
  readonly name: string;
  readonly clock: Clock;
  socket(id: string): S | undefined;
  /** May this be the id of a socket, here or on another node? Such a room is that socket's own. */
  isSocketId(room: string): boolean;
  /** Of the client: what one may be sent is counted for it, and not for its sockets. */
  connection(socket: S): object;
  /** Pieces of bytes that a packet may have. */
  readonly maxAttachments: number;
  /** Sends to all that are meant, by the adapter. */
  broadcast(packet: EventPacket, options: BroadcastOptions): void;
  /** May a socket of this name be in this room, here or on another node? */
  hasMembers(room: string): boolean;
  /** @throws CodecError for what cannot be sent */
  encode(packet: EventPacket): EncodedPacket;
  /** The name and arguments of what was encoded here. */
  decode(encoded: EncodedPacket): readonly unknown[];
  /** Sends an encoded packet to one socket. */
  deliver(socket: S, packet: EventPacket, encoded: EncodedPacket): void;
  /** On a cluster: follows a room over all nodes. Without it there is one node. */
  share?(room: string, keep: SharedRoomKeep | undefined, sink: SharedRoomSink): SharedRoom;
  /** On a cluster: does its engine keep anything? */
  readonly keeps?: boolean;
  /** A text that no other log has: up to 32 letters, digits, dashes and underscores. */
  makeEpoch(): string;
  /**
   * Checks what a client publishes by the contract, if there is one.
   *
   * @returns the event as `onPublish` gets it
   * @throws what {@link refusalOf} knows, also as a rejection
   */
  check(socket: S, event: readonly unknown[]): readonly unknown[] | PromiseLike<readonly unknown[]>;
  /** For a room that the contract does not declare, if there is one: throws what {@link refusalOf} knows. */
  undeclared(socket: S, room: string): (() => never) | undefined;
  /** What a client is told of an error by which the app or the contract refuses; `undefined` if it is another one. */
  refusalOf(error: unknown): Refusal | undefined;
  /** Something for a socket has waited and is to continue: has this turn no time for it? Then `goOn` is called once one has. */
  delays(socket: S, goOn: () => void): boolean;
  /** Takes what a callback of the app threw or rejected with. Must not throw. */
  reportError(error: unknown, event: string): void;
}
