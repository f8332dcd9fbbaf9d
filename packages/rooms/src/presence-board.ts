import type { EventPacket, SharedRoom, Timer } from "@sockeye/protocol";
import { EncodedPacket, OWN_EVENTS, PacketType } from "@sockeye/protocol";
import type { RoomLimits } from "./limits.js";
import { isThenable } from "./permissions.js";
import type { Presence } from "./presence-list.js";
import { PresenceReplica } from "./presence-replica.js";
import { noPresence } from "./presence-wire.js";
import { forbidden, tooMuch, unread } from "./room-error.js";
import { memberRoom, type RoomState, weigh } from "./room-state.js";
import type { RoomSocket, RoomsHost } from "./rooms-host.js";
import type { Visitor } from "./visitor.js";

/** Members who are told at once when a member joins; the others are asked for page by page. */
const FIRST_MEMBERS = 100;

/** Who came and went are told of in one message; the others in the next. */
const MOST_TOLD = 200;

/** How many times `maxPresenceBytes` one socket may show in all rooms together. */
const PRESENCE_SHARE = 4;

/** A page of who is in a room, as an answer shows it. */
interface Members {
  readonly members: readonly Presence[];
  readonly count: number;
  readonly next?: string;
}

/** Encodes what a client wants to be sent to others, as they will get it. @throws RoomRefusal */
export function encodable(
  host: Pick<RoomsHost<RoomSocket>, "name" | "encode">,
  argument: unknown,
): EncodedPacket {
  try {
    return host.encode(ownEvent(host.name, OWN_EVENTS.presence, argument));
  } catch {
    throw unread();
  }
}

export function ownEvent(nsp: string, event: string, argument: unknown): EventPacket {
  return { type: PacketType.EVENT, nsp, id: undefined, data: [event, argument] };
}

/** Who is in the rooms of a namespace: takes what sockets show, and tells the rooms soon who came and went, many at once in one message. */
export class PresenceBoard<S extends RoomSocket> {
  readonly #host: RoomsHost<S>;
  readonly #limits: RoomLimits;
  /** Rooms of which nobody was told yet who came and went. */
  readonly #stirred = new Set<RoomState<S>>();
  #telling: Timer | undefined;

  constructor(host: RoomsHost<S>, limits: RoomLimits) {
    this.#host = host;
    this.#limits = limits;
  }

  /** @returns its key @throws RoomRefusal */
  show(socket: S, { visitor, state }: { visitor: Visitor; state: RoomState<S> }, value: unknown): string {
    const { name: room, rule, presence } = state;
    const { maxPresenceBytes } = this.#limits;
    if (presence === undefined) throw forbidden();
    const encoded = encodable(this.#host, { joined: [{ value }] });
    // A list of many would hold more pieces of bytes than a packet may.
    if (encoded.attachments.length > 0) throw unread();
    const key: unknown = rule.presence?.(socket);
    if (typeof key !== "string" || key === "") throw forbidden();
    const bytes = weigh(encoded);
    const most = PRESENCE_SHARE * maxPresenceBytes;
    if (bytes > maxPresenceBytes || visitor.showsTooMuch(room, bytes, most)) {
      throw tooMuch(
        `More is shown than maxPresenceBytes (${maxPresenceBytes}), or four times that in all rooms`,
      );
    }
    presence.set(socket.id, key, value, bytes);
    this.#changed(socket.id, state);
    return key;
  }

  /** A socket shows itself no more. */
  hide(socketId: string, state: RoomState<S> | undefined): void {
    if (state === undefined) return;
    state.presence?.remove(socketId);
    this.#changed(socketId, state);
  }

  /** The connection of a socket broke, or is back. */
  setAway(socketId: string, state: RoomState<S>, away: boolean): void {
    state.presence?.setAway(socketId, away);
    this.#changed(socketId, state);
  }

  /** A page in the order of their keys, as all others know it: the next change continues from there. @param charge told its bytes */
  page({ presence }: RoomState<S>, after: string | undefined, charge: (bytes: number) => void): Members {
    if (presence === undefined) return { members: [], count: 0 };
    const members = presence.toldPage(FIRST_MEMBERS, after);
    charge(presence.bytesOf(members));
    const last = members.length === FIRST_MEMBERS ? members.at(-1)?.key : undefined;
    return { members, count: presence.toldCount, ...(last === undefined ? {} : { next: last }) };
  }

  /** On a cluster: keeps the list over all nodes. */
  share(state: RoomState<S>, shared: SharedRoom): void {
    if (state.presence === undefined) return;
    const told = (value: unknown): unknown => ({ joined: [{ value }] });
    state.replica = new PresenceReplica(state.presence, shared, {
      clock: this.#host.clock,
      encode: (value) => encodable(this.#host, told(value)).head,
      decode: (head) => {
        const bytes = weigh(new EncodedPacket(head));
        if (bytes > this.#limits.maxPresenceBytes)
          throw noPresence("a value is above maxPresenceBytes of this node");
        const [, argument] = this.#host.decode(new EncodedPacket(head));
        const [member] = (argument as { readonly joined: readonly [{ readonly value: unknown }] }).joined;
        return { value: member.value, bytes };
      },
      changed: () => this.#stir(state),
      failed: (error) => this.#host.reportError(error, "cluster"),
    });
  }

  /** Tells all that was not told yet, now. */
  tellAll(state: RoomState<S>): void {
    while (state.presence?.changed) this.#tell(state);
  }

  close(): void {
    if (this.#telling !== undefined) this.#host.clock.clearTimer(this.#telling);
    this.#telling = undefined;
    this.#stirred.clear();
  }

  #changed(socketId: string, state: RoomState<S>): void {
    state.replica?.touch(socketId);
    this.#stir(state);
  }

  #stir(state: RoomState<S>): void {
    if (state.presence?.changed !== true) return;
    this.#stirred.add(state);
    this.#telling ??= this.#host.clock.setTimer(() => {
      this.#telling = undefined;
      const stirred = [...this.#stirred];
      this.#stirred.clear();
      for (const each of stirred) this.#tell(each);
    }, this.#limits.presenceMs);
  }

  #tell(state: RoomState<S>): void {
    const { name: room, presence, rule, replica } = state;
    replica?.flush();
    const change = presence?.takeChange(MOST_TOLD);
    if (change !== undefined) {
      const failed = (error: unknown): void => this.#host.reportError(error, OWN_EVENTS.presence);
      const told = { room, ...change, count: presence?.toldCount };
      // An adapter or a listener of the app's: here is nobody else who would catch what it throws.
      try {
        this.#host.broadcast(ownEvent(this.#host.name, OWN_EVENTS.presence, told), {
          rooms: new Set([memberRoom(room)]),
          // Each node tells its own members.
          ...(this.#host.share && { flags: { local: true } }),
        });
      } catch (error) {
        failed(error);
      }
      try {
        const said: unknown = rule.onPresence?.(change, { room });
        // Nobody waits for it, but its rejection must not end the process.
        if (isThenable(said)) said.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    }
    this.#stir(state);
  }
}
