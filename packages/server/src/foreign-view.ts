import type { Room, SocketId } from "@sockeye/protocol";
import { CodecError, PEER, REPORT } from "@sockeye/protocol";
import type { Handshake } from "./handshake.js";
import type { Peer } from "./peer.js";
import { shareable } from "./shareable.js";
import type { Socket } from "./socket.js";

/** What was said already, by socket. */
const told = new WeakMap<Socket, Set<string>>();

/**
 * A socket as adapters made for Socket.IO see it. They send its `data` and `handshake` to other servers, out of listeners and
 * promises of their own, where a cycle or a BigInt in them would end the process: here they see a copy without.
 */
export class ForeignView {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get id(): SocketId {
    return this.socket.id;
  }

  get nsp(): Socket["nsp"] {
    return this.socket.nsp;
  }

  get client(): Socket["client"] {
    return this.socket.client;
  }

  get conn(): Socket["conn"] {
    return this.socket.conn;
  }

  get request(): Socket["request"] {
    return this.socket.request;
  }

  get connected(): boolean {
    return this.socket.connected;
  }

  get rooms(): Set<Room> {
    return this.socket.rooms;
  }

  get acks(): Peer["acks"] {
    return this.socket[PEER].acks;
  }

  get data(): unknown {
    return this.#shared(this.socket.data, "socket.data");
  }

  get handshake(): Handshake {
    return this.#shared(this.socket.handshake, "socket.handshake") as Handshake;
  }

  notifyOutgoingListeners(packet: Parameters<Peer["notifyOutgoingListeners"]>[0]): void {
    this.socket[PEER].notifyOutgoingListeners(packet);
  }

  join(rooms: Room | Room[]): Promise<void> | void {
    return this.socket.join(rooms);
  }

  leave(room: Room): Promise<void> | void {
    return this.socket.leave(room);
  }

  emit(event: string, ...args: unknown[]): boolean {
    return this.socket.emit(event, ...args);
  }

  disconnect(close?: boolean): Socket {
    return this.socket.disconnect(close);
  }

  #shared(value: unknown, path: string): unknown {
    return shareable(value, path, (at, why) => {
      const paths = told.get(this.socket) ?? new Set();
      if (paths.has(at)) return;
      told.set(this.socket, paths.add(at));
      const text = `${at} ${why}: other servers are told of this socket without it`;
      this.socket[REPORT](new CodecError("ERR_UNENCODABLE", text), "fetchSockets");
    });
  }
}
