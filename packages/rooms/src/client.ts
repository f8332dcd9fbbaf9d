import { OWN_EVENTS } from "@sockeye/protocol";
import type { DefaultEventsMap, EventsMap, Extension, RoomNames } from "@sockeye/socket";
import { Additions } from "@sockeye/socket";
import { Outbox } from "./client/outbox.js";
import { openRoom, type Room, type RoomWires } from "./client/room.js";
import { fieldsOf } from "./client/wire.js";

export { RoomError } from "./client/asking.js";
export type { Joined } from "./client/membership.js";
export type { Published } from "./client/outbox.js";
export type {
  HistoryPage,
  JoinOptions,
  PublishArgs,
  PublishOptions,
  Room,
  RoomPresence,
} from "./client/room.js";
export type { Presence, PresenceChange } from "./presence-list.js";
export type { HistoryOptions, RoomEvent } from "./room-event.js";

/** What {@link rooms} gives to a socket. */
export interface RoomMethods<Listen extends EventsMap, Emit extends EventsMap = DefaultEventsMap> {
  /**
   * A room that has a rule at the server. The same name gives the same object.
   *
   * @throws ContractError `ERR_UNDECLARED` in development, for a room that the contract does not declare
   */
  room(name: RoomNames<Listen>): Room<Listen, Emit>;
}

export interface RoomsExtension extends Extension {
  readonly methods?: this["listen"] extends EventsMap
    ? this["emit"] extends EventsMap
      ? RoomMethods<this["listen"], this["emit"]>
      : never
    : never;
}

/** Gives sockets of a client `room`: `io(url, { extend: [rooms] })`. */
export const rooms: RoomsExtension = {
  additions: Additions,
  install(host) {
    const outbox = new Outbox(host);
    const all = new Map<string, { room: Room; wires: RoomWires }>();
    const wiresOf = (argument: unknown): RoomWires | undefined =>
      all.get(fieldsOf(argument)["room"] as string)?.wires;
    host.onOwn("connect", () => {
      for (const { wires } of all.values()) wires.connected();
      outbox.connected();
    });
    host.onOwn("disconnect", () => {
      for (const { wires } of all.values()) wires.disconnected();
    });
    host.onOwn(OWN_EVENTS.event, (envelope) => wiresOf(envelope)?.take(envelope));
    host.onOwn(OWN_EVENTS.left, (argument) => wiresOf(argument)?.left());
    host.onOwn(OWN_EVENTS.presence, (argument) => wiresOf(argument)?.changed(fieldsOf(argument)));
    return {
      room: (name: string): Room => {
        const known = all.get(name);
        if (known) return known.room;
        const error = host.contract?.misnamedRoom(name);
        if (error) throw error;
        const [room, wires] = openRoom(name, host, outbox);
        all.set(name, { room, wires });
        return room;
      },
    };
  },
};
