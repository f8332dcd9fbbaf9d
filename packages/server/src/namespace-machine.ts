import type { StreamTable } from "@sockeye/contract/internal";
import type {
  AdapterCore,
  AdapterSocket,
  ContractError,
  ServerDisconnectReason,
  SocketId,
} from "@sockeye/protocol";
import type { RoomRule, RoomSocket, Rooms } from "@sockeye/rooms";
import type { ErrorBoundary, RefusedEvent } from "@sockeye/socket";
import type { Joinable } from "./admission.js";
import type { Exchange } from "./exchange.js";
import type { NamespaceMiddleware } from "./middleware.js";
import type { PeerNamespace } from "./peer-host.js";

/** The machine of a namespace, as its handle and its sockets see it. */
export interface NamespaceMachine extends PeerNamespace, AdapterCore, ErrorBoundary, Joinable {
  /** They decide about each socket that wants to join, in order. */
  middlewares: readonly NamespaceMiddleware<never>[];
  /** Told when the last socket has left, or nobody was let in. */
  emptied: (() => void) | undefined;
  /** The server knows the namespace from now on: an adapter that spans nodes must tell the others at once. */
  begin(): void;
  /** Starts over with a new adapter, for `server.adapter(…)`. */
  resetAdapter(): void;
  /** Ends all sockets and the adapter. */
  shutDown(): Promise<void>;
  /** An error of the app's code, with the socket for which it ran. */
  reportSocketError(error: unknown, id: SocketId, event: string | symbol | number): void;
  exchange: Exchange | undefined;
  /** {@link exchange}, made if there is none. */
  useExchange(): Exchange;
  /** Its streams, made if there are none. */
  useStreams(): StreamTable;
  /** Begins with the streams of another. */
  inheritStreams(parent: NamespaceMachine): void;
  /** Its rooms that remember; unset until there is a rule. */
  readonly rooms: Rooms<RoomSocket> | undefined;
  /** Adds a rule. @throws UsageError `ERR_BAD_OPTION` */
  declareRooms(rooms: string | RegExp, rule: RoomRule<never>): void;
  namesRooms(rooms: unknown, call: string): void;
  /** Begins with the rules of another. */
  inheritRooms(parent: NamespaceMachine): void;
  readonly roomRules: readonly (readonly [rooms: string | RegExp, rule: RoomRule<never>])[];
  /** An event of a socket does not keep to the contract. */
  reportRefused(error: ContractError, id: SocketId, event: RefusedEvent): void;
  /** A socket is gone. @param reason none if it was never let in */
  left(socket: AdapterSocket, reason: ServerDisconnectReason | undefined): void;
}
