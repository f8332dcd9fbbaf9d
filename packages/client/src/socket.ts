import type {
  BroadcastFlags,
  ClientDisconnectReason,
  Clock,
  CodecError,
  ConnectPacket,
  EncodedPacket,
  EventPacket,
  Packet,
  Timer,
} from "@sockeye/protocol";
import { AckError, NamespaceError, PacketType } from "@sockeye/protocol";
import type { Session } from "@sockeye/session";
import { sizeOf } from "@sockeye/session";
import type {
  AckAnswer,
  AckCallback,
  DefaultEventsMap,
  Emit,
  EmitTarget,
  EventNames,
  EventParams,
  EventParamsWithoutAck,
  EventsMap,
  Unchecked,
  WaitOptions,
  WithTimeout,
} from "@sockeye/socket";
import { Acks, callGuarded, dispatch, Emission, emitAndWait, readEmit, SocketEmitter } from "@sockeye/socket";
import { askAuth, objectOf } from "./auth.js";
import type { BlobQueue } from "./blobs.js";
import type { Features } from "./features.js";
import type { DisconnectDescription, ManagerView, Status } from "./manager-view.js";
import type { Auth, SocketOptions } from "./options.js";
import { Recovery } from "./recovery.js";
import { reportAppError } from "./report-error.js";
import type { RetryOwner, RetryQueue } from "./retry-queue.js";
import { knowSelf, unproxied } from "./unproxied.js";

const NO_FLAGS: BroadcastFlags = {};

/** 64 MiB. */
const MAX_OUTBOUND_BYTES = 67_108_864;

const V2_SERVER = "It seems you are trying to reach a Socket.IO server in v2.x";

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
  /** It was connected and is no more. */
  disconnect: (reason: ClientDisconnectReason, description?: DisconnectDescription) => void;
}

/** The manager of a socket. */
export interface SocketManager extends ManagerView {
  /** The socket of a namespace, made if there is none. */
  socket(nsp: string, opts?: Partial<SocketOptions>): Socket;
}

/** What a socket needs of the connection under it. */
export interface SocketHost {
  readonly parts: Features;
  readonly clock: Clock;
  /** The last session, whether or not it is open. */
  readonly session: Session;
  readonly isOpen: boolean;
  /** Is it connected, or will it try? */
  readonly mayTry: boolean;
  /** How long a socket waits before it asks again what it tells the server; `undefined`: no more, after so many failures. */
  retryMs(failures: number): number | undefined;
  /** The server has let a socket in, or refused it: whatever was lost before is over. */
  answered(): void;
  /** @throws CodecError for what cannot be encoded, or the server would not accept */
  encode(packet: Packet, compress?: boolean): EncodedPacket;
  /** Asks once more: it was encoded before the server said what it accepts. @throws CodecError */
  require(packet: Packet, encoded: EncodedPacket): void;
  /** A socket does not need the connection any more. */
  release(): void;
}

/** An event that waits for the connection. */
export interface BufferedPacket extends EventPacket {
  readonly encoded: EncodedPacket;
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
  >
  extends SocketEmitter<ListenEvents, SocketReservedEvents>
  implements EmitTarget, RetryOwner
{
  readonly io: SocketManager;
  readonly nsp: string;
  /** What the server is told at the next connection. */
  auth: Auth | undefined;
  /** Was the last interruption bridged by the server: same id, same rooms, missed events delivered? */
  recovered = false;
  /** Events that wait for the connection, oldest first. They leave before `connect` is emitted. */
  sendBuffer: BufferedPacket[] = [];
  /** Events that came before the server's answer to CONNECT. */
  receiveBuffer: Array<readonly unknown[]> = [];

  readonly #host: SocketHost;
  readonly #ackTimeoutMs: number | undefined;
  readonly #maxOutboundBytes: number;
  readonly #retries: RetryQueue | undefined;
  /** `joining`: wants to be connected, and is not yet, or not now. */
  #phase: "idle" | "joining" | "connected" = "idle";
  #id: string | undefined;
  /** Stands for the call of `auth` that is under way. */
  #asking: object | undefined;
  /** Calls of `auth` in a row that failed, and the end of the wait for the next. */
  #authFailures = 0;
  #timer: Timer | undefined;
  /** The session over which a CONNECT has no answer yet. */
  #askedOn: Session | undefined;
  #nextAckId = 0;
  #acks: Acks | undefined;
  #blobs: BlobQueue | undefined;
  /** Set from `disconnect()` until the Blobs before it have been read and sent: the session over which they go. */
  #leavingOn: Session | undefined;
  /** Bytes of {@link sendBuffer}. */
  #keptBytes = 0;
  /** Who waits, while there is no connection, for all to have left. */
  #waiters: ((drained: Promise<boolean>) => void)[] = [];
  #recovery: Recovery | undefined;
  /** The last that {@link #watchers} were told. */
  #status: Status = "offline";
  readonly #watchers = new Set<() => void>();

  /** @internal Sockets come from `io()` and `manager.socket()`. */
  constructor(io: SocketManager, nsp: string, opts: Partial<SocketOptions>, host: SocketHost) {
    super();
    knowSelf(this);
    this.io = io;
    this.nsp = nsp;
    this.auth = opts.auth;
    this.#host = host;
    this.#ackTimeoutMs = opts.ackTimeout;
    this.#maxOutboundBytes = opts.maxOutboundBytes ?? MAX_OUTBOUND_BYTES;
    const { retries, ackTimeout: ackTimeoutMs } = opts;
    this.#retries = retries ? host.parts.retriesOf(this, { retries, ackTimeoutMs }) : undefined;
  }

  /** Public, unlike the engine's. `undefined` while not connected. */
  get id(): string | undefined {
    return this.#id;
  }

  get connected(): boolean {
    return this.#phase === "connected";
  }

  get disconnected(): boolean {
    return !this.connected;
  }

  /** Is it connected, or will it be as soon as possible? */
  get active(): boolean {
    return this.#phase !== "idle" && this.#host.mayTry;
  }

  /** How it stands with the connection right now: enough for a sign in a user interface. */
  get status(): Status {
    const { session, mayTry } = this.#host;
    if (this.connected) return session.state === "suspended" ? "suspended" : "connected";
    return this.#phase !== "idle" && mayTry ? "connecting" : "offline";
  }

  /** Is the transport gone and being replaced? {@link connected} stays true meanwhile, and what is emitted waits. */
  get suspended(): boolean {
    return this.status === "suspended";
  }

  /**
   * Calls the listener with each new {@link status}, over any number of connections. No event: servers may emit one of any name.
   *
   * @returns a function that ends it
   */
  onStatus(listener: (status: Status) => void): () => void {
    const tell = (): void => callGuarded(listener, [this.status], { target: this, event: "status" });
    this.#watchers.add(tell);
    return () => void this.#watchers.delete(tell);
  }

  /** @internal Something has happened that may have changed the status. */
  tellStatus(): void {
    const { status } = this;
    if (status === this.#status) return;
    this.#status = status;
    for (const tell of [...this.#watchers]) tell();
  }

  /** @internal Does it want to be connected, and is not? */
  get joins(): boolean {
    return this.#phase === "joining";
  }

  /** @internal Is the connection of use to it? */
  get needsConnection(): boolean {
    return this.#phase !== "idle" || this.#leavingOn !== undefined;
  }

  /** Connects, with the manager if need be. Harmless if it has begun. */
  connect(): this {
    const begins = this.#phase === "idle";
    if (begins) this.#phase = "joining";
    if (this.connected) return this;
    if (!this.io._reconnecting) this.io.open();
    if (begins && this.#host.isOpen) this.join();
    this.tellStatus();
    return this;
  }

  /** The same as {@link connect}. */
  open(): this {
    return this.connect();
  }

  /** Leaves the namespace, for good, after all that was emitted. Events that wait in {@link sendBuffer} stay there. */
  disconnect(): this {
    const was = this.#phase;
    if (was === "connected") this.#leave();
    this.#stopAsking();
    this.#rest();
    if (was === "connected") this.#ended("io client disconnect");
    return this;
  }

  #leave(): void {
    const blobs = this.#blobs;
    if (!blobs?.busy) {
      this.#transmit(this.#control(PacketType.DISCONNECT));
      return;
    }
    const { session } = this.#host;
    this.#leavingOn = session;
    blobs.add([], () => {
      this.#leavingOn = undefined;
      this.#failAcks();
      if (this.#host.session === session && this.#host.isOpen) {
        this.#transmit(this.#control(PacketType.DISCONNECT));
      }
      if (this.joins && this.#host.isOpen) this.join();
      else this.#host.release();
    });
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
    this.emitOut(readEmit(event, args, NO_FLAGS));
    return this;
  }

  /**
   * Sends an event and resolves with the acknowledgement.
   *
   * @throws AckError (as a rejection) `ERR_ACK_TIMEOUT`, `ERR_ACK_DISCONNECTED`
   */
  emitWithAck<Ev extends EventNames<EmitEvents>>(
    event: Ev,
    ...args: EventParamsWithoutAck<EmitEvents, Ev>
  ): Promise<AckAnswer<EmitEvents, Ev>> {
    return emitAndWait(this, readEmit(event, args, NO_FLAGS));
  }

  /** Sends an event named `message`. */
  send(...args: unknown[]): this {
    this.emitOut(readEmit("message", args, NO_FLAGS));
    return this;
  }

  /** What is emitted through it is dropped if it cannot leave at once. */
  get volatile(): Emission<EmitEvents> {
    return new Emission(this, { volatile: true });
  }

  /** Node.js: whether transports may compress what is emitted through it. */
  compress(compress: boolean): Emission<EmitEvents> {
    return new Emission(this, { compress });
  }

  /** Acknowledgements of what is emitted through it get an error first, `ERR_ACK_TIMEOUT` after `timeoutMs`; `Infinity` waits as long as the connection lives. */
  timeout(timeoutMs: number, options?: WaitOptions): Emission<WithTimeout<EmitEvents>> {
    return new Emission(this, { ...options, timeout: timeoutMs });
  }

  // ---- a server that reads too slowly, or not now

  /**
   * Bytes that wait: for the connection, for the network as far as it is known here, and with `retries` for acknowledgements.
   * What the other namespaces of the connection have sent counts too. Each packet counts about 100 bytes more than it has.
   */
  get bufferedBytes(): number {
    // The app may have emptied it.
    if (this.sendBuffer.length === 0) this.#keptBytes = 0;
    return this.#host.session.bufferedBytes + this.#keptBytes + (this.#retries?.bytes ?? 0);
  }

  /**
   * Waits until all that was emitted has left and more could leave at once; while there is no connection, for the next one.
   *
   * @returns false if the connection ends before that, or if there is none and none will come; it never rejects
   */
  drained(): Promise<boolean> {
    if (this.connected) return this.#host.session.drained();
    if (!this.active) return Promise.resolve(false);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #tellWaiters(): void {
    for (const tell of this.#waiters.splice(0)) tell(this.drained());
  }

  // ---- the way out

  /** @internal */
  emitOut(emit: Emit): void {
    if (!this.#blobs?.busy) {
      try {
        this.#queueOrSend(emit);
        return;
      } catch (error) {
        this.#mayWait(emit.args, error);
      }
    }
    this.#blobs?.add(emit.args, (args) => this.#queueOrSend({ ...emit, args }));
  }

  #queueOrSend(emit: Emit): void {
    if (this.bufferedBytes > this.#maxOutboundBytes && !emit.flags.volatile) {
      this.#drop(emit);
    } else if (!this.#retries || emit.flags.volatile) {
      this.sendNow(emit);
    } else {
      // What cannot be encoded is refused here, where the app hears of it.
      this.#retries.add(emit, sizeOf(this.#host.encode(this.#event(emit, undefined))));
    }
  }

  /** Too much waits already. */
  #drop({ event, ack, ackTakesError }: Emit): void {
    const error = new AckError("ERR_OUTBOUND_FULL", "too much waits for the server");
    if (ack && (ackTakesError || this.#retries || this.#ackTimeoutMs !== undefined)) {
      callGuarded(ack, [error], { target: this, event });
    } else {
      this.reportError(error);
    }
  }

  /** @internal One try, without the queue of `retries`. */
  sendNow(emit: Emit): void {
    const { flags, ack } = emit;
    const { session } = this.#host;
    const mayLeave = this.connected || (this.#leavingOn === session && this.#host.isOpen);
    const sendable = mayLeave && !session.endIfStale();
    const dropped = flags.volatile && !(sendable && session.ready);
    const packet = this.#event(emit, ack && this.#nextAckId);
    const encoded = dropped ? undefined : this.#host.encode(packet, flags.compress);
    if (ack) this.#expect(this.#nextAckId++, emit, encoded);
    if (!encoded) return;
    if (sendable) {
      this.#depart(packet, encoded);
    } else {
      this.sendBuffer.push({ ...packet, encoded });
      this.#keptBytes += sizeOf(encoded);
    }
  }

  #event({ event, args }: Emit, id: number | undefined): EventPacket {
    return { type: PacketType.EVENT, nsp: this.nsp, id, data: [event, ...args] };
  }

  #depart(packet: EventPacket, encoded: EncodedPacket): void {
    this.showOutgoing(packet.data);
    this.#host.session.send(encoded);
  }

  /** @param encoded what leaves; nothing if it is dropped, and then nobody waits */
  #expect(
    id: number,
    { ack, event, ackTakesError, flags, signal }: Emit,
    encoded: EncodedPacket | undefined,
  ): void {
    if (!ack) return;
    const timeoutMs = flags.timeout ?? this.#ackTimeoutMs;
    this.#acks ??= new Acks(this.#host.clock);
    this.#acks.expect(id, {
      callback: (...args) => callGuarded(ack, args, { target: this, event }),
      takesError: ackTakesError || timeoutMs !== undefined,
      timeoutMs: timeoutMs ?? (encoded ? undefined : 0),
      signal,
      givenUp: encoded && ((code) => this.#takeBack(encoded, code)),
    });
  }

  /** Nobody waits for its answer any more: if it has not left, it never does. */
  #takeBack(encoded: EncodedPacket, code: string): void {
    const buffered = this.sendBuffer.findIndex((packet) => packet.encoded === encoded);
    if (buffered >= 0) {
      this.sendBuffer.splice(buffered, 1);
      this.#keptBytes -= sizeOf(encoded);
      return;
    }
    const { session } = this.#host;
    // What was emitted before a `disconnect()` leaves before its goodbye, unless it has to wait for the network to come back.
    if (code !== "ERR_ACK_DISCONNECTED" || session.state === "suspended") session.takeBack(encoded);
  }

  /** These could not be encoded. @throws the error, unless it is Blobs that have to be read before */
  #mayWait(args: readonly unknown[], error: unknown): void {
    const { blobs } = this.#host.parts;
    if (!blobs?.holdsBlob(args)) throw error;
    this.#blobs ??= blobs.queue((failure) => this.reportError(failure));
  }

  #control(type: typeof PacketType.DISCONNECT): Packet {
    return { type, nsp: this.nsp, id: undefined, data: undefined };
  }

  #transmit(packet: Packet): void {
    this.#host.session.send(this.#host.encode(packet));
  }

  // ---- the way in (from the manager)

  /** @internal The manager's connection stands: ask the server to be let in. */
  join(): void {
    const { session } = this.#host;
    if (!this.joins || this.#askedOn === session || this.#leavingOn === session) return;
    this.#stopAsking();
    const asking = {};
    this.#asking = asking;
    const once =
      <T>(act: (value: T) => void) =>
      (value: T): void => {
        if (this.#asking !== asking) return;
        this.#asking = undefined;
        act(value);
      };
    askAuth(
      this,
      once((data) => this.#ask(data)),
      once((error) => this.#authFailed(error)),
    );
  }

  #stopAsking(): void {
    this.#asking = undefined;
    this.#host.clock.clearTimer(this.#timer);
  }

  /** The connection is fine, and others may use it: this socket alone waits and asks again. */
  #authFailed(cause: unknown): void {
    const error = new NamespaceError("ERR_AUTH_FAILED", "auth failed", undefined, cause);
    const delayMs = this.#host.retryMs(this.#authFailures++);
    if (delayMs === undefined) {
      this.#authFailures = 0;
      this.#refused(error);
      return;
    }
    this.#timer = this.#host.clock.setTimer(() => {
      if (this.#host.isOpen) this.join();
    }, delayMs);
    dispatch(this, "connect_error", [error]);
  }

  #ask(answer: unknown): void {
    this.#authFailures = 0;
    try {
      const auth = objectOf(answer);
      const data = (this.#recovery ? { ...this.#recovery.claim, ...auth } : auth) as ConnectPacket["data"];
      this.#transmit({ type: PacketType.CONNECT, nsp: this.nsp, id: undefined, data });
      this.#askedOn = this.#host.session;
    } catch (error) {
      // Not before whoever has just made this socket can listen.
      this.#host.clock.defer(() => {
        if (this.#phase === "joining") this.#refused(error as Error);
      });
    }
  }

  /** @internal One packet of this namespace. */
  receive(packet: Packet): void {
    switch (packet.type) {
      case PacketType.EVENT:
        this.#arrived(packet);
        return;
      case PacketType.ACK:
        this.#acks?.settle(packet.id, packet.data);
        return;
      case PacketType.CONNECT:
        this.#askedOn = undefined;
        this.#admitted(packet.data);
        return;
      case PacketType.DISCONNECT:
        if (this.#phase === "idle") return;
        this.#rest();
        this.#ended("io server disconnect");
        return;
      case PacketType.CONNECT_ERROR: {
        this.#askedOn = undefined;
        const { message, data } = packet.data;
        const code = message === "Invalid namespace" ? "ERR_INVALID_NAMESPACE" : "ERR_CONNECT_REFUSED";
        this.#host.answered();
        if (this.joins) this.#refused(new NamespaceError(code, message, data));
        return;
      }
    }
  }

  /** @internal The path broke before the server's answer, or there was none. */
  failed(error: Error): void {
    if (!this.joins) return;
    this.#cutOff();
    dispatch(this, "connect_error", [error]);
    this.#tellWaiters();
  }

  /** @internal The manager's connection is gone. */
  lost(reason: ClientDisconnectReason, description: Error | undefined): void {
    const was = this.#phase;
    if (was === "idle") return;
    this.#cutOff();
    if (was === "connected") this.#ended(reason, description);
  }

  #cutOff(): void {
    this.#phase = "joining";
    this.#stopAsking();
    this.receiveBuffer = [];
    this.tellStatus();
  }

  /** @internal */
  reportError(error: unknown): void {
    reportAppError(error);
  }

  #admitted(data: ConnectPacket["data"]): void {
    const { sid, pid } = data ?? {};
    if (typeof sid !== "string") {
      this.failed(new NamespaceError("ERR_V2_SERVER", V2_SERVER));
    } else if (this.#phase === "joining") {
      this.#entered(sid, typeof pid === "string" ? pid : undefined);
    } else if (this.#phase === "idle") {
      // It left before the answer came.
      this.#transmit(this.#control(PacketType.DISCONNECT));
    }
  }

  #entered(sid: string, pid: string | undefined): void {
    this.#host.answered();
    this.#id = sid;
    this.recovered = pid !== undefined && this.#recovery?.pid === pid;
    if (!this.recovered) this.#recovery = pid === undefined ? undefined : new Recovery(pid);
    this.#phase = "connected";
    const waiting = this.sendBuffer.splice(0);
    this.#keptBytes = 0;
    for (const { encoded, ...packet } of waiting) {
      try {
        this.#host.require(packet, encoded);
        this.#depart(packet, encoded);
      } catch (error) {
        // It would cost the connection, and all others that wait.
        this.#acks?.fail(packet.id, error as CodecError);
        this.reportError(error);
      }
    }
    for (const event of this.receiveBuffer.splice(0)) this.#handle(event);
    this.#retries?.next();
    this.#tellWaiters();
    this.tellStatus();
    if (this.connected) dispatch(this, "connect", []);
  }

  /** It does not want to be connected any more. */
  #rest(): void {
    this.#phase = "idle";
    this.#host.release();
    this.#tellWaiters();
    this.tellStatus();
  }

  #refused(error: Error): void {
    this.#rest();
    dispatch(this, "connect_error", [error]);
  }

  #ended(reason: ClientDisconnectReason, description?: Error): void {
    this.#id = undefined;
    dispatch(this, "disconnect", [reason, description]);
    this.#failAcks();
  }

  #failAcks(): void {
    const kept = new Set(this.sendBuffer.flatMap(({ id }) => id ?? []));
    this.#acks?.failAll(kept);
  }

  #arrived({ id, data }: EventPacket): void {
    const event = id === undefined ? data : [...data, this.#acknowledger(id)];
    if (this.connected) this.#handle(event);
    else if (this.joins) this.receiveBuffer.push(event);
  }

  /** @param event its name, its arguments, and the acknowledgement if one is wanted */
  #handle(event: readonly unknown[]): void {
    const shown = this.#recovery?.shown(event) ?? event;
    this.showIncoming(shown);
    dispatch(this, shown[0] as string, shown.slice(1));
  }

  /** What a listener gets as its last argument if the server waits for an answer. Answers once, over this very session. */
  #acknowledger(id: number): AckCallback {
    const { session } = this.#host;
    let answered = false;
    const answer = (data: readonly unknown[]): void => {
      if (this.#phase !== "idle" && this.#host.session === session) {
        this.#transmit({ type: PacketType.ACK, nsp: this.nsp, id, data });
      }
    };
    return (...args) => {
      if (answered) return;
      try {
        if (!this.#blobs?.busy) {
          // What cannot be sent is told to the caller, who may answer something else.
          answer(args);
          answered = true;
          return;
        }
      } catch (error) {
        this.#mayWait(args, error);
      }
      answered = true;
      this.#blobs?.add(args, answer);
    };
  }
}

unproxied(Socket, "Socket");

/** Types that go by the name of the class. */
export declare namespace Socket {
  export type DisconnectReason = ClientDisconnectReason;
}
