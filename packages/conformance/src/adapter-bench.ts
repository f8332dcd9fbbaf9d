import type { Adapter } from "@sockeye/adapter";
import {
  type AdapterCore,
  type AdapterNamespace,
  type AdapterPeer,
  type AdapterSocket,
  type BroadcastFlags,
  type BroadcastOptions,
  CORE,
  EncodedPacket,
  type EventPacket,
  PacketType,
  PEER,
  REPORT,
  type Room,
  type SocketId,
} from "@sockeye/protocol";
import { type ManualClock, manualClock } from "./clock.js";

export function event(name: string, ...args: unknown[]): EventPacket {
  return { type: PacketType.EVENT, nsp: "/", id: undefined, data: [name, ...args] };
}

/** An adapter with its surroundings. */
export class Bench {
  readonly sockets: FakeSocket[] = [];

  constructor(
    readonly nsp: FakeNamespace,
    readonly adapter: Adapter,
    readonly settle: () => Promise<void>,
  ) {}

  /** Connects a socket and lets it join its own room and others. */
  readonly join = async (id: SocketId, ...rooms: Room[]): Promise<void> => {
    const socket = new FakeSocket(id, this.nsp, this.adapter);
    this.sockets.push(socket);
    this.nsp.sockets.set(id, socket);
    await this.adapter.addAll(id, new Set([id, ...rooms]));
  };

  readonly populate = async (): Promise<void> => {
    await this.join("s1", "a", "b");
    await this.join("s2", "a");
    await this.join("s3", "b");
    await this.join("s4");
  };

  /** Ids of those that are meant. */
  readonly ids = async (options: BroadcastOptions): Promise<SocketId[]> =>
    (await this.adapter.fetchSockets(options)).map(({ id }) => id).sort();
}

export class FakeNamespace implements AdapterNamespace {
  readonly name = "/";
  readonly clock: ManualClock = manualClock();
  readonly sockets: Map<SocketId, FakeSocket> = new Map();
  readonly encoded: { readonly packet: EventPacket; readonly flags: BroadcastFlags }[] = [];
  readonly reported: unknown[] = [];
  #ackIds = 0;

  readonly [CORE]: AdapterCore = {
    clock: this.clock,
    nextAckId: () => this.#ackIds++,
    encode: (packet, flags) => {
      this.encoded.push({ packet, flags });
      return new EncodedPacket(`4${packet.type}${packet.id ?? ""}${JSON.stringify(packet.data)}`);
    },
  };

  [REPORT](error: unknown): void {
    this.reported.push(error);
  }

  /** Ids of those who got something, sorted. One who got it twice is there twice. */
  receivers(): SocketId[] {
    return [...this.sockets.values()].flatMap(({ id, delivered }) => delivered.map(() => id)).sort();
  }
}

interface Delivery {
  readonly packet: EventPacket;
  readonly encoded: EncodedPacket;
  readonly flags: BroadcastFlags;
}

export class FakeSocket implements AdapterSocket {
  readonly delivered: Delivery[] = [];
  readonly disconnects: (boolean | undefined)[] = [];
  onDeliver: () => void = () => {};
  #answered: ((args: readonly unknown[]) => void) | undefined;
  readonly #nsp: FakeNamespace;
  readonly #adapter: Adapter;

  constructor(
    readonly id: SocketId,
    nsp: FakeNamespace,
    adapter: Adapter,
  ) {
    this.#nsp = nsp;
    this.#adapter = adapter;
  }

  readonly [PEER]: AdapterPeer = {
    deliver: (packet, encoded, flags) => {
      this.delivered.push({ packet, encoded, flags });
      this.onDeliver();
    },
    deliverWithAck: (packet, encoded, flags, answered) => {
      this.#answered = answered;
      this[PEER].deliver(packet, encoded, flags);
    },
  };

  answer(...args: unknown[]): void {
    this.#answered?.(args);
  }

  join(rooms: Room | Room[]): Promise<void> | void {
    return this.#adapter.addAll(this.id, new Set(Array.isArray(rooms) ? rooms : [rooms]));
  }

  leave(room: Room): Promise<void> | void {
    return this.#adapter.del(this.id, room);
  }

  disconnect(close?: boolean): void {
    this.disconnects.push(close);
    this.#nsp.sockets.delete(this.id);
    this.#adapter.delAll(this.id);
  }
}
