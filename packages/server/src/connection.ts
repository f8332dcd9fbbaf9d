import type { IncomingMessage } from "node:http";
import type { EngineSession, FirstRequest } from "@sockeye/engine/server";
import type {
  BroadcastFlags,
  Clock,
  CloseReason,
  Codec,
  ConnectErrorPacket,
  ConnectPacket,
  EncodedPacket,
  Frame,
  Limits,
  NamespaceError,
  Packet,
} from "@sockeye/protocol";
import { PacketType, SessionError, SockeyeError } from "@sockeye/protocol";
import type { DropPolicy } from "@sockeye/session";
import type { ErrorBoundary } from "@sockeye/socket";
import type { AdmittingConnection, ConnectedSocket, Joinable } from "./admission.js";
import { Admission } from "./admission.js";
import { Conn } from "./conn.js";
import { isEio3, splitQuery } from "./eio3-client.js";
import type { EngineConnection } from "./engine.js";
import { enveloped } from "./foreign-adapter.js";
import type { Handshake } from "./handshake.js";
import type { Histogram } from "./histogram.js";
import { JoinedNamespaces } from "./joined-namespaces.js";
import { authTooLarge, decidedLate, takeJoin, tooManyJoins, tooManyNamespaces } from "./joins.js";
import { largeMemoryOf } from "./memory-of.js";
import type { Monitor } from "./monitor.js";
import { warnOfNoNext } from "./no-decision.js";
import { refusalOf } from "./refusal-of.js";

/** What a connection knows of a namespace: its socket; that the namespace is still deciding; that the socket has left. */
type JoinState = ConnectedSocket | Admission | "left";

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
  /** A namespace has not decided at once. */
  deciding(admission: Admission): void;
  /** It has, or nobody waits for that any more. */
  decided(admission: Admission): void;
  /** No acknowledgement of one of its sockets is under way any more. */
  rested(session: EngineSession): void;
}

const NO_AUTH: Handshake["auth"] = {};

/** One session with many namespaces on it: leads each packet to its socket. */
export class Connection implements EngineConnection, AdmittingConnection {
  readonly session: EngineSession;
  readonly #host: ConnectionHost;
  #conn: Conn | undefined = undefined;
  /** Namespaces that are still deciding need not continue. */
  #over = false;
  /** Its end is wanted, and its client, who is away, hears of that when it comes back. */
  #dismissed = false;
  readonly #lanes = new JoinedNamespaces<JoinState>();
  /** When its budget of joins is full again: see {@link takeJoin}. */
  #joinsFullAt = Number.NEGATIVE_INFINITY;
  /** Of events that wait for middlewares. */
  #heldBytes = 0;
  /** What waits for the app. */
  #kept = 0;
  /** Memory of large payloads of `auth`, by namespace. */
  #auths: Map<string, number> | undefined = undefined;

  constructor(host: ConnectionHost, session: EngineSession) {
    this.#host = host;
    this.session = session;
  }

  get first(): FirstRequest {
    return this.session.first;
  }

  get id(): string {
    return this.session.id;
  }

  get request(): IncomingMessage {
    return this.first.req;
  }

  get conn(): Conn {
    this.#conn ??= new Conn(this.session.conversation, {
      boundary: this.#host,
      request: this.first.req,
      remoteAddress: this.first.address,
      protocol: this.protocol,
    });
    return this.#conn;
  }

  get protocol(): 3 | 4 {
    return this.first.protocol;
  }

  get ackTime(): Histogram | undefined {
    return this.#host.monitor.ackTime;
  }

  get ready(): boolean {
    return this.session.conversation.ready;
  }

  // ---- from its sockets and namespaces

  encode(packet: Packet, compress: boolean | undefined): EncodedPacket {
    return this.#host.codec.encode(packet, compress);
  }

  send(packet: EncodedPacket, droppable?: DropPolicy): void {
    this.#host.monitor.packetLeaves(this, packet);
    this.session.conversation.send(packet, droppable);
  }

  takeBack(packet: EncodedPacket): boolean {
    return this.session.conversation.takeBack?.(packet) === true;
  }

  get bufferedBytes(): number {
    return this.session.conversation.bufferedBytes;
  }

  drained(): Promise<boolean> {
    return this.session.conversation.drained();
  }

  get group(): string | undefined {
    return this.#host.groupOf(this.first);
  }

  hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    this.keep(bytes);
    if (this.#heldBytes <= this.#host.limits.maxPendingEventBytes) return true;
    this.release(bytes);
    this.session.expel(new SessionError("ERR_TOO_MANY_EVENTS", "too much waits for middlewares"));
    return false;
  }

  get delaying(): boolean {
    return this.session.delaying;
  }

  delays(goOn: () => void, bytes = 0): boolean {
    const isDelayed = this.session.delays(() => {
      this.release(bytes);
      goOn();
    });
    if (isDelayed) this.release(-bytes);
    return isDelayed;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.keep(-bytes);
  }

  /** Nothing any more once it is over. */
  keep(bytes: number): void {
    if (this.#over) return;
    this.#kept += bytes;
    this.session.keep(bytes);
  }

  /** It has exceeded a limit. The client has been told already, where that was noticed. */
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
    this.#settle(this.#lanes.get(namespace));
    this.#lanes.set(namespace, socket);
    this.#host.settled(this);
  }

  /** A namespace has refused, or there is none of that name. */
  refused(namespace: string, error: unknown): void {
    this.#settle(this.#lanes.get(namespace));
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
    // Ended now, it would be unknown to its client, who would start over as if nobody had sent it away.
    if (this.session.suspended) this.#dismissed = true;
    else this.session.conversation.close("forced server close");
  }

  /** It has joined nothing for too long. */
  giveUp(): void {
    const lanes = this.#lanes.all();
    if (this.#dismissed || lanes.some(isSocket)) return;
    for (const lane of lanes) if (lane instanceof Admission) warnOfNoNext(lane, this.#host.monitor.warnings);
    this.session.conversation.close();
  }

  /** Is an acknowledgement under way, in either direction, or does an event wait for a middleware? */
  get busy(): boolean {
    return this.#heldBytes > 0 || this.#lanes.all().some((lane) => isSocket(lane) && lane.busy);
  }

  /** No acknowledgement of one of its sockets is under way any more. */
  rested(): void {
    this.#host.rested(this.session);
  }

  // ---- from the session

  /** A client of Socket.IO 2 takes it for granted that it joins the main namespace now. */
  started(): void {
    if (isEio3(this)) this.#connect({ type: PacketType.CONNECT, nsp: "/", id: undefined, data: undefined });
  }

  /** In a session in which nothing was joined nothing is kept for anybody. Its client starts over, as well. */
  suspended(): void {
    this.giveUp();
    for (const lane of this.#lanes.all()) if (isSocket(lane)) lane.setAway(true);
  }

  resumed(): void {
    if (this.#dismissed) this.session.conversation.close("forced server close");
    for (const lane of this.#lanes.all()) if (isSocket(lane)) lane.setAway(false);
  }

  packet(packet: Packet): void {
    this.#host.monitor.packetCame(this, packet);
    const lane = this.#lanes.get(packet.nsp);
    const { type } = packet;
    if (type === PacketType.CONNECT && !isSocket(lane)) this.#connect(packet);
    else if (isSocket(lane) && type !== PacketType.CONNECT && type !== PacketType.CONNECT_ERROR) {
      const { handlerTime } = this.#host.monitor;
      const began = handlerTime === undefined ? 0 : performance.now();
      lane.receive(packet);
      handlerTime?.note(began);
    } else if (lane !== "left") this.#violated();
  }

  holds(gone?: boolean): void {
    this.session.refresh(gone);
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
    for (const lane of this.#lanes.all()) {
      this.#settle(lane);
      if (lane instanceof Admission) lane.abandon();
    }
    for (const socket of sockets) socket.end(reason, cause);
    if (cause instanceof SockeyeError) this.exceeded(cause);
    this.#host.monitor.sessionClosed(this, reason, cause);
  }

  // ---- inside

  /** Nothing has to be decided in time any more. */
  #settle(lane: JoinState | undefined): void {
    if (lane instanceof Admission) this.#host.decided(lane);
  }

  /** The client has sent what it must not. The reason is Socket.IO's, which tells so whether the end has to wait for a poll. */
  #violated(): void {
    const { conversation } = this.session;
    conversation.close(conversation.ready ? "forced close" : "forced server close");
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
    const error = authTooLarge();
    this.refused(namespace, error);
    this.exceeded(error);
  }

  /** Asks whether the client may join. */
  #ask(name: string, auth: Handshake["auth"]): void {
    const error = this.#hasRoom ? this.#countJoin() : tooManyNamespaces();
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
          .then((find) => {
            const goOn = (): void => this.#found(admission, find);
            if (!this.delays(goOn)) goOn();
          })
          .catch((failure: unknown) => this.#failed(admission, failure));
      } else this.#admit(admission, found);
    } catch (failure) {
      this.#failed(admission, failure);
    }
    if (this.awaits(admission)) this.#host.deciding(admission);
  }

  #found(admission: Admission, find: () => Joinable | undefined): void {
    try {
      this.#admit(admission, this.awaits(admission) ? find() : undefined);
    } catch (failure) {
      this.#failed(admission, failure);
    }
  }

  #countJoin(): NamespaceError | undefined {
    const fullAt = takeJoin(this.#joinsFullAt, this.#host.limits, this.#host.clock);
    if (fullAt === undefined) return tooManyJoins();
    this.#joinsFullAt = fullAt;
    return undefined;
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
    this.#settle(admission);
    this.#lanes.delete(namespace);
    this.#ask(namespace, next);
  }

  /** The app has had its time: what it decides now is for nobody. What the client has asked meanwhile has its turn. */
  late(admission: Admission): void {
    if (!this.awaits(admission)) return;
    warnOfNoNext(admission, this.#host.monitor.warnings);
    admission.abandon();
    if (admission.next !== undefined) this.decided(admission);
    else this.refused(admission.namespace, decidedLate());
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
    const now = auth === undefined || !this.session.bounded ? 0 : largeMemoryOf(auth);
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
      // The app put something into `error.data` that is not JSON.
      this.#host.reportError(error, "connect_error");
      this.send(this.encode({ ...packet, data: { message: packet.data.message } }, undefined));
    }
  }

  /** Is this the attempt that is being decided? */
  awaits(admission: Admission): boolean {
    return !this.#over && this.#lanes.get(admission.namespace) === admission;
  }
}

function isSocket(lane: JoinState | undefined): lane is ConnectedSocket {
  return typeof lane === "object" && !(lane instanceof Admission);
}
