import type { Adapter } from "@sockeye/adapter";
import type { BroadcastOptions, EventPacket, Room } from "@sockeye/protocol";
import { CORE, deferTask, PacketType } from "@sockeye/protocol";
import type { AckCallback, Emit, EmitTarget } from "@sockeye/socket";
import { ackTimeout, callGuarded, whenAborted } from "@sockeye/socket";

/** How long a broadcast with an acknowledgement waits if the app does not say: Socket.IO fails after about 1 ms there. */
const DEFAULT_ACK_TIMEOUT_MS = 5000;

const NO_ROOMS: ReadonlySet<Room> = new Set();

/**
 * Whom an emit means, as an immutable value: the union of rooms, less the members of others. Everybody, if no room was ever named;
 * nobody, if only empty lists of rooms were.
 */
export class Selection implements EmitTarget {
  readonly #rooms: ReadonlySet<Room> | undefined;

  /** @param rooms left out: everybody */
  constructor(
    readonly adapter: Adapter,
    rooms?: ReadonlySet<Room>,
    readonly excluded: ReadonlySet<Room> = NO_ROOMS,
  ) {
    this.#rooms = rooms;
  }

  /** Does it mean nobody? Adapters must not be asked then: no room means everybody there. */
  get empty(): boolean {
    return this.#rooms?.size === 0;
  }

  /** In the adapter's words: none for everybody. */
  get rooms(): ReadonlySet<Room> {
    return this.#rooms ?? NO_ROOMS;
  }

  including(rooms: Room | readonly Room[]): Selection {
    return new Selection(this.adapter, union(this.rooms, rooms), this.excluded);
  }

  excluding(rooms: Room | readonly Room[]): Selection {
    return new Selection(this.adapter, this.#rooms, union(this.excluded, rooms));
  }

  /** In the adapter's words. */
  options(flags: BroadcastOptions["flags"]): BroadcastOptions {
    return { rooms: this.rooms, except: this.excluded, flags };
  }

  emitOut(emit: Emit): void {
    if (this.empty) {
      if (emit.ack) this.#answerNothing(emit.event, emit.ack);
      return;
    }
    const { adapter } = this;
    const core = adapter.nsp[CORE];
    core.outgoing?.([emit.event, ...emit.args]);
    const packet: EventPacket = {
      type: PacketType.EVENT,
      nsp: adapter.nsp.name,
      id: undefined,
      data: [emit.event, ...emit.args],
    };
    if (emit.ack) this.#collect(packet, emit, emit.ack);
    else if (core.remember === undefined) adapter.broadcast(packet, this.options(emit.flags));
    else core.remember(packet, this.options(emit.flags));
  }

  /** In a later turn, as for rooms without members. */
  #answerNothing(event: string, ack: AckCallback): void {
    const { nsp } = this.adapter;
    deferTask(() => callGuarded(ack, [null, []], { target: nsp, event }));
  }

  /** Done once every server has said how many sockets it reached, and as many have answered; or when time is up. */
  #collect(packet: EventPacket, { event, flags, signal }: Emit, ack: AckCallback): void {
    const timeoutMs = flags.timeout ?? DEFAULT_ACK_TIMEOUT_MS;
    const answers: unknown[] = [];
    let servers = -1;
    let counted = 0;
    let expected = 0;
    let done = false;
    const { nsp } = this.adapter;
    const finish = (error: unknown): void => {
      done = true;
      nsp[CORE].clock.clearTimer(timer);
      unwatch?.();
      callGuarded(ack, [error, answers], { target: nsp, event });
    };
    const timer = nsp[CORE].clock.setTimer(() => {
      const error = ackTimeout();
      error.responses = answers;
      finish(error);
    }, timeoutMs);
    const unwatch = signal && whenAborted(signal, finish);
    const check = (): void => {
      if (!done && counted === servers && answers.length >= expected) finish(null);
    };
    try {
      this.adapter.broadcastWithAck(
        packet,
        this.options({ ...flags, timeout: timeoutMs }),
        (clients) => {
          expected += clients;
          counted += 1;
          check();
        },
        (answer) => {
          // What comes after the end must not change what the app has got.
          if (!done) answers.push(answer);
          check();
        },
        (error) => {
          if (!done) finish(Object.assign(error, { responses: answers }));
        },
      );
    } catch (error) {
      // It cannot be encoded.
      nsp[CORE].clock.clearTimer(timer);
      unwatch?.();
      throw error;
    }
    (flags.local ? Promise.resolve(1) : this.adapter.serverCount()).then(
      (count) => {
        servers = count;
        check();
      },
      // The timeout will say that it failed.
      () => {},
    );
  }
}

function union(rooms: ReadonlySet<Room>, added: Room | readonly Room[]): ReadonlySet<Room> {
  // Apps without types name rooms by numbers, too.
  return Array.isArray(added)
    ? new Set([...rooms, ...(added as readonly Room[])])
    : new Set(rooms).add(added as Room);
}
