import type { BroadcastOptions, EventPacket } from "@sockeye/protocol";
import { isOwnEvent, PacketType, RESERVED_EVENTS } from "@sockeye/protocol";
import { afterwards, type Delays } from "./afterwards.js";
import { isThenable } from "./permissions.js";
import { formatPosition } from "./position.js";
import { encodable } from "./presence-board.js";
import type { Request } from "./requests.js";
import { forbidden, unread } from "./room-error.js";
import type { RoomState } from "./room-state.js";
import type { RoomSocket, RoomsHost } from "./rooms-host.js";
import type { Said } from "./shared-rooms.js";
import type { Visitor } from "./visitor.js";

type Publication = Extract<Request, { kind: "publish" }>;

/** Who stores and sends what was published. */
export interface PublisherSink<S> {
  /** The state of a room that has a rule, and its texts for the levels of the rule's pattern. */
  used(room: string): RoomState<S> | undefined;
  broadcast(
    packet: EventPacket,
    options: BroadcastOptions,
    publication: { readonly id: string | undefined },
  ): void;
  /** The same where a room is one for all nodes of a cluster. @returns the answer */
  share(state: RoomState<S>, packet: EventPacket, said: Said): PromiseLike<object>;
}

interface Going {
  readonly publication: Publication;
  readonly params: readonly string[];
}

/** What clients publish: the contract checks it, then the rule, and it is stored once. */
export class Publisher<S extends RoomSocket> {
  readonly #host: RoomsHost<S>;
  readonly #sink: PublisherSink<S>;

  constructor(host: RoomsHost<S>, sink: PublisherSink<S>) {
    this.#host = host;
    this.#sink = sink;
  }

  /**
   * The events of one socket keep their order, however long the app takes.
   *
   * @returns the answer, also as a promise
   * @throws RoomRefusal, or what a host knows as a refusal, also as a rejection
   */
  publish(socket: S, visitor: Visitor, going: Going): unknown {
    const { event } = going.publication;
    if (RESERVED_EVENTS.has(event) || isOwnEvent(event)) throw unread();
    return visitor.inTurn(() => {
      // What was stored is not checked again: it may have become invalid, and the answer is the same.
      const state = this.#stateFor(socket, going.publication.room);
      return repetition(state, going.publication) ?? this.#check(socket, going);
    });
  }

  #check(socket: S, going: Going): unknown {
    const { event, args } = going.publication;
    const checked = this.#host.check(socket, [event, ...args]);
    return isThenable(checked)
      ? afterwards(checked, this.#delays(socket), ([, ...read]) => this.#ask(socket, going, read))
      : this.#ask(socket, going, checked.slice(1));
  }

  #ask(socket: S, { publication, params }: Going, args: readonly unknown[]): unknown {
    const { room, event, id } = publication;
    const { rule } = this.#stateFor(socket, room);
    if (rule.onPublish === undefined) return this.#store(socket, publication, args);
    const said = rule.onPublish(socket, { room, params, event, args, id });
    const settle = (verdict: boolean | readonly unknown[]): unknown => {
      if (verdict !== true && !Array.isArray(verdict)) throw forbidden();
      return this.#store(socket, publication, verdict === true ? args : (verdict as readonly unknown[]));
    };
    return isThenable(said) ? afterwards(said, this.#delays(socket), settle) : settle(said);
  }

  #store(socket: S, publication: Publication, args: readonly unknown[]): unknown {
    const { room, event, id } = publication;
    const state = this.#stateFor(socket, room);
    // Another try of it may have come first while the app thought about this one.
    const repeated = repetition(state, publication);
    if (repeated !== undefined) return repeated;
    // As history shows it: deeper than it came.
    if (state.log !== undefined) encodable(this.#host, { events: [{ args }] });
    const packet: EventPacket = {
      type: PacketType.EVENT,
      nsp: this.#host.name,
      id: undefined,
      data: [event, ...args],
    };
    if (state.shared && state.log) return this.#sink.share(state, packet, { id, from: socket.id });
    this.#sink.broadcast(packet, { rooms: new Set([room]), except: new Set([socket.id]) }, { id });
    return { room, ...(state.position === undefined ? {} : { position: state.position }) };
  }

  #delays(socket: S): Delays {
    return (goOn) => this.#host.delays(socket, goOn);
  }

  /** It may have gone while the app decided. */
  #stateFor(socket: S, room: string): RoomState<S> {
    const state = this.#sink.used(room);
    if (state === undefined || !socket.connected) throw forbidden();
    return state;
  }
}

/** The answer to what was stored before. */
function repetition({ log }: RoomState<never>, { room, id }: Publication): object | undefined {
  const offset = id === undefined ? undefined : log?.offsetOf(id);
  if (log === undefined || offset === undefined) return undefined;
  return { room, position: formatPosition({ epoch: log.epoch, offset }), repeated: true };
}
