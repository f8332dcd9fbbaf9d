import type { IncomingMessage } from "node:http";
import type { Adapter } from "@sockeye/adapter";
import type { FirstRequest } from "@sockeye/engine/server";
import type {
  Clock,
  EncodedPacket,
  Limits,
  OverflowPolicy,
  Packet,
  SocketId,
  SockeyeError,
} from "@sockeye/protocol";
import type { RoomSocket, Rooms } from "@sockeye/rooms";
import type { DropPolicy } from "@sockeye/session";
import type { Conn } from "./conn.js";
import type { Exchange } from "./exchange.js";
import type { Histogram } from "./histogram.js";

/** The connection under a peer. */
export interface PeerConnection {
  readonly first: FirstRequest;
  /** Would a packet leave at once? */
  readonly ready: boolean;
  /** Set if it is measured how long acknowledgements take. */
  readonly ackTime?: Histogram | undefined;
  /** An event waits for the app. @returns false if too much does: then the connection is at its end */
  hold(bytes: number): boolean;
  /** It waits no more. */
  release(bytes: number): void;
  /**
   * Something that has waited for the app is to continue: has this turn of the event loop no time for it? Then `goOn` is called once one
   * has. It must not throw. @param bytes that it holds until then
   */
  delays(goOn: () => void, bytes?: number): boolean;
  /** Does anything wait for that? */
  readonly delaying: boolean;
  /** Something is held for this client, and counts in the budget of the process; below zero once it is not. */
  keep(bytes: number): void;
  encode(packet: Packet, compress: boolean | undefined): EncodedPacket;
  send(packet: EncodedPacket, droppable?: DropPolicy): void;
  /** Takes a packet back that was given up, unless it was written. */
  takeBack?(packet: EncodedPacket): unknown;
  /** A limit was exceeded for its sake. */
  exceeded(error: SockeyeError): void;
  /** A socket has left its namespace. */
  left(namespace: string): void;
  /** A socket waits for no acknowledgement any more, and owes none. */
  rested(): void;
}

/** The namespace of a peer. */
export interface PeerNamespace {
  readonly name: string;
  readonly adapter: Adapter;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly overflowPolicy: OverflowPolicy;
  /** Are broken connections recovered? Then all events must go through the adapter. */
  readonly recovers: boolean;
  /** Also at other nodes? Then the adapter must know of clients that are only away. */
  readonly recoversElsewhere: boolean;
  /** Of the app, on the namespace itself. */
  hasListeners(event: string): boolean;
  nextAckId(): number;
  /** Its contract and handlers; unset until one is in use. */
  readonly exchange: Exchange | undefined;
  newSocketId(): SocketId;
  /** Its rooms that remember; unset until there is a rule. */
  readonly rooms: Rooms<RoomSocket> | undefined;
}

/** The connection under a socket. */
export interface SocketConnection extends PeerConnection {
  readonly id: string;
  readonly conn: Conn;
  readonly request: IncomingMessage;
  readonly bufferedBytes: number;
  /** Where the client is, for what is counted per address; `undefined` if it is not counted. */
  readonly group: string | undefined;
  /** The client makes the process keep so many bytes more, or fewer: for its budget. */
  keep(bytes: number): void;
  drained(): Promise<boolean>;
  /** Ends all sockets of the connection, and the connection itself. */
  disconnect(): void;
}
