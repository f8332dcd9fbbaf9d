import type {
  ClientDisconnectReason,
  CodecError,
  ConnectPacket,
  EncodedPacket,
  EventPacket,
  Packet,
  Timer,
} from "@sockeye/protocol";
import { HANDLE, NamespaceError, PacketType, SHOW_INCOMING, SHOW_OUTGOING } from "@sockeye/protocol";
import { type Session, sizeOf } from "@sockeye/session";
import type { AckCallback, Emit, EmitTarget, SocketAdditions } from "@sockeye/socket";
import { Acks, callGuarded, disconnected, dispatch } from "@sockeye/socket";
import { askAuth, objectOf } from "./auth.js";
import { BlobOrder } from "./blob-order.js";
import type { Status } from "./manager-view.js";
import type { AnySocketOptions } from "./options.js";
import { MAX_OUTBOUND_BYTES, tellFull } from "./outbound-full.js";
import type { BufferedPacket, PeerHandle, SocketHost } from "./peer-host.js";
import { Recovery } from "./recovery.js";
import { refusalOf, v2Server } from "./refusal.js";
import { reportAppError } from "./report-error.js";
import type { RetryOwner, RetryQueue } from "./retry-queue.js";

/** The machine behind a `Socket`: its way from CONNECT to the end, what comes in and goes out. */
export class Peer implements EmitTarget, RetryOwner {
  readonly handle: PeerHandle;
  readonly #host: SocketHost;
  readonly #ackTimeoutMs: number | undefined;
  readonly #maxOutboundBytes: number;
  readonly #retries: RetryQueue | undefined;
  /** `joining`: wants to be connected, and is not yet, or not now. */
  #phase: "idle" | "joining" | "connected" = "idle";
  /** The id that the server has given; `undefined` while not connected. */
  id: string | undefined;
  /** Stands for the call of `auth` that is under way. */
  #asking: object | undefined;
  /** Calls of `auth` in a row that failed, and the end of the wait for the next. */
  #authFailures = 0;
  #timer: Timer | undefined;
  /** The session over which a CONNECT has no answer yet. */
  #askedOn: Session | undefined;
  #nextAckId = 0;
  #acks: Acks | undefined;
  readonly #blobs: BlobOrder;
  /** Set from `disconnect()` until the Blobs before it have been read and sent: the session over which they go. */
  #leavingOn: Session | undefined;
  /** Bytes of {@link sendBuffer}. */
  #keptBytes = 0;
  /** Those that wait, while there is no connection, for all to have left. */
  #waiters: ((drained: Promise<boolean>) => void)[] = [];
  #recovery: Recovery | undefined;
  readonly #additions: SocketAdditions | undefined;
  readonly deliver = (event: readonly unknown[]): boolean => {
    this.handle[SHOW_INCOMING](event);
    return dispatch(this.handle, event[0] as string, event.slice(1)) || this.handle.listenersAny().length > 0;
  };
  readonly onlyHandler: PeerHandle[typeof HANDLE] = (...args) => this.handle[HANDLE](...args);
  /** The last that {@link watchers} were told. */
  #status: Status = "offline";
  readonly watchers: Set<() => void> = new Set();

  constructor(handle: PeerHandle, host: SocketHost, opts: AnySocketOptions) {
    this.handle = handle;
    this.#host = host;
    this.#blobs = new BlobOrder(host.parts.blobs);
    this.#ackTimeoutMs = opts.ackTimeout;
    this.#maxOutboundBytes = opts.maxOutboundBytes ?? MAX_OUTBOUND_BYTES;
    const { retries, ackTimeout: ackTimeoutMs, extend } = opts;
    this.#retries = retries ? host.parts.retriesOf(this, { retries, ackTimeoutMs }) : undefined;
    const client = opts.contract?.client;
    for (const each of [...(client ? [client] : []), ...(extend ?? [])]) {
      this.#additions ??= new each.additions(this, host, client, reportAppError);
      if ("install" in each) Object.assign(handle, this.#additions.install(each));
    }
  }

  get connected(): boolean {
    return this.#phase === "connected";
  }

  /** Is it connected, or will it be as soon as possible? */
  get active(): boolean {
    return this.#phase !== "idle" && this.#host.mayTry;
  }

  get status(): Status {
    const { session } = this.#host;
    if (this.connected) return session.state === "suspended" ? "suspended" : "connected";
    return this.active ? "connecting" : "offline";
  }

  /** Something has happened that may have changed the status. */
  tellStatus(): void {
    const { status } = this;
    if (status === this.#status) return;
    this.#status = status;
    for (const tell of [...this.watchers]) tell();
  }

  /** Does it want to be connected, and is not? */
  get joins(): boolean {
    return this.#phase === "joining";
  }

  /** Is the connection of use to it? */
  get needsConnection(): boolean {
    return this.#phase !== "idle" || this.#leavingOn !== undefined;
  }

  connect(): void {
    const begins = this.#phase === "idle";
    if (begins) this.#phase = "joining";
    if (this.connected) return;
    if (!this.handle.io._reconnecting) this.handle.io.open();
    if (begins && this.#host.isOpen) this.join();
    this.tellStatus();
  }

  disconnect(): void {
    const was = this.connected;
    if (was) this.#leave();
    this.#stopAsking();
    this.#rest();
    if (was) this.#ended("io client disconnect");
  }

  /** Bytes that wait: here, in the session, and for acknowledgements. */
  get waitingBytes(): number {
    // The app may have emptied it.
    if (this.handle.sendBuffer.length === 0) this.#keptBytes = 0;
    return this.#host.session.bufferedBytes + this.#keptBytes + (this.#retries?.bytes ?? 0);
  }

  drained(): Promise<boolean> {
    if (this.connected) return this.#host.session.drained();
    if (!this.active) return Promise.resolve(false);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #leave(): void {
    if (!this.#blobs.busy) {
      this.#sayGoodbye();
      return;
    }
    const { session } = this.#host;
    this.#leavingOn = session;
    this.#blobs.run([], () => {
      this.#leavingOn = undefined;
      this.#failAcks();
      if (this.#host.session === session && this.#host.isOpen) this.#sayGoodbye();
      if (this.joins && this.#host.isOpen) this.join();
      else this.#host.release();
    });
  }

  // ---- the way out

  /** A function of this very object: what holds the peer may be behind a Proxy. */
  readonly emitOut = (emit: Emit): void => {
    this.#additions?.outgoing(emit);
    this.#blobs.run(emit.args, (args) => this.#queueOrSend({ ...emit, args }));
  };

  #queueOrSend(emit: Emit): void {
    if (this.waitingBytes > this.#maxOutboundBytes && !emit.flags.volatile) {
      tellFull(emit, this.handle, this.#retries !== undefined || this.#ackTimeoutMs !== undefined);
    } else if (!this.#retries || emit.flags.volatile) {
      this.sendNow(emit);
    } else {
      // What cannot be encoded is refused here, where the app hears of it.
      this.#retries.add(emit, sizeOf(this.#host.encode(this.#event(emit, undefined))));
    }
  }

  /** One try, without the queue of `retries`. */
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
    if (sendable) this.#depart(packet, encoded);
    else this.#buffer({ ...packet, encoded });
  }

  #buffer(packet: BufferedPacket): void {
    this.handle.sendBuffer.push(packet);
    this.#keptBytes += sizeOf(packet.encoded);
  }

  #event({ event, args }: Emit, id: number | undefined): EventPacket {
    return { type: PacketType.EVENT, nsp: this.handle.nsp, id, data: [event, ...args] };
  }

  #depart(packet: EventPacket, encoded: EncodedPacket): void {
    if (!encoded.event) this.handle[SHOW_OUTGOING](packet);
    encoded.event = packet;
    encoded.by = this.id;
    this.#host.session.send(encoded);
  }

  /** @param encoded what leaves; nothing if it is dropped, and then nobody waits */
  #expect(id: number, emit: Emit, encoded: EncodedPacket | undefined): void {
    const { ack, event, ackTakesError, flags, signal } = emit;
    if (!ack) return;
    emit.sentAs?.(id);
    const timeoutMs = flags.timeout ?? this.#ackTimeoutMs;
    this.#acks ??= new Acks(this.#host.clock);
    this.#acks.expect(id, {
      callback: (...args) => callGuarded(ack, args, { target: this.handle, event }),
      takesError: ackTakesError || timeoutMs !== undefined,
      timeoutMs: timeoutMs ?? (encoded ? undefined : 0),
      signal,
      givenUp: encoded && ((code) => this.#takeBack(encoded, code)),
    });
  }

  /** Nobody waits for its answer any more: if it has not left, it never does. */
  #takeBack(encoded: EncodedPacket, code: string): void {
    const buffered = this.handle.sendBuffer.findIndex((packet) => packet.encoded === encoded);
    if (buffered >= 0) {
      this.handle.sendBuffer.splice(buffered, 1);
      this.#keptBytes -= sizeOf(encoded);
      return;
    }
    const { session } = this.#host;
    // What was emitted before a `disconnect()` leaves before its goodbye, unless it has to wait for the network to come back.
    if (code !== "ERR_ACK_DISCONNECTED" || session.state === "suspended") session.takeBack(encoded);
  }

  #sayGoodbye(): void {
    this.#transmit({ type: PacketType.DISCONNECT, nsp: this.handle.nsp, id: undefined, data: undefined });
  }

  #transmit(packet: Packet): void {
    this.#host.session.send(this.#host.encode(packet));
  }

  // ---- the way in (from the manager)

  /** The manager's connection stands: ask the server to be let in. */
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
      this.handle,
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
    dispatch(this.handle, "connect_error", [error]);
  }

  #ask(answer: unknown): void {
    this.#authFailures = 0;
    try {
      const auth = objectOf(answer);
      const data = (this.#recovery ? { ...this.#recovery.claim, ...auth } : auth) as ConnectPacket["data"];
      this.#transmit({ type: PacketType.CONNECT, nsp: this.handle.nsp, id: undefined, data });
      this.#askedOn = this.#host.session;
    } catch (error) {
      // Not before the code that has just made this socket can listen.
      this.#host.clock.defer(() => {
        if (this.#phase === "joining") this.#refused(error as Error);
      });
    }
  }

  /** One packet of this namespace. */
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
      case PacketType.CONNECT_ERROR:
        this.#askedOn = undefined;
        this.#host.answered();
        if (this.joins) this.#refused(refusalOf(packet));
    }
  }

  /** The path broke before the server's answer, or there was none. */
  failed(error: Error): void {
    if (!this.joins) return;
    this.#cutOff();
    dispatch(this.handle, "connect_error", [error]);
    this.#tellWaiters();
  }

  /** The manager's connection is gone. */
  lost(reason: ClientDisconnectReason, description: Error | undefined): void {
    const was = this.#phase;
    if (was !== "idle") this.#cutOff();
    if (was !== "connected") return;
    for (const packet of this.#host.parts.unseen?.(this.#host.session, this.id) ?? []) this.#buffer(packet);
    this.#ended(reason, description);
  }

  #cutOff(): void {
    this.#phase = "joining";
    this.#stopAsking();
    this.handle.receiveBuffer = [];
    this.tellStatus();
  }

  #admitted(data: ConnectPacket["data"]): void {
    const { sid, pid } = data ?? {};
    if (typeof sid !== "string") {
      this.failed(v2Server());
    } else if (this.#phase === "joining") {
      this.#entered(sid, typeof pid === "string" ? pid : undefined);
    } else if (this.#phase === "idle") {
      // It left before the answer came.
      this.#sayGoodbye();
    }
  }

  #entered(sid: string, pid: string | undefined): void {
    this.#host.answered();
    this.id = sid;
    this.handle.recovered = pid !== undefined && this.#recovery?.pid === pid;
    if (!this.handle.recovered) this.#recovery = pid === undefined ? undefined : new Recovery(pid);
    this.#phase = "connected";
    this.#keptBytes = 0;
    const isOfThis = ({ id, encoded: { by = sid } }: BufferedPacket): unknown =>
      by === sid || this.#acks?.fail(id, disconnected());
    for (const { encoded, ...packet } of this.handle.sendBuffer.splice(0).filter(isOfThis)) {
      try {
        this.#host.require(packet, encoded);
        this.#host.encode(packet); // Only this tells how deep it is.
        this.#depart(packet, encoded);
      } catch (error) {
        // It would cost the connection, and all others that wait.
        this.#acks?.fail(packet.id, error as CodecError);
        reportAppError(error);
      }
    }
    for (const event of this.handle.receiveBuffer.splice(0)) this.#handleEvent(event);
    this.#retries?.next();
    this.#tellWaiters();
    this.tellStatus();
    this.#additions?.tell("connect");
    if (this.connected) dispatch(this.handle, "connect", []);
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
    dispatch(this.handle, "connect_error", [error]);
  }

  #ended(reason: ClientDisconnectReason, description?: Error): void {
    this.id = undefined;
    this.#additions?.tell("disconnect");
    dispatch(this.handle, "disconnect", [reason, description]);
    this.#failAcks();
  }

  #failAcks(): void {
    this.#acks?.failAll(new Set(this.handle.sendBuffer.flatMap(({ id }) => id ?? [])));
  }

  #arrived({ id, data }: EventPacket): void {
    const event = id === undefined ? data : [...data, this.#acknowledger(id)];
    if (this.connected) this.#handleEvent(event);
    else if (this.joins) this.handle.receiveBuffer.push(event);
  }

  /** @param event its name, its arguments, and the acknowledgement if one is wanted */
  #handleEvent(event: readonly unknown[]): void {
    const shown = this.#recovery?.shown(event) ?? event;
    if (this.#additions) this.#additions.take(shown);
    else this.deliver(shown);
  }

  /** What a listener gets as its last argument if the server waits for an answer. Answers once, over this very session. */
  #acknowledger(id: number): AckCallback {
    const { session } = this.#host;
    let answered = false;
    const answer = (data: readonly unknown[]): void => {
      if (this.#phase !== "idle" && this.#host.session === session) {
        this.#transmit({ type: PacketType.ACK, nsp: this.handle.nsp, id, data });
      }
    };
    const acknowledge: AckCallback = (...args) => {
      // What cannot be sent is thrown to the caller, who may answer something else.
      if (!answered) this.#blobs.run(args, answer);
      answered = true;
    };
    return Object.assign(acknowledge, { ackId: id });
  }

  #tellWaiters(): void {
    for (const tell of this.#waiters.splice(0)) tell(this.drained());
  }
}
