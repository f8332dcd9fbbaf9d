import type { IncomingMessage } from "node:http";
import type {
  CloseReason,
  Codec,
  ConnectPacket,
  EncodedPacket,
  Limits,
  Packet,
  ServerDisconnectReason,
  SessionView,
  Transport,
} from "@sockeye/protocol";
import { PacketType } from "@sockeye/protocol";
import type { SessionSink } from "@sockeye/session";
import type { ErrorBoundary } from "@sockeye/socket";
import type { KnownSession } from "@sockeye/transport/node";
import { Conn } from "./conn.js";
import type { FirstRequest, Handshake } from "./handshake.js";
import type { SocketConnection } from "./socket.js";

/** A socket, as its connection sees it. */
export interface ConnectedSocket {
  receive(packet: Packet): void;
  end(reason: ServerDisconnectReason, description?: unknown): void;
  disconnect(): unknown;
}

/** A namespace, as connections see it. */
export interface Joinable {
  readonly name: string;
  /** Makes a socket, asks the middlewares, and lets it in by {@link Connection.joined} or not by {@link Connection.refuse}. */
  admit(connection: Connection, auth: Handshake["auth"]): void;
}

/** A session, as its connection sees it. */
export interface ConnectionSession extends SessionView {
  /** Would a packet leave at once? */
  readonly ready: boolean;
  send(packet: EncodedPacket): void;
  /** Another transport wants to take over. */
  offer(transport: Transport): void;
  /** Ends it; what is queued is still written. */
  close(reason?: CloseReason): void;
  /** Ends it; what cannot be written at once is lost. */
  terminate(reason: CloseReason): void;
}

/** What stands above all connections. */
export interface ConnectionHost extends ErrorBoundary {
  readonly codec: Codec;
  readonly limits: Limits;
  /** The namespace of this name, if there is one, or if one may be made for this client. */
  route(name: string, auth: Handshake["auth"]): Joinable | undefined | Promise<Joinable | undefined>;
  /** The connection has joined its first namespace, or is over. */
  settled(connection: Connection): void;
}

const NO_AUTH: Handshake["auth"] = {};

/** One session with many namespaces on it: leads each packet to its socket. */
export class Connection implements SessionSink, SocketConnection, KnownSession {
  readonly first: FirstRequest;
  readonly address: string;
  readonly #host: ConnectionHost;
  #session: ConnectionSession | undefined = undefined;
  #conn: Conn | undefined = undefined;
  readonly #sockets = new Map<string, ConnectedSocket>();
  /** Namespaces whose middlewares are still deciding. */
  #joining: Set<string> | undefined = undefined;
  /** Namespaces that this server has ended: what the client sent before it knew is dropped. */
  #left: Set<string> | undefined = undefined;

  constructor(host: ConnectionHost, first: FirstRequest) {
    this.#host = host;
    this.first = first;
    this.address = first.req.socket.remoteAddress ?? "";
  }

  get id(): string {
    return this.#session?.id ?? "";
  }

  get request(): IncomingMessage {
    return this.first.req;
  }

  get conn(): Conn {
    this.#conn ??= new Conn(this.#open, { boundary: this.#host, request: this.first.req, remoteAddress: this.address });
    return this.#conn;
  }

  get transport(): Transport | undefined {
    return this.#session?.transport;
  }

  get protocol(): 3 | 4 {
    return this.first.protocol;
  }

  /** Would another transport be taken now? */
  get upgradable(): boolean {
    return this.#open.state === "open" && !this.#open.upgraded;
  }

  get ready(): boolean {
    return this.#session?.ready === true;
  }

  /** Names its session; called once, before anything else. */
  bind(session: ConnectionSession): void {
    this.#session = session;
  }

  // ---- from its sockets and namespaces

  encode(packet: Packet, compress: boolean | undefined): EncodedPacket {
    return this.#host.codec.encode(packet, compress);
  }

  send(packet: EncodedPacket): void {
    this.#open.send(packet);
  }

  /** A namespace has let a socket in. */
  joined(namespace: string, socket: ConnectedSocket): void {
    this.#joining?.delete(namespace);
    this.#left?.delete(namespace);
    this.#sockets.set(namespace, socket);
    this.#host.settled(this);
  }

  /** A namespace, or nobody of that name, has refused. */
  refuse(namespace: string, error: { readonly message: string; readonly data?: unknown }): void {
    this.#joining?.delete(namespace);
    const data = error.data === undefined ? { message: error.message } : { message: error.message, data: error.data };
    this.#answer({ type: PacketType.CONNECT_ERROR, nsp: namespace, id: undefined, data });
  }

  left(namespace: string): void {
    if (!this.#sockets.delete(namespace)) return;
    this.#left ??= new Set();
    if (this.#left.size < this.#host.limits.maxNamespacesPerConnection) this.#left.add(namespace);
  }

  disconnect(): void {
    for (const socket of [...this.#sockets.values()]) socket.disconnect();
    this.#open.close("forced server close");
  }

  /** Another transport for the session, which wants to take over. */
  offer(transport: Transport): void {
    this.#open.offer(transport);
  }

  /** It has joined nothing for too long. */
  giveUp(): void {
    if (this.#sockets.size === 0) this.#open.close();
  }

  /** The server goes away. */
  shutDown(): void {
    this.#open.terminate("server shutting down");
  }

  // ---- from the session

  packet(packet: Packet): void {
    const socket = this.#sockets.get(packet.nsp);
    if (packet.type === PacketType.CONNECT && !socket) this.#connect(packet);
    else if (socket && packet.type !== PacketType.CONNECT && packet.type !== PacketType.CONNECT_ERROR) {
      socket.receive(packet);
    } else if (!this.#left?.has(packet.nsp)) this.#open.close();
  }

  closed(reason: CloseReason, cause: Error | undefined): void {
    this.#host.settled(this);
    this.#joining = undefined;
    for (const socket of [...this.#sockets.values()]) socket.end(reason, cause);
  }

  // ---- inside

  get #open(): ConnectionSession {
    if (!this.#session) throw new Error("The connection has no session yet.");
    return this.#session;
  }

  #connect({ nsp: name, data: auth = NO_AUTH }: ConnectPacket): void {
    this.#joining ??= new Set();
    if (this.#joining.has(name)) {
      this.#open.close();
      return;
    }
    if (this.#sockets.size + this.#joining.size >= this.#host.limits.maxNamespacesPerConnection) {
      this.refuse(name, { message: "Too many namespaces" });
      return;
    }
    this.#joining.add(name);
    const found = this.#host.route(name, auth);
    if (found instanceof Promise) found.then((namespace) => this.#enter(namespace, name, auth));
    else this.#enter(found, name, auth);
  }

  #enter(namespace: Joinable | undefined, name: string, auth: Handshake["auth"]): void {
    if (!this.#joining?.has(name)) return;
    if (namespace) namespace.admit(this, auth);
    else this.refuse(name, { message: "Invalid namespace" });
  }

  #answer(packet: Packet): void {
    try {
      this.send(this.encode(packet, undefined));
    } catch (error) {
      // The app put something into `error.data` that is no JSON.
      this.#host.reportError(error, "connect_error");
      this.send(this.encode({ ...packet, data: { message: "Refused" } } as Packet, undefined));
    }
  }

  /** Is a namespace still deciding about this client? False once it has gone. */
  awaits(namespace: string): boolean {
    return this.#joining?.has(namespace) === true;
  }
}
