import type { BroadcastFlags, ClientDisconnectReason } from "@sockeye/protocol";
import { makeAssignable, PEER, REPORT } from "@sockeye/protocol";
import type {
  AckAnswer,
  DefaultEventsMap,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  Unchecked,
  WaitOptions,
  WithTimeout,
} from "@sockeye/socket";
import { callGuarded, Emission, emitAndWait, readEmit, SocketEmitter } from "@sockeye/socket";
import { adviseOn } from "#advice";
import type { DisconnectDescription, ManagerView, Status } from "./manager-view.js";
import type { AnySocketOptions, Auth, SocketOptions } from "./options.js";
import { Peer } from "./peer.js";
import type { BufferedPacket, SocketHost } from "./peer-host.js";
import { reportAppError } from "./report-error.js";
import { knowSelf, unproxied } from "./unproxied.js";

const NO_FLAGS: BroadcastFlags = {};

export type { BufferedPacket } from "./peer-host.js";

/** An error with what the server's middleware has put beside it. */
export interface ExtendedError extends Error {
  data?: Unchecked;
}

/** What the library emits on a socket. */
export interface SocketReservedEvents {
  /** The server has let it in. */
  connect: () => void;
  /** It could not connect. If `socket.active` is true it will be tried again. */
  connect_error: (error: ExtendedError) => void;
  /** It was connected and is not any more. */
  disconnect: (reason: ClientDisconnectReason, description?: DisconnectDescription) => void;
}

/** The manager of a socket. */
export interface SocketManager extends ManagerView {
  /** The socket of a namespace, made if there is none. */
  socket(nsp: string, opts?: Partial<SocketOptions>): Socket;
}

/**
 * One namespace of a server. It stays the same object over any number of connections; its id changes with each.
 *
 * @typeParam ListenEvents events from the server
 * @typeParam EmitEvents events to the server
 */
export class Socket<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
> extends SocketEmitter<ListenEvents, SocketReservedEvents> {
  /** The manager, which has the connection. */
  readonly io: SocketManager;
  /** The name of its namespace. */
  readonly nsp: string;
  /** What the server is told at the next connection. */
  auth: Auth | undefined;
  /** Was the last interruption bridged by the server: same id, same rooms, missed events delivered? */
  recovered = false;
  /** Events that wait for the connection, oldest first. They leave before `connect` is emitted. */
  sendBuffer: BufferedPacket[] = [];
  /** Events that came before the server's answer to CONNECT. */
  receiveBuffer: Array<readonly unknown[]> = [];

  /** @internal */
  readonly [PEER]: Peer;

  /** @internal Sockets come from `io()` and `manager.socket()`. */
  constructor(io: SocketManager, nsp: string, opts: AnySocketOptions, host: SocketHost) {
    super();
    knowSelf(this);
    this.io = io;
    this.nsp = nsp;
    this.auth = opts.auth;
    this[PEER] = new Peer(this, host, opts);
  }

  /** Public, unlike the engine's. `undefined` while not connected. */
  get id(): string | undefined {
    return this[PEER].id;
  }

  /** Is it connected? True while it is {@link suspended}. */
  get connected(): boolean {
    return this[PEER].connected;
  }

  /** Is it not connected? */
  get disconnected(): boolean {
    return !this[PEER].connected;
  }

  /** Is it connected, or will it be as soon as possible? */
  get active(): boolean {
    return this[PEER].active;
  }

  /** State of the connection right now: enough for a sign in a user interface. */
  get status(): Status {
    return this[PEER].status;
  }

  /** Is the transport gone and being replaced? {@link connected} stays true meanwhile, and what is emitted waits. */
  get suspended(): boolean {
    return this[PEER].status === "suspended";
  }

  /**
   * Calls the listener with each new {@link status}, over any number of connections. No event: servers may emit one of any name.
   *
   * @returns a function that ends it
   */
  onStatus(listener: (status: Status) => void): () => void {
    const tell = (): void => callGuarded(listener, [this[PEER].status], { target: this, event: "status" });
    const { watchers } = this[PEER];
    watchers.add(tell);
    return () => void watchers.delete(tell);
  }

  /** Connects, with the manager if need be. Harmless if it has begun. */
  connect(): this {
    this[PEER].connect();
    return this;
  }

  /** The same as {@link connect}. */
  open(): this {
    return this.connect();
  }

  /** Leaves the namespace, for good, after all that was emitted. Events that wait in {@link sendBuffer} stay there. */
  disconnect(): this {
    this[PEER].disconnect();
    return this;
  }

  /** The same as {@link disconnect}. */
  close(): this {
    return this.disconnect();
  }

  // ---- to the server

  /**
   * Sends an event, or keeps it until there is a connection. A function as the last argument gets the acknowledgement.
   *
   * @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE`
   */
  emit<Ev extends EventNames<EmitEvents>>(event: Ev, ...args: EventParams<EmitEvents, Ev>): this {
    this[PEER].emitOut(readEmit(event, args, NO_FLAGS));
    return this;
  }

  /**
   * Sends an event and resolves with the acknowledgement.
   *
   * @throws AckError (as a rejection) `ERR_ACK_TIMEOUT`, `ERR_ACK_DISCONNECTED`
   */
  emitWithAck<Ev extends EventNamesWithAck<EmitEvents>>(
    event: Ev,
    ...args: EventParamsWithoutAck<EmitEvents, Ev>
  ): Promise<AckAnswer<EmitEvents, Ev>> {
    return emitAndWait(this[PEER], readEmit(event, args, NO_FLAGS));
  }

  /** Sends an event named `message`. */
  send(...args: unknown[]): this {
    return this.emit("message" as never, ...(args as never));
  }

  /** What is emitted through it is dropped if it cannot leave at once. */
  get volatile(): Emission<EmitEvents> {
    return new Emission(this[PEER], { volatile: true });
  }

  /** Node.js: whether transports may compress what is emitted through it. */
  compress(compress: boolean): Emission<EmitEvents> {
    return new Emission(this[PEER], { compress });
  }

  /** Acknowledgements of what is emitted through it get an error first, `ERR_ACK_TIMEOUT` after `timeoutMs`; `Infinity` waits as long as the connection lives. */
  timeout(timeoutMs: number, options?: WaitOptions): Emission<WithTimeout<EmitEvents>> {
    return new Emission(this[PEER], { ...options, timeout: timeoutMs });
  }

  // ---- a server that reads too slowly, or not now

  /**
   * Bytes that wait: for the connection, for the network as far as it is known here, and with `retries` for acknowledgements.
   * What the other namespaces of the connection have sent counts too. Each packet counts about 100 bytes more than it has.
   */
  get bufferedBytes(): number {
    return this[PEER].waitingBytes;
  }

  /**
   * Waits until all that was emitted has left and more could leave at once; while there is no connection, for the next one.
   *
   * @returns false if the connection ends before that, or if there is none and none will come; it never rejects
   */
  drained(): Promise<boolean> {
    return this[PEER].drained();
  }

  /** Takes what the app's code threw or rejected with. */
  [REPORT](error: unknown): void {
    reportAppError(error);
  }
}

unproxied(Socket, "Socket");
/** Types that go by the name of the class. */
export declare namespace Socket {
  export type DisconnectReason = ClientDisconnectReason;
}

makeAssignable(Socket.prototype, ["id", "connected", "status", "suspended", "bufferedBytes"]);
adviseOn(Socket.prototype);
