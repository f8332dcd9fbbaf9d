import type { Answerer, Caller, StreamPeer, StreamTable } from "@sockeye/contract/internal";
import { isStreamFrame, Running, SocketStreams, unhandled } from "@sockeye/contract/internal";
import type { EncodedPacket, EventPacket, Packet } from "@sockeye/protocol";
import { isOwnEvent, OWN_EVENTS, PacketType, REPORT } from "@sockeye/protocol";
import type { ContractEnd, Emit, EmitTarget } from "@sockeye/socket";
import { readEmit } from "@sockeye/socket";
import { eventWeight } from "./event-bytes.js";
import type { PeerHandle } from "./peer-handle.js";
import { REFUSED } from "./peer-handle.js";
import type { PeerConnection, PeerNamespace } from "./peer-host.js";

/** A peer, as its calls see it. */
export interface CallingPeer extends EmitTarget {
  readonly connected: boolean;
  /** Shows an event to the app. @returns whether anybody has heard it */
  deliverIncoming(event: EventPacket["data"]): boolean;
}

/** Calls of one socket, in both directions, and the checks of its events. Only where a contract or a call is in use. */
export class PeerCalls implements Answerer, Caller, StreamPeer {
  readonly running: Running = new Running();
  readonly #peer: CallingPeer;
  readonly #handle: PeerHandle;
  readonly #nsp: PeerNamespace;
  readonly #client: PeerConnection;
  readonly #intake: ((event: readonly unknown[]) => void) | undefined;
  /** Has the client said that it takes `cancel`? */
  #takesCancel = false;
  #streams: SocketStreams | undefined = undefined;

  constructor(
    peer: CallingPeer,
    handle: PeerHandle,
    { nsp, client }: { readonly nsp: PeerNamespace; readonly client: PeerConnection },
  ) {
    this.#peer = peer;
    this.#handle = handle;
    this.#nsp = nsp;
    this.#client = client;
    this.#intake = this.contract?.intake({
      deliver: (event) => !peer.connected || this.#deliver(event),
      refused: (error, event) => handle[REFUSED](error, event),
      hold: (event) => this.#hold(event),
      delays: (goOn) => client.delays(goOn),
    });
  }

  get socket(): object {
    return this.#handle;
  }

  get contract(): ContractEnd | undefined {
    return this.#nsp.exchange?.contract;
  }

  /** An event has come in and passed the middlewares. */
  take(event: readonly unknown[]): void {
    if (isOwnEvent(event[0])) this.#takeOwn(event);
    else if (this.#intake) this.#intake(event);
    else this.#deliver(event);
  }

  cancel(ackId: number): void {
    if (this.#takesCancel) this.emitOut(readEmit(OWN_EVENTS.cancel, [ackId], {}));
  }

  emitOut(emit: Emit): void {
    this.#peer.emitOut(emit);
  }

  send(event: string, args: readonly unknown[]): void {
    if (!this.#peer.connected) return;
    const packet: Packet = {
      type: PacketType.EVENT,
      nsp: this.#nsp.name,
      id: undefined,
      data: [event, ...args],
    };
    this.#client.send(this.#client.encode(packet, undefined));
  }

  forward(frame: EncodedPacket): void {
    if (this.#peer.connected) this.#client.send(frame);
  }

  /** A stream was asked for, and nobody has heard it. */
  unheard(n: unknown): void {
    if (Number.isSafeInteger(n)) this.send(OWN_EVENTS.end, [n, unhandled("")]);
  }

  /** The socket is gone. */
  close(): void {
    this.running.cancelAll();
    this.#streams?.close();
  }

  reportError(error: unknown, name: string): void {
    this.#handle[REPORT](error, name);
  }

  #deliver(event: readonly unknown[]): boolean {
    return this.#peer.deliverIncoming(event as EventPacket["data"]);
  }

  #takeOwn(event: readonly unknown[]): void {
    if (event[0] === OWN_EVENTS.cancel) this.running.cancel(event[1]);
    else if (event[0] === OWN_EVENTS.calls) this.#takesCancel = true;
    else if (this.#nsp.exchange?.streams && isStreamFrame(event[0]))
      this.#takeFrame(event, this.#nsp.exchange.streams);
    else this.#deliver(event);
  }

  #takeFrame(event: readonly unknown[], table: StreamTable): void {
    // A client that asks for an acknowledgement of a frame learns that it has come.
    const last = event.at(-1);
    if (typeof last === "function") last();
    this.#streams ??= new SocketStreams(this, table);
    this.#streams.take(typeof last === "function" ? event.slice(0, -1) : event);
  }

  holdBytes(bytes: number): boolean {
    return this.#client.hold(bytes);
  }

  releaseBytes(bytes: number): void {
    this.#client.release(bytes);
  }

  /** It waits behind an asynchronous schema. */
  #hold(event: readonly unknown[]): (() => void) | undefined {
    const weight = eventWeight(event);
    return this.#client.hold(weight) ? () => this.#client.release(weight) : undefined;
  }
}
