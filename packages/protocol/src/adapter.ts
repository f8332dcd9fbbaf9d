import type { Clock } from "./clock.js";
import type { CORE, Guarded, PEER } from "./handle.js";
import type { OverflowPolicy } from "./overflow.js";
import type { EncodedPacket, EventPacket } from "./packet.js";

/** Id of a socket, unique over all namespaces and nodes; 20 characters. */
export type SocketId = string;

/** A label on sockets. */
export type Room = string;

/** How a broadcast travels. */
export interface BroadcastFlags {
  /** Drop it for receivers that cannot take it at once. */
  readonly volatile?: boolean | undefined;
  /** False: transports should not compress it. */
  readonly compress?: boolean | undefined;
  /** This node only. */
  readonly local?: boolean | undefined;
  /** All but the sender. */
  readonly broadcast?: boolean | undefined;
  /** Milliseconds to wait for acknowledgements. */
  readonly timeout?: number | undefined;
  /** For receivers that read too slowly. Default: what is set for each receiver. */
  readonly overflow?: OverflowPolicy | undefined;
}

/** Whom a broadcast or a bulk operation means: the union of `rooms` (none: everybody), less the members of `except`. */
export interface BroadcastOptions {
  readonly rooms: ReadonlySet<Room>;
  readonly except?: ReadonlySet<Room> | undefined;
  readonly flags?: BroadcastFlags | undefined;
}

/** What an adapter needs of a socket on this node. */
export interface AdapterSocket {
  readonly id: SocketId;
  readonly [PEER]: AdapterPeer;
  join(rooms: Room | Room[]): Promise<void> | void;
  leave(room: Room): Promise<void> | void;
  disconnect(close?: boolean): unknown;
}

/** The way to a socket's client. */
export interface AdapterPeer {
  /** Queues a packet that is encoded already; shows it to outgoing catch-all listeners. Never throws. */
  deliver(packet: EventPacket, encoded: EncodedPacket, flags: BroadcastFlags): void;
  /** Delivers a packet with an id and calls `answered` with the arguments of the acknowledgement, at most once. */
  deliverWithAck(
    packet: EventPacket,
    encoded: EncodedPacket,
    flags: BroadcastFlags,
    answered: (args: readonly unknown[]) => void,
  ): void;
}

/** What an adapter needs of its namespace. */
export interface AdapterNamespace<S extends AdapterSocket = AdapterSocket> extends Guarded {
  readonly name: string;
  /** Connected sockets of this node. */
  readonly sockets: ReadonlyMap<SocketId, S>;
  readonly [CORE]: AdapterCore;
}

/** What a namespace does for its adapter. */
export interface AdapterCore {
  readonly clock: Clock;
  /** Ids of acknowledgements come from one counter, so that all receivers of a broadcast can share one. */
  nextAckId(): number;
  /** Encodes a broadcast, once for all receivers. */
  encode(packet: EventPacket, flags: BroadcastFlags): EncodedPacket;
  /** Checks a broadcast by the contract, in development. @param event its name, then its arguments. @throws ContractError */
  outgoing?(event: readonly unknown[]): void;
  /** Looks at the rooms that the app names, for who develops. @param call how it has named them */
  namesRooms?(rooms: unknown, call: string): void;
  /** Rooms that remember are in use: sends by the adapter what has to be sent to whom, and keeps it. Unset: the adapter alone. */
  readonly remember?: ((packet: EventPacket, options: BroadcastOptions) => void) | undefined;
}
