import type { BroadcastFlags, Room } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";
import type { EventNames, EventParams, EventsMap } from "@sockeye/socket";
import { requireEventName } from "@sockeye/socket";

/** What carries it to the nodes. */
export interface Voice {
  emit(data: readonly [string, ...unknown[]], choice: Choice): void;
  act(op: "join" | "leave" | "disconnect", choice: Choice, arg: unknown): void;
}

/** Whom it means. */
export interface Choice {
  readonly rooms: ReadonlySet<Room>;
  readonly except: ReadonlySet<Room>;
  readonly flags: BroadcastFlags;
  /** `to([])` alone: nobody. */
  readonly nobody: boolean;
}

export const EVERYBODY: Choice = { rooms: new Set(), except: new Set(), flags: {}, nobody: false };

/**
 * Emits to many sockets, or acts on them. Immutable: every call returns a new one, so it can be kept and shared. Where no room is named it
 * means the whole namespace; an empty list of rooms names nobody.
 */
export class Selected<EmitEvents extends EventsMap> {
  readonly #voice: Voice;
  readonly #choice: Choice;

  constructor(voice: Voice, choice: Choice) {
    this.#voice = voice;
    this.#choice = choice;
  }

  /** Adds the members of one or several rooms; the id of a socket is a room too. */
  to(room: Room | readonly Room[]): Selected<EmitEvents> {
    const rooms = new Set([...this.#choice.rooms, ...listOf(room)]);
    return this.#with({ rooms, nobody: rooms.size === 0 });
  }

  /** The same as {@link to}. */
  in(room: Room | readonly Room[]): Selected<EmitEvents> {
    return this.to(room);
  }

  /** Takes out the members of one or several rooms. */
  except(room: Room | readonly Room[]): Selected<EmitEvents> {
    return this.#with({ except: new Set([...this.#choice.except, ...listOf(room)]) });
  }

  /** Clients that cannot take it at once do not get it. */
  get volatile(): Selected<EmitEvents> {
    return this.#with({ flags: { ...this.#choice.flags, volatile: true } });
  }

  /** @param compress false: it is not compressed, whatever its length. Default true */
  compress(compress: boolean): Selected<EmitEvents> {
    return this.#with({ flags: { ...this.#choice.flags, compress } });
  }

  /**
   * Emits an event. Nobody tells whether it has reached anybody.
   *
   * @throws UsageError `ERR_BAD_EVENT_NAME`, `ERR_RESERVED_EVENT`; `ERR_NOT_SUPPORTED` for an acknowledgement; CodecError `ERR_UNENCODABLE`
   */
  emit<Ev extends EventNames<EmitEvents>>(event: Ev, ...args: EventParams<EmitEvents, Ev>): true {
    requireEventName(event);
    requireNoAck(args);
    if (!this.#choice.nobody) this.#voice.emit([event, ...args], this.#choice);
    return true;
  }

  /** Makes the sockets join one or several rooms. */
  socketsJoin(rooms: Room | readonly Room[]): void {
    this.#act("join", listOf(rooms));
  }

  /** Makes the sockets leave one or several rooms. */
  socketsLeave(rooms: Room | readonly Room[]): void {
    this.#act("leave", listOf(rooms));
  }

  /** @param close true ends the whole connections, all namespaces included */
  disconnectSockets(close: boolean = false): void {
    this.#act("disconnect", close);
  }

  #act(op: "join" | "leave" | "disconnect", arg: unknown): void {
    if (!this.#choice.nobody) this.#voice.act(op, this.#choice, arg);
  }

  #with(changed: Partial<Choice>): Selected<EmitEvents> {
    return new Selected(this.#voice, { ...this.#choice, ...changed });
  }
}

export function requireNoAck(args: readonly unknown[]): void {
  if (typeof args.at(-1) !== "function") return;
  throw new UsageError(
    "ERR_NOT_SUPPORTED",
    "An emitter hears nothing, so nobody can acknowledge what it says.",
  );
}

function listOf(rooms: Room | readonly Room[]): Room[] {
  return Array.isArray(rooms) ? [...(rooms as readonly Room[])] : [rooms as Room];
}
