import { type ManualClock, manualClock } from "@sockeye/conformance";
import { type BroadcastOptions, EncodedPacket, type EventPacket, PacketType } from "@sockeye/protocol";
import { type RoomLimits, type RoomSocket, Rooms, type RoomsHost } from "@sockeye/rooms";

/** A refusal of the app's, or of its contract's. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly data?: unknown,
  ) {
    super(code);
  }
}

/** A namespace in memory: its sockets note what they get. */
export class Site {
  readonly clock: ManualClock;
  readonly sockets = new Map<string, Client>();
  readonly errors: unknown[] = [];
  readonly rooms: Rooms<Client>;
  /** The contract. */
  check: (event: readonly unknown[]) => readonly unknown[] | PromiseLike<readonly unknown[]> = (event) =>
    event;
  #epochs = 0;

  constructor(
    limits: Partial<RoomLimits> = {},
    clock = manualClock(),
    epoch = "epoch",
    cluster: Pick<RoomsHost<Client>, "share" | "keeps"> = {},
  ) {
    this.clock = clock;
    this.rooms = new Rooms<Client>(
      {
        ...cluster,
        name: "/",
        clock: this.clock,
        socket: (id) => this.sockets.get(id),
        isSocketId: (room) => this.sockets.has(room),
        connection: (socket) => socket,
        maxAttachments: 10,
        broadcast: (packet, options) => this.broadcast(packet, options),
        hasMembers: (room) => [...this.sockets.values()].some(({ joined }) => joined.has(room)),
        encode: ({ data }) => new EncodedPacket(JSON.stringify(data)),
        decode: ({ head }) => JSON.parse(String(head)) as unknown[],
        deliver: (socket, _packet, { head }) => socket.receive(JSON.parse(String(head))),
        makeEpoch: () => `${epoch}${++this.#epochs}`,
        check: (_socket, event) => this.check(event),
        undeclared: () => undefined,
        refusalOf: (error) => (error instanceof Refused ? error : undefined),
        delays: () => false,
        reportError: (error) => this.errors.push(error),
      },
      limits,
    );
  }

  enter(id: string): Client {
    return this.admit(new Client(id, this));
  }

  admit<C extends Client>(client: C): C {
    this.sockets.set(client.id, client);
    return client;
  }

  broadcast({ data }: EventPacket, { rooms, except = new Set() }: BroadcastOptions): void {
    for (const socket of this.sockets.values()) {
      const isMeant = rooms.size === 0 || [...rooms].some((room) => socket.joined.has(room));
      if (isMeant && ![...except].some((room) => socket.joined.has(room)))
        socket.hear(JSON.parse(JSON.stringify(data)));
    }
  }

  /** As `io.to(room).emit(event, …args)`. */
  emit(room: string, event: string, ...args: unknown[]): void {
    this.send({ rooms: new Set([room]) }, event, ...args);
  }

  send(options: BroadcastOptions, event: string, ...args: unknown[]): void {
    this.rooms.broadcast(
      { type: PacketType.EVENT, nsp: "/", id: undefined, data: [event, ...args] },
      options,
    );
  }
}

export class Client implements RoomSocket {
  readonly joined: Set<string>;
  readonly got: unknown[][] = [];
  connected = true;

  constructor(
    readonly id: string,
    readonly site: Site,
  ) {
    this.joined = new Set([id]);
  }

  receive(event: unknown[]): void {
    this.got.push(event);
  }

  /** By a broadcast. */
  hear(event: unknown[]): void {
    this.receive(event);
  }

  join(rooms: string[]): void {
    for (const room of rooms) this.joined.add(room);
  }

  leave(room: string): void {
    if (this.joined.delete(room)) this.site.rooms.left(room, this.id);
  }

  go(): void {
    this.connected = false;
    this.site.sockets.delete(this.id);
    this.site.rooms.gone(this.id);
  }

  async ask(event: string, argument: unknown): Promise<unknown> {
    const answer = await new Promise<unknown[]>((resolve) =>
      this.site.rooms.request(this, [event, argument, (...args: unknown[]) => resolve(args)]),
    );
    const [value, refusal] = answer as [unknown, { $error?: { code: string } }?];
    return refusal?.$error?.code ?? value;
  }

  /** What came by the room protocol. */
  get envelopes(): unknown[] {
    return this.got.filter(([event]) => event === "sockeye:event").map(([, envelope]) => envelope);
  }

  get positions(): unknown[] {
    return this.envelopes.map((envelope) => (envelope as { position: string }).position);
  }
}
