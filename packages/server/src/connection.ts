import type { IncomingMessage } from "node:http";
import type {
  BroadcastFlags,
  Claim,
  Clock,
  CloseReason,
  Codec,
  ConnectErrorPacket,
  ConnectPacket,
  Decoder,
  EncodedPacket,
  Frame,
  Limits,
  Packet,
  ServerDisconnectReason,
  SessionView,
  Transport,
} from "@sockeye/protocol";
import { NamespaceError, PacketType, SessionError, SockeyeError } from "@sockeye/protocol";
import type { DropPolicy, SessionEnd, SessionSink } from "@sockeye/session";
import { GAP, sizeOf } from "@sockeye/session";
import type { ErrorBoundary } from "@sockeye/socket";
import type { KnownSession } from "@sockeye/transport/server";
import { Conn } from "./conn.js";
import type { Leaving } from "./drain.js";
import { isEio3, splitQuery } from "./eio3-client.js";
import type { FirstRequest } from "./first-request.js";
import { enveloped } from "./foreign-adapter.js";
import type { Handshake } from "./handshake.js";
import { JoinedNamespaces } from "./joined-namespaces.js";
import { Joins } from "./joins.js";
import type { Holder } from "./memory-budget.js";
import { Account } from "./memory-budget.js";
import { memoryOf } from "./memory-of.js";
import type { Monitor, Monitored } from "./monitor.js";
import { refusalOf } from "./refusal-of.js";
import type { SocketConnection } from "./socket.js";

/** A socket, as its connection sees it. */
export interface ConnectedSocket {
  /** Does it wait for an acknowledgement, or owe one? */
  readonly busy: boolean;
  receive(packet: Packet): void;
  end(reason: ServerDisconnectReason, description?: unknown): void;
  disconnect(): unknown;
}

/** A namespace, as connections see it. */
export interface Joinable {
  readonly name: string;
  /** Makes a socket, asks the middlewares, and lets it in or refuses. */
  admit(admission: Admission): void;
}

/**
 * One attempt of a client to join a namespace. There is one at a time for each namespace of a connection: what the client asks
 * meanwhile waits until this one is decided, and then takes its place.
 */
export class Admission {
  #next: Handshake["auth"] | undefined = undefined;

  constructor(
    readonly connection: Connection,
    readonly namespace: string,
    readonly auth: Handshake["auth"],
  ) {}

  /** Does the client still wait for this answer? */
  get awaited(): boolean {
    return this.#next === undefined && this.connection.awaits(this);
  }

  /** With which `auth` the client has asked again, the last time that it did. */
  get next(): Handshake["auth"] | undefined {
    return this.#next;
  }

  /** The client has asked again. Only the last attempt is kept. */
  supersede(auth: Handshake["auth"]): void {
    this.#next = auth;
  }

  /** The decision is over, whatever it was: the next attempt may begin. */
  over(): void {
    this.connection.decided(this);
  }

  letIn(socket: ConnectedSocket): void {
    this.connection.joined(this.namespace, socket);
  }

  refuse(error: unknown): void {
    this.connection.refused(this.namespace, error);
  }
}

/** What a connection knows of a namespace: its socket; that the namespace is still deciding; that the socket has left. */
type JoinState = ConnectedSocket | Admission | "left";

/** A session, as its connection sees it. */
export interface ConnectionSession extends SessionView {
  /** Would a packet leave at once? */
  readonly ready: boolean;
  readonly bufferedBytes: number;
  /** Is another transport being tried? */
  readonly probing?: boolean;
  /** Set if it outlives its transports. */
  readonly counted?: { readonly retainedBytes: number } | undefined;
  readonly decoder?: Decoder;
  /** Those that wait, and those that are kept. */
  readonly packets?: readonly (readonly EncodedPacket[])[];
  send(packet: EncodedPacket, droppable?: DropPolicy): void;
  /** Takes back what was given up and not written. */
  takeBack?(packet: EncodedPacket): boolean;
  drained(): Promise<boolean>;
  /** A client says that it goes on over another transport. @returns false if it has not proved that it may */
  acceptClaim?(transport: Transport, claim: Pick<Claim, "secret" | "received">): boolean;
  /** Another transport wants to take over. */
  offer(transport: Transport): void;
  /** Ends it, since it is over for the client. */
  end?(end: SessionEnd): void;
  /** Ends it; what is queued is still written. */
  close(reason?: CloseReason): void;
  /** Ends it; what cannot be written at once is lost. */
  terminate(reason: CloseReason): void;
}

/** What stands above all connections. */
export interface ConnectionHost extends ErrorBoundary {
  readonly clock: Clock;
  readonly codec: Codec;
  readonly limits: Limits;
  readonly monitor: Monitor;
  /**
   * The namespace of this name, if there is one, or if one may be made for this client. A promise gives what finds or makes it, to
   * be called only if the client still waits: what was found before may be gone, and what was made for nobody would stay.
   */
  route(name: string, auth: Handshake["auth"]): Joinable | undefined | Promise<() => Joinable | undefined>;
  /** Where a client is, for what is counted per address. */
  groupOf(first: FirstRequest): string | undefined;
  /** The name of a namespace, as a text that keeps no packet alive. */
  ownName(name: string): string;
  /** The connection has joined its first namespace, or is over. */
  settled(connection: Connection): void;
  /** The connection has left its last namespace, and is to join another. */
  idle(connection: Connection): void;
  /** No acknowledgement of one of its sockets is under way any more. */
  rested(connection: Connection): void;
}

const NO_AUTH: Handshake["auth"] = {};

/** A token and a name: not worth counting. */
const SMALL_AUTH_BYTES = 1024;

/** One session with many namespaces on it: leads each packet to its socket. */
export class Connection implements SessionSink, SocketConnection, KnownSession, Monitored, Leaving, Holder {
  readonly first: FirstRequest;
  readonly #host: ConnectionHost;
  #session: ConnectionSession | undefined = undefined;
  #conn: Conn | undefined = undefined;
  /** Namespaces that are still deciding need not go on. */
  #over = false;
  readonly #lanes = new JoinedNamespaces<JoinState>();
  readonly #joins = new Joins();
  /** Of events that wait for middlewares. */
  #heldBytes = 0;
  readonly #account: Account | undefined;
  /** What waits for the app. */
  #kept = 0;
  /** Memory of large payloads of `auth`, by namespace. */
  #auths: Map<string, number> | undefined = undefined;

  constructor(host: ConnectionHost, first: FirstRequest) {
    this.#host = host;
    this.first = first;
    const { maxProcessBytes } = host.limits;
    if (maxProcessBytes < Number.POSITIVE_INFINITY) this.#account = new Account(this, maxProcessBytes);
  }

  get id(): string {
    return this.#session?.id ?? "";
  }

  get request(): IncomingMessage {
    return this.first.req;
  }

  get conn(): Conn {
    this.#conn ??= new Conn(this.#open, {
      boundary: this.#host,
      request: this.first.req,
      remoteAddress: this.first.address,
      protocol: this.protocol,
    });
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

  /** Is one being tried? */
  get probing(): boolean {
    return this.#session?.probing === true;
  }

  get counted(): boolean {
    return this.#session?.counted !== undefined;
  }

  /** Is its transport lost? */
  get suspended(): boolean {
    return this.#session?.state === "suspended";
  }

  get ready(): boolean {
    return this.#session?.ready === true;
  }

  /** Names its session; called once, before anything else. */
  bind(session: ConnectionSession): void {
    this.#session = session;
  }

  /** Everything is in place. A client of Socket.IO 2 takes it for granted that it joins the main namespace now. */
  begin(): void {
    if (isEio3(this)) this.#connect({ type: PacketType.CONNECT, nsp: "/", id: undefined, data: undefined });
  }

  // ---- from its sockets and namespaces

  encode(packet: Packet, compress: boolean | undefined): EncodedPacket {
    return this.#host.codec.encode(packet, compress);
  }

  send(packet: EncodedPacket, droppable?: DropPolicy): void {
    this.#host.monitor.packetLeaves(this, packet);
    this.#open.send(packet, droppable);
  }

  takeBack(packet: EncodedPacket): boolean {
    return this.#session?.takeBack?.(packet) === true;
  }

  get bufferedBytes(): number {
    return this.#session?.bufferedBytes ?? 0;
  }

  drained(): Promise<boolean> {
    return this.#open.drained();
  }

  get group(): string | undefined {
    return this.#host.groupOf(this.first);
  }

  hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    this.keep(bytes);
    if (this.#heldBytes <= this.#host.limits.maxPendingEventBytes) return true;
    this.release(bytes);
    const error = new SessionError("ERR_TOO_MANY_EVENTS", "too much waits for middlewares");
    if (this.#open.end) this.#open.end({ reason: "forced server close", cause: error });
    else this.#open.close("forced server close");
    return false;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.keep(-bytes);
  }

  /** Nothing any more once it is over. */
  keep(bytes: number): void {
    if (this.#over || this.#account === undefined) return;
    this.#kept += bytes;
    this.#account.add(bytes);
  }

  /** It has exceeded a limit, and whoever noticed has told the client. */
  exceeded(error: SockeyeError): void {
    this.#host.monitor.limitExceeded(error, this.first.address, this);
  }

  /** For adapters made for Socket.IO: sends the frames of `server.encoder`. */
  writeToEngine(frames: readonly Frame[], { volatile, compress }: BroadcastFlags = {}): void {
    const packet = volatile && !this.ready ? undefined : enveloped(frames, compress);
    if (packet) this.send(packet);
  }

  /** A namespace has let a socket in. */
  joined(namespace: string, socket: ConnectedSocket): void {
    this.#lanes.set(namespace, socket);
    this.#host.settled(this);
  }

  /** A namespace has refused, or there is none of that name. */
  refused(namespace: string, error: unknown): void {
    this.#lanes.delete(namespace);
    this.#keepAuth(namespace, undefined);
    this.#answer({
      type: PacketType.CONNECT_ERROR,
      nsp: namespace,
      id: undefined,
      data: refusalOf(error, (failure) => this.#host.reportError(failure, "connect_error")),
      bare: isEio3(this),
    });
  }

  left(namespace: string): void {
    if (!isSocket(this.#lanes.get(namespace))) return;
    this.#lanes.set(namespace, "left");
    this.#keepAuth(namespace, undefined);
    // What the client sent before it knew is dropped; of a client that keeps coming and going this is not remembered.
    if (this.#lanes.size > 2 * this.#host.limits.maxNamespacesPerConnection) this.#lanes.delete(namespace);
    if (!this.#over && !this.#lanes.all().some(isSocket)) this.#host.idle(this);
  }

  disconnect(): void {
    for (const socket of this.#lanes.all().filter(isSocket)) socket.disconnect();
    this.#open.close("forced server close");
  }

  /** A client says that it goes on over another transport. @returns false if it has not proved that it may */
  claimed(transport: Transport, claim: Claim): boolean {
    return this.#open.acceptClaim?.(transport, claim) === true;
  }

  /** The client has gone, whatever has become of its transport. */
  leave(): void {
    this.#open.end?.({ reason: "transport close", transport: "dead" });
  }

  /** Another transport for the session, which wants to take over. */
  offer(transport: Transport): void {
    this.#open.offer(transport);
  }

  /** It has joined nothing for too long. */
  giveUp(): void {
    if (!this.#lanes.all().some(isSocket)) this.#open.close();
  }

  /** Is an acknowledgement under way, in either direction? */
  get busy(): boolean {
    return this.#lanes.all().some((lane) => isSocket(lane) && lane.busy);
  }

  /** No acknowledgement of one of its sockets is under way any more. */
  rested(): void {
    this.#host.rested(this);
  }

  /**
   * The server goes away, and the client is to find another. No namespace is left by DISCONNECT: clients take that for a
   * goodbye, and do not come back.
   */
  sendAway(): void {
    this.#open.close("server shutting down");
  }

  /** The server goes away, now. */
  shutDown(): void {
    this.#open.terminate("server shutting down");
  }

  // ---- from the session

  packet(packet: Packet): void {
    this.#host.monitor.packetCame(this, packet);
    const lane = this.#lanes.get(packet.nsp);
    const { type } = packet;
    if (type === PacketType.CONNECT && !isSocket(lane)) this.#connect(packet);
    else if (isSocket(lane) && type !== PacketType.CONNECT && type !== PacketType.CONNECT_ERROR)
      lane.receive(packet);
    else if (lane !== "left") this.#violated();
  }

  holds(): void {
    this.#account?.refresh();
  }

  unwritable(error: Error): void {
    this.#host.reportError(error, "emit");
  }

  closed(reason: CloseReason, cause: Error | undefined): void {
    this.keep(-this.#kept);
    this.#auths = undefined;
    this.#host.settled(this);
    const sockets = this.#lanes.all().filter(isSocket);
    this.#over = true;
    for (const socket of sockets) socket.end(reason, cause);
    if (cause instanceof SockeyeError) this.exceeded(cause);
    this.#host.monitor.sessionClosed(this, reason, cause);
  }

  // ---- from the budget

  heldBytes(): number {
    const session = this.#session;
    if (session === undefined) return 0;
    const { transport, bufferedBytes, counted, decoder } = session;
    const gathered = (transport?.gatheredBytes ?? 0) + (decoder?.waitingBytes ?? 0);
    return bufferedBytes + gathered + (counted?.retainedBytes ?? 0);
  }

  eachPacket(visit: (packet: EncodedPacket, bytes: number) => void): void {
    for (const packets of this.#session?.packets ?? []) {
      for (const packet of packets) if (packet !== GAP) visit(packet, sizeOf(packet));
    }
  }

  shed(error: SessionError): void {
    const session = this.#open;
    if (session.end) session.end({ reason: "forced server close", cause: error, transport: "shed" });
    else session.terminate("forced server close");
    // The session may have ended before, and its transport still write the rest.
    session.transport?.close?.("shed", error);
  }

  // ---- inside

  get #open(): ConnectionSession {
    if (!this.#session) throw new Error("The connection has no session yet.");
    return this.#session;
  }

  /** The client has sent what it must not. The reason is Socket.IO's, which tells so whether the end has to wait for a poll. */
  #violated(): void {
    this.#open.close(this.#open.ready ? "forced close" : "forced server close");
  }

  #connect(packet: ConnectPacket): void {
    const asked = isEio3(this) ? splitQuery(packet, this.#host.limits) : packet;
    if (asked === undefined) {
      this.#violated();
      return;
    }
    const { nsp, data: auth = NO_AUTH } = asked;
    const lane = this.#lanes.get(nsp);
    if (isSocket(lane)) this.#violated();
    else if (asked.oversized) this.#refuseAuth(nsp);
    else if (lane instanceof Admission) lane.supersede(auth);
    else this.#ask(this.#host.ownName(nsp), auth);
  }

  #refuseAuth(namespace: string): void {
    const code = "ERR_AUTH_TOO_LARGE";
    const error = new NamespaceError(code, "Auth payload too large", { code });
    this.refused(namespace, error);
    this.exceeded(error);
  }

  /** Asks whether the client may join. */
  #ask(name: string, auth: Handshake["auth"]): void {
    const { clock, limits } = this.#host;
    const error = this.#hasRoom ? this.#joins.take(limits, clock) : tooManyNamespaces();
    if (error) {
      this.refused(name, { message: error.message });
      this.exceeded(error);
      return;
    }
    const admission = new Admission(this, name, auth);
    this.#lanes.set(name, admission);
    this.#keepAuth(name, auth);
    try {
      const found = this.#host.route(name, auth);
      if (found instanceof Promise) {
        found
          .then((find) => this.#admit(admission, this.awaits(admission) ? find() : undefined))
          .catch((failure: unknown) => this.#failed(admission, failure));
      } else this.#admit(admission, found);
    } catch (failure) {
      this.#failed(admission, failure);
    }
  }

  /** The app's adapter, or its engine, does not let the namespace be made. */
  #failed(admission: Admission, failure: unknown): void {
    this.#host.reportError(failure, "adapter");
    if (admission.awaited) admission.refuse({ message: "Internal error" });
    admission.over();
  }

  /** An attempt is decided. What the client has asked meanwhile has its turn. */
  decided(admission: Admission): void {
    const { namespace, next } = admission;
    if (next === undefined || !this.awaits(admission)) return;
    this.#lanes.delete(namespace);
    this.#ask(namespace, next);
  }

  /** May it join one namespace more? Counts only where the answer is in doubt. */
  get #hasRoom(): boolean {
    const { maxNamespacesPerConnection: most } = this.#host.limits;
    if (this.#lanes.size < most) return true;
    return this.#lanes.all().filter((lane) => lane !== "left").length < most;
  }

  /** Counts what a client has said of itself for as long as the namespace has it. */
  #keepAuth(name: string, auth: Handshake["auth"] | undefined): void {
    const before = this.#auths?.get(name) ?? 0;
    const bytes = auth === undefined || this.#account === undefined ? 0 : memoryOf(auth);
    const now = bytes < SMALL_AUTH_BYTES ? 0 : bytes;
    if (now === before) return;
    this.#auths ??= new Map();
    if (now === 0) this.#auths.delete(name);
    else this.#auths.set(name, now);
    this.keep(now - before);
  }

  #admit(admission: Admission, namespace: Joinable | undefined): void {
    if (admission.awaited && namespace) {
      namespace.admit(admission);
      return;
    }
    if (admission.awaited) admission.refuse({ message: "Invalid namespace" });
    admission.over();
  }

  #answer(packet: ConnectErrorPacket): void {
    try {
      this.send(this.encode(packet, undefined));
    } catch (error) {
      // The app put something into `error.data` that is no JSON.
      this.#host.reportError(error, "connect_error");
      this.send(this.encode({ ...packet, data: { message: packet.data.message } }, undefined));
    }
  }

  /** Is this the attempt that is being decided? */
  awaits(admission: Admission): boolean {
    return !this.#over && this.#lanes.get(admission.namespace) === admission;
  }
}

function tooManyNamespaces(): NamespaceError {
  return new NamespaceError("ERR_TOO_MANY_NAMESPACES", "Too many namespaces");
}

function isSocket(lane: JoinState | undefined): lane is ConnectedSocket {
  return typeof lane === "object" && !(lane instanceof Admission);
}
