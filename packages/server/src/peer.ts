import type { Adapter, PersistedSession, RestoredSession } from "@sockeye/adapter";
import type {
  AdapterPeer,
  BroadcastFlags,
  ConnectPacket,
  EncodedPacket,
  EventPacket,
  OverflowPolicy,
  Packet,
  ServerDisconnectReason,
} from "@sockeye/protocol";
import { OWN_EVENTS, PacketType, REPORT, SHOW_INCOMING, SHOW_OUTGOING } from "@sockeye/protocol";
import { isRoomEvent, type RoomSocket } from "@sockeye/rooms";
import type { AckCallback, Emit } from "@sockeye/socket";
import { callGuarded, disconnected, dispatch, isHeard } from "@sockeye/socket";
import { dropPolicyOf, eventDropped } from "./drop-policy.js";
import { isEio3 } from "./eio3-client.js";
import { eventWeight } from "./event-bytes.js";
import { Expiry, expired } from "./expiry.js";
import { settle } from "./foreign-log.js";
import { countUntilCalled } from "./late-decisions.js";
import type { Event, SocketMiddleware } from "./middleware.js";
import { runMiddlewares } from "./middleware.js";
import { PeerAcks } from "./peer-acks.js";
import { PeerCalls } from "./peer-calls.js";
import { LEFT, type PeerHandle } from "./peer-handle.js";
import type { PeerConnection, PeerNamespace } from "./peer-host.js";
import { Selection } from "./selection.js";
import type { SocketTarget } from "./socket-emission.js";
import { type Interrupted, RECOVERABLE, SocketRecovery } from "./socket-recovery.js";
import { warnOfUnheard } from "./warnings.js";

/** The machine behind a {@link Socket}: what comes in and goes out, acknowledgements, and its way from CONNECT to the end. */
export class Peer implements SocketTarget, AdapterPeer {
  /** What becomes of events, once too much waits for the client. */
  overflow: OverflowPolicy;
  /** What the app keeps with the socket. */
  data: unknown;
  #phase: "joining" | "connected" | "leaving" | "left" = "joining";
  readonly #handle: PeerHandle;
  readonly #nsp: PeerNamespace;
  readonly #client: PeerConnection;
  readonly #recovery: SocketRecovery | undefined;
  #acks: PeerAcks | undefined = undefined;
  #middlewares: SocketMiddleware[] | undefined = undefined;
  #calls: PeerCalls | undefined = undefined;
  #expiry: Expiry | undefined = undefined;

  constructor(
    handle: PeerHandle,
    {
      nsp,
      client,
      restored,
    }: { nsp: PeerNamespace; client: PeerConnection; restored: RestoredSession | undefined },
  ) {
    this.#handle = handle;
    this.#nsp = nsp;
    this.#client = client;
    this.overflow = nsp.overflowPolicy;
    this.data = restored?.data;
    // Clients of Socket.IO 2 don't know how to come back.
    if (nsp.recovers && !isEio3(client)) this.#recovery = new SocketRecovery(restored);
    if (typeof restored?.expires === "number") this.#expiry = new Expiry(nsp.clock, restored.expires);
  }

  // ---- what it is

  get connected(): boolean {
    return this.#phase === "connected" || this.#phase === "leaving";
  }

  /** Is it in, and has not begun to leave? */
  get entered(): boolean {
    return this.#phase === "connected";
  }

  get left(): boolean {
    return this.#phase === "left";
  }

  get acksPending(): number {
    return this.#acks?.pending ?? 0;
  }

  /** Is an acknowledgement under way, in either direction? */
  get busy(): boolean {
    return this.#acks?.busy === true;
  }

  /** May it not stay any more? */
  get expired(): boolean {
    return this.#expiry?.passed === true;
  }

  /** The client's secret for recovery. */
  get pid(): string | undefined {
    return this.#recovery?.pid;
  }

  /** What is kept of it while it is in; nothing if it cannot be recovered. */
  session(): PersistedSession | undefined {
    return this.entered ? this.#recovery?.session(this.#kept) : undefined;
  }

  /** Its calls, in both directions. */
  get calls(): PeerCalls {
    this.#calls ??= new PeerCalls(this, this.#handle, { nsp: this.#nsp, client: this.#client });
    return this.#calls;
  }

  // ---- the way in (from the connection)

  /** One packet from the client. CONNECT and CONNECT_ERROR never come here. */
  receive(packet: Packet): void {
    switch (packet.type) {
      case PacketType.EVENT: {
        const { id, data } = packet;
        if (this.#middlewares) this.#filter(packet, this.#middlewares);
        else this.#handleEvent(id === undefined ? data : [...data, this.#acknowledger(id, data[0])]);
        return;
      }
      case PacketType.ACK:
        this.#acks?.expected?.settle(packet.id, packet.data);
        this.#acks?.rest();
        return;
      case PacketType.DISCONNECT:
        this.end("client namespace disconnect");
        return;
      default:
    }
  }

  /** The namespace lets it in: it is told, and from now on events flow. */
  enter(): void {
    const { name: nsp, adapter } = this.#nsp;
    this.#phase = "connected";
    this.#watchExpiry();
    const rooms = this.#recovery?.rooms ?? [];
    this.#handle.join(rooms.length === 0 ? this.#handle.id : [this.#handle.id, ...rooms]);
    // Before CONNECT, as in Socket.IO: the client's handlers see them before its `connect` event.
    for (const data of this.#recovery?.begin(adapter) ?? []) {
      this.#send({ type: PacketType.EVENT, nsp, id: undefined, data });
    }
    this.#send({ type: PacketType.CONNECT, nsp, id: undefined, data: this.#welcome() });
  }

  // ---- the way out (from emits and from the adapter)

  emitOut(emit: Emit): void {
    const { ack, flags } = emit;
    if (this.#phase === "left") {
      // Nobody will answer: those who wait for an answer are told.
      if (ack && emit.ackTakesError) {
        callGuarded(ack, [disconnected()], this.#context(emit.event));
      }
      return;
    }
    this.#nsp.exchange?.contract?.outgoing([emit.event, ...emit.args], (error) =>
      this.#handle[REPORT](error, emit.event),
    );
    const dropped = flags.volatile === true && !this.#client.ready;
    if (dropped && !emit.ackTakesError) return;
    if (this.#nsp.recovers && !ack && !flags.volatile && this.connected) {
      new Selection(this.#nsp.adapter, new Set([this.#handle.id])).emitOut(emit);
      return;
    }
    const refusal = ack && this.#ownAcks.overLimit();
    if (refusal) {
      if (emit.ackTakesError) callGuarded(ack, [refusal], this.#context(emit.event));
      else this.#handle[REPORT](refusal, emit.event);
      return;
    }
    const id = ack ? this.#nsp.nextAckId() : undefined;
    const packet: EventPacket = {
      type: PacketType.EVENT,
      nsp: this.#nsp.name,
      id,
      data: [emit.event, ...emit.args],
    };
    const encoded = this.#client.encode(packet, flags.compress);
    if (ack && id !== undefined) {
      emit.sentAs?.(id);
      const callback: AckCallback = (...args) => callGuarded(ack, args, this.#context(emit.event));
      this.#ownAcks.expect(id, {
        callback: this.#ownAcks.timed(callback, emit),
        takesError: emit.ackTakesError,
        timeoutMs: flags.timeout,
        signal: emit.signal,
        encoded,
      });
    }
    // A callback that takes an error hears of a packet that was dropped as of one that nobody answers.
    if (dropped) return;
    this.#handle[SHOW_OUTGOING](packet);
    this.#leave(packet, encoded, flags);
  }

  /** Everybody in the namespace but this socket. */
  others(): Selection {
    return new Selection(this.#nsp.adapter, undefined, new Set([this.#handle.id]));
  }

  deliver(packet: EventPacket, encoded: EncodedPacket, flags: BroadcastFlags): void {
    if (this.#phase === "left" || (flags.volatile && !this.#client.ready)) return;
    this.#handle[SHOW_OUTGOING](packet);
    const known = packet.offset === undefined || this.#recovery?.knows(packet) === true;
    const plain = known ? encoded : packet.withoutOffset;
    const bytes = plain ?? this.#client.encode({ ...packet, offset: undefined }, flags.compress);
    this.#leave(packet, bytes, flags);
  }

  deliverWithAck(
    packet: EventPacket,
    encoded: EncodedPacket,
    flags: BroadcastFlags,
    answered: (args: readonly unknown[]) => void,
  ): void {
    const refusal = this.#ownAcks.overLimit();
    if (refusal) {
      this.#handle[REPORT](refusal, packet.data[0]);
      return;
    }
    if (packet.id !== undefined) {
      const callback: AckCallback = (...args) => answered(args);
      this.#ownAcks.expect(packet.id, { callback, takesError: false, timeoutMs: flags.timeout, encoded });
    }
    this.deliver(packet, encoded, flags);
  }

  /** For adapters made for Socket.IO. */
  notifyOutgoingListeners(packet: EventPacket): void {
    this.#handle[SHOW_OUTGOING](packet);
  }

  /** For adapters made for Socket.IO: `set(id, callback)` waits for an acknowledgement. */
  get acks(): { set(id: number, callback: AckCallback): void } {
    const set = (id: number, callback: AckCallback): void => {
      const guarded: AckCallback = (...args) => callGuarded(callback, args, this.#context("acknowledgement"));
      this.#ownAcks.expect(id, { callback: guarded, takesError: false });
    };
    return { set };
  }

  /** The app has one middleware more for what comes in. */
  use(middleware: SocketMiddleware): void {
    this.#middlewares = [...(this.#middlewares ?? []), middleware];
  }

  /** @param at milliseconds since 1970, as {@link readTime} gives them */
  expireAt(at: number): void {
    if (this.#phase === "leaving" || this.#phase === "left") return;
    if (this.#expiry) this.#expiry.move(at);
    else this.#expiry = new Expiry(this.#nsp.clock, at);
    if (this.#phase === "connected") this.#watchExpiry();
  }

  /** Its connection broke, and may come back; or is back. */
  setAway(away: boolean): void {
    this.#nsp.rooms?.setAway(this.#handle.id, away);
    if (!this.#nsp.recoversElsewhere || !this.entered) return;
    this.#withAdapter((adapter) => {
      if (away) this.#recovery?.persist(adapter, this.#kept);
      else this.#recovery?.revoke(adapter);
    });
  }

  // ---- the end

  /** Leaves the namespace by this end's wish. Nothing if it is not in, or has begun to leave. */
  disconnect(): void {
    if (this.entered) this.#dismiss(undefined);
  }

  /** Leaves the namespace, for whatever reason. A socket that was never let in goes without a word. */
  end(reason: ServerDisconnectReason, description?: unknown): void {
    const was = this.#phase;
    if (was === "left" || was === "leaving") return;
    this.#phase = "leaving";
    this.#expiry?.stop();
    if (was === "connected") dispatch(this.#handle, "disconnecting", [reason, description]);
    this.#phase = "left";
    this.#forget(was === "connected" && RECOVERABLE.has(reason));
    this.#handle[LEFT](was === "connected" ? reason : undefined);
    this.#client.left(this.#nsp.name);
    this.#acks?.expected?.failAll();
    this.#calls?.close();
    if (was === "connected") dispatch(this.#handle, "disconnect", [reason, description]);
  }

  // ---- inside

  /** Most sockets never need any. */
  get #ownAcks(): PeerAcks {
    this.#acks ??= new PeerAcks(this.#nsp, this.#client);
    return this.#acks;
  }

  /** Hands an event to the connection, with what may become of it there. */
  #leave(packet: EventPacket, encoded: EncodedPacket, flags: BroadcastFlags): void {
    const policy = flags.overflow ?? this.overflow;
    if (policy === "close") this.#client.send(encoded);
    else
      this.#client.send(
        encoded,
        dropPolicyOf(packet, policy, (id) => this.#acks?.expected?.fail(id, eventDropped())),
      );
  }

  /** What the client is told when it is in. Those of Socket.IO 2 know their id. */
  #welcome(): ConnectPacket["data"] {
    if (isEio3(this.#client)) return undefined;
    return { sid: this.#handle.id, ...(this.pid !== undefined && { pid: this.pid }) };
  }

  #forget(comesBack: boolean): void {
    this.#withAdapter((adapter) => {
      if (comesBack) this.#recovery?.persist(adapter, this.#kept);
      else this.#recovery?.revoke(adapter);
      adapter.delAll(this.#handle.id);
    });
  }

  get #kept(): Interrupted {
    const { id, rooms } = this.#handle;
    return { id, rooms, data: this.data, expires: this.#expiry?.at };
  }

  /** The adapter may be the app's: what it throws must not come back to the code that noticed the end. */
  #withAdapter(use: (adapter: Adapter) => void): void {
    try {
      use(this.#nsp.adapter);
    } catch (error) {
      this.#handle[REPORT](error, "adapter");
    }
  }

  #watchExpiry(): void {
    this.#expiry?.watch(() => this.#dismiss(expired()));
  }

  #dismiss(why: Error | undefined): void {
    this.#withAdapter((adapter) => settle(adapter, this.#handle.id));
    this.#send({ type: PacketType.DISCONNECT, nsp: this.#nsp.name, id: undefined, data: undefined });
    this.end("server namespace disconnect", why);
  }

  #filter({ id, data }: EventPacket, middlewares: readonly SocketMiddleware[]): void {
    const client = this.#client;
    // They may change it.
    const event: Event = [...data];
    const weight = (): number => eventWeight(event);
    if (id !== undefined) event.push(this.#acknowledger(id, undefined));
    runMiddlewares(
      middlewares,
      event,
      (error) => {
        if (error) dispatch(this.#handle, "error", [error]);
        else if (this.connected) this.#handleEvent(event);
      },
      {
        waits: (promise) => this.#hold(event, promise),
        mayDecideLater: (next) => countUntilCalled(next, weight(), (bytes) => client.keep(bytes)),
        // What was decided at once does not overtake what was not.
        delays: (goOn, isLate) => (isLate || client.delaying) && client.delays(goOn, weight()),
        failedLate: (error) => this.#handle[REPORT](error, "middleware"),
      },
    );
  }

  /** Code of the app's has the event as long as its promise is open. */
  #hold(event: readonly unknown[], promise: PromiseLike<unknown>): void {
    const client = this.#client;
    const weight = eventWeight(event);
    if (!client.hold(weight)) return;
    const release = (): void => client.release(weight);
    promise.then(release, release);
  }

  /** @param event its name, its arguments, and the acknowledgement if one is wanted */
  #handleEvent(event: EventPacket["data"]): void {
    const { rooms, exchange } = this.#nsp;
    if (rooms !== undefined && isRoomEvent(event[0])) {
      const decided = rooms.request(this.#handle as unknown as RoomSocket, event);
      if (decided) this.#hold(event, decided);
    } else if (exchange !== undefined) {
      this.calls.take(event);
    } else {
      this.#handle[SHOW_INCOMING](event);
      if (!dispatch(this.#handle, event[0], event.slice(1))) this.#unheard(event);
    }
  }

  /** Where there are calls: shows an event of the client to the app. @returns whether anybody has heard it */
  deliverIncoming(event: EventPacket["data"]): boolean {
    this.#handle[SHOW_INCOMING](event);
    const args = event.slice(1);
    if (dispatch(this.#handle, event[0], args)) return true;
    const handler = this.#nsp.exchange?.handlerOf(event[0]);
    if (handler) callGuarded(handler, args, this.#context(String(event[0])));
    else this.#unheard(event);
    return handler !== undefined || this.#handle.listenersAny().length > 0;
  }

  /** A client that opens a stream is told; a listener may have been put on `io` by mistake. */
  #unheard([name, opened]: EventPacket["data"]): void {
    if (name === OWN_EVENTS.open) this.calls.unheard(opened);
    else if (this.#nsp.hasListeners(String(name)) && this.#handle.listenersAny().length === 0)
      warnOfUnheard(String(name));
  }

  /**
   * What a handler gets as its last argument if the client waits for an answer. Answers once.
   *
   * @param event left out: a middleware may rename it
   */
  #acknowledger(id: number, event: string | number | undefined): AckCallback {
    let answered = false;
    // Where nobody listens, nobody will answer.
    const heard =
      event === undefined ||
      isHeard(this.#handle, event) ||
      this.#handle.listenersAny().length > 0 ||
      this.#nsp.exchange?.handlerOf(event) !== undefined;
    const given = heard ? this.#ownAcks.owe() : undefined;
    const acknowledge: AckCallback = (...args) => {
      if (answered || this.#phase === "left") return;
      const packet: Packet = { type: PacketType.ACK, nsp: this.#nsp.name, id, data: args };
      // What cannot be sent is told to the caller, who may answer something else.
      const encoded = this.#client.encode(packet, undefined);
      answered = true;
      this.#client.send(encoded);
      given?.();
    };
    // By which the client may say that it does not wait any more.
    return this.#nsp.exchange === undefined ? acknowledge : Object.assign(acknowledge, { ackId: id });
  }

  #send(packet: Packet): void {
    this.#client.send(this.#client.encode(packet, undefined));
  }

  #context(event: string): { target: PeerHandle; event: string } {
    return { target: this.#handle, event };
  }
}
