import type { ContractError } from "@sockeye/protocol";
import { LISTENERS, OWN_EVENTS, REPORT } from "@sockeye/protocol";
import type {
  DefaultEventsMap,
  EventHandler,
  EventNames,
  EventParamsWithoutAck,
  EventsMap,
  ExtensionHost,
  Listener,
  ListenOptions,
  WaitOptions,
} from "@sockeye/socket";
import { dispatch, Emitter } from "@sockeye/socket";
import type { Presence, PresenceChange } from "../presence-list.js";
import type { HistoryOptions, RoomEvent } from "../room-event.js";
import { ask } from "./asking.js";
import { freshId } from "./fresh-id.js";
import { Listeners } from "./listeners.js";
import { type Joined, Membership } from "./membership.js";
import type { Outbox, Published } from "./outbox.js";
import { PresenceSide } from "./presence-side.js";
import { type Heard, readEvents, readText } from "./wire.js";

/** A page of what a room keeps. */
export interface HistoryPage {
  /** The oldest first. */
  readonly events: readonly RoomEvent[];
  /** After the newest event of the room. */
  readonly position: string | undefined;
}

/** Where a join begins. */
export interface JoinOptions {
  /** A position, `"last:50"`, or an age as `"10m"`. Default: from now on, and the last value of a room that keeps that. */
  readonly since?: string | undefined;
}

/** Arguments of what a client publishes: of an event that the server hears by this name, or else of one that the room hears. */
export type PublishArgs<Listen extends EventsMap, Emit extends EventsMap, Ev> =
  Ev extends EventNames<Emit>
    ? string extends EventNames<Emit>
      ? Ev extends EventNames<Listen>
        ? EventParamsWithoutAck<Listen, Ev>
        : never
      : EventParamsWithoutAck<Emit, Ev>
    : Ev extends EventNames<Listen>
      ? EventParamsWithoutAck<Listen, Ev>
      : never;

/** Options of `publish`. */
export interface PublishOptions extends WaitOptions {
  /** A name that nothing else has, so that a page that was loaded again may try again. Default: a random one. */
  readonly id?: string | undefined;
}

/** What the extension tells a room. */
export interface RoomWires {
  connected(): void;
  disconnected(): void;
  take(envelope: unknown): void;
  left(): void;
  changed(fields: Readonly<Record<string, unknown>>): void;
}

interface Parts {
  readonly host: ExtensionHost;
  readonly outbox: Outbox;
  readonly membership: Membership;
  readonly side: PresenceSide;
  readonly listeners: Emitter<EventsMap>;
  readonly events: Listeners<[RoomEvent]>;
  readonly joins: Listeners<[Joined]>;
  readonly putOuts: Listeners<[error: unknown]>;
}

/** Who is in a room, and what this client shows of itself there. */
export class RoomPresence {
  readonly #side: PresenceSide;

  /** @internal */
  constructor(side: PresenceSide) {
    this.#side = side;
  }

  /** How many are there: one for each key. Costs no list. */
  get count(): number {
    return this.#side.count;
  }

  /** Who is there as far as `change` has told, in the order of their keys: empty while nobody listens. */
  get members(): readonly Presence[] {
    return this.#side.members;
  }

  /**
   * Shows this client to the others, once it has joined, and again whenever it comes back. While an answer is waited for only the newest
   * value is sent.
   *
   * @throws RoomError (as a rejection) `ERR_ROOM_FORBIDDEN`, `ERR_ROOM_LIMIT`
   */
  set(value: unknown): Promise<void> {
    return this.#side.set(value);
  }

  /** Changes members of the value that was set. @throws as {@link set} */
  update(part: object): Promise<void> {
    return this.#side.update(part);
  }

  /** Shows this client no more. */
  clear(): Promise<void> {
    return this.#side.clear();
  }

  /** Everybody who is there, read page by page from the server. @throws RoomError (as a rejection) `ERR_ROOM_FORBIDDEN` */
  list(): Promise<readonly Presence[]> {
    return this.#side.list();
  }

  /**
   * Calls the listener with what has changed: first all who are there, as `joined`. After a new connection it is told what is different, no
   * more.
   *
   * @returns a function that ends it
   */
  on(_event: "change", listener: (change: PresenceChange) => void): () => void {
    return this.#side.watch(listener);
  }
}

/** A room that has a rule at the server: `socket.room(name)`. It comes back by itself after each new connection. */
export class Room<Events extends EventsMap = DefaultEventsMap, Emit extends EventsMap = DefaultEventsMap> {
  /** Its name. */
  readonly name: string;
  /** Who is there. */
  readonly presence: RoomPresence;
  readonly #parts: Parts;

  /** @internal */
  constructor(name: string, parts: Parts) {
    this.name = name;
    this.presence = new RoomPresence(parts.side);
    this.#parts = parts;
  }

  /** Has the server let it in? */
  get joined(): boolean {
    return this.#parts.membership.isIn;
  }

  /** Behind the last event that was heard; `undefined` where nothing is kept. Keep it, and join with it next time. */
  get position(): string | undefined {
    return this.#parts.membership.position;
  }

  /**
   * Joins, as soon as there is a connection, and after each later one with the position that was reached. What was missed is heard as
   * what comes is, before the promise resolves.
   *
   * @returns `complete`: did every event since come? Also false if the room is left before the answer
   * @throws RoomError (as a rejection) `ERR_ROOM_FORBIDDEN`, `ERR_ROOM_LIMIT`, `ERR_ROOM_REQUEST`
   */
  join({ since }: JoinOptions = {}): Promise<Joined> {
    return this.#parts.membership.join(since);
  }

  /** Leaves, and does not come back. Listeners stay. */
  leave(): void {
    this.#parts.membership.leave();
  }

  /** Listens to an event of this room. What is sent as `volatile` is none, and comes to the socket. */
  on<Ev extends EventNames<Events>>(
    event: Ev,
    listener: EventHandler<Events, Ev>,
    options?: ListenOptions,
  ): this {
    this.#parts.listeners.on(event as string, listener as Listener, options);
    return this;
  }

  /** Takes off a listener, or all of an event. */
  off<Ev extends EventNames<Events>>(event: Ev, listener?: EventHandler<Events, Ev>): this {
    if (listener) this.#parts.listeners.off(event, listener as Listener);
    else this.#parts.listeners.off(event as string);
    return this;
  }

  /** Listens to all events of this room, with their positions. @returns a function that ends it */
  onEvent(listener: (event: RoomEvent) => void): () => void {
    return this.#parts.events.add(listener);
  }

  /** Calls the listener each time that it is in: before the events that it has missed. @returns a function that ends it */
  onJoin(listener: (joined: Joined) => void): () => void {
    return this.#parts.joins.add(listener);
  }

  /** Calls the listener if the server has put it out, or does not let it in again. @returns a function that ends it */
  onPutOut(listener: (error: unknown) => void): () => void {
    return this.#parts.putOuts.add(listener);
  }

  /**
   * Publishes to all in the room, this client included if it has joined. It is sent with one name until it is answered, over any number
   * of connections: a room that keeps events has it once.
   *
   * @throws RoomError (as a rejection) `ERR_ROOM_FORBIDDEN`, `ERR_ROOM_REQUEST`, `ERR_ROOM_REFUSED`, `ERR_INVALID`; UsageError
   *   `ERR_OUTBOUND_FULL` if 1000 wait; the reason of the signal, and then nobody knows whether it was stored
   */
  publish<Ev extends EventNames<Events>>(
    event: Ev,
    args: PublishArgs<Events, Emit, Ev>,
    { id = freshId(), signal }: PublishOptions = {},
  ): Promise<Published> {
    return this.#parts.outbox.publish({ room: this.name, event: event as string, args, id }, signal);
  }

  /** A page of what is kept: the newest 50 unless it is said otherwise. @throws RoomError (as a rejection); AckError */
  history({ before, after, limit, signal }: HistoryOptions & WaitOptions = {}): Promise<HistoryPage> {
    const request = {
      room: this.name,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    };
    return ask(this.#parts.host, OWN_EVENTS.history, request, signal).then(({ events, position }) => ({
      events: readEvents(events),
      position: readText(position),
    }));
  }

  /**
   * Reads a state that the events change, without a race: joins, then reads, and holds back events until what `read` returns has settled. So
   * show the state in `read`. An event that came meanwhile may be in the state already.
   *
   * @returns what `read` returns
   */
  snapshot<T>(read: (room: this) => T | PromiseLike<T>): Promise<T> {
    return this.#parts.membership.behind(() => read(this));
  }
}

/** Makes a room, and what the extension tells it. */
export function openRoom(name: string, host: ExtensionHost, outbox: Outbox): [Room, RoomWires] {
  const events = new Listeners<[RoomEvent]>(host, name);
  const joins = new Listeners<[Joined]>(host, name);
  const putOuts = new Listeners<[error: unknown]>(host, name);
  const side = new PresenceSide(name, host, new Listeners(host, name));
  const listeners = new Emitter<EventsMap>();
  const target = {
    [LISTENERS]: (event: string | symbol | number) => listeners[LISTENERS](event),
    [REPORT]: (error: unknown) => host.reportError(error),
  };
  const membership = new Membership(name, host, {
    joined: (joined, answer) => {
      joins.tell(joined);
      side.joined(answer);
    },
    event: checked(host, (heard) => {
      dispatch(target, heard.event, heard.args);
      events.tell(heard as RoomEvent);
    }),
    out: (error) => side.left(error),
    putOut: (error) => putOuts.tell(error),
  });
  const room = new Room(name, { host, outbox, membership, side, listeners, events, joins, putOuts });
  const wires: RoomWires = {
    connected: () => membership.connected(),
    disconnected: () => {
      membership.disconnected();
      side.disconnected();
    },
    take: (envelope) => membership.take(envelope),
    left: () => membership.left(),
    changed: (fields) => side.changed(fields),
  };
  return [room, wires];
}

/** Events go through the contract as all that comes in. */
function checked(host: ExtensionHost, show: (heard: Heard) => void): (heard: Heard) => void {
  const { contract } = host;
  if (contract === undefined) return show;
  /** Those whose arguments are being checked, in order. */
  const waiting: Heard[] = [];
  const intake = contract.intake({
    deliver: ([, ...args]) => {
      const heard = waiting.shift();
      if (heard) show({ ...heard, args });
      return true;
    },
    refused: (error: ContractError) => {
      // One too many is refused before those that wait.
      if (error.code === "ERR_TOO_MANY_EVENTS") waiting.pop();
      else waiting.shift();
      host.reportError(error);
    },
    hold: () => () => {},
  });
  return (heard) => {
    waiting.push(heard);
    intake([heard.event, ...heard.args]);
  };
}
