import type { BroadcastOptions, EventData, KeptEntry, Room } from "@sockeye/protocol";
import { readEvent } from "../event.js";
import { Kind } from "../frame.js";
import { listOf, unpack } from "../introduction.js";
import { readRooms, readSelection } from "../remote.js";
import type { Logged } from "./namespace-log.js";
import { writeOffset } from "./offset.js";

/** Reads entries, in order, as a session would have seen them that was away. */
export class Missed {
  readonly rooms: Set<Room>;
  /** It was sent away meanwhile, or into rooms of which nothing was read. */
  isOver = false;
  readonly #open: (entry: KeptEntry) => Logged | undefined;
  readonly #decode: (encoded: ReturnType<typeof readEvent>["encoded"]) => EventData;

  constructor(
    rooms: ReadonlySet<Room>,
    open: (entry: KeptEntry) => Logged | undefined,
    decode: (encoded: ReturnType<typeof readEvent>["encoded"]) => EventData,
  ) {
    this.rooms = new Set(rooms);
    this.#open = open;
    this.#decode = decode;
  }

  /** @param epoch whose offsets its client knows @returns what its client is to get @throws ClusterError `ERR_CLUSTER_INPUT` */
  take(entry: KeptEntry, epoch: string): EventData | undefined {
    const { kind, body } = this.#open(entry) ?? {};
    if (body && kind === Kind.ACT) this.#act(body);
    if (!body || kind !== Kind.EVENT) return undefined;
    const { encoded, options } = readEvent(body);
    if (!isMeant(options, this.rooms)) return undefined;
    const data = this.#decode(encoded);
    return entry.at.epoch === epoch ? [...data, writeOffset(entry.at)] : data;
  }

  #act(body: Uint8Array): void {
    const [op, args] = listOf(unpack(body));
    const [selected, excepted, rooms] = listOf(args);
    if (!isMeant(readSelection([selected, excepted]), this.rooms)) return;
    if (op === "disconnect") this.isOver = true;
    else if (op === "leave") for (const room of readRooms(rooms)) this.rooms.delete(room);
    else if (op === "join") this.isOver ||= readRooms(rooms).some((room) => !this.rooms.has(room));
  }
}

/** Is a socket meant that is in these rooms? */
export function isMeant({ rooms, except }: BroadcastOptions, own: ReadonlySet<Room>): boolean {
  return (rooms.size === 0 || isInOne(own, rooms)) && !(except && isInOne(own, except));
}

function isInOne(own: ReadonlySet<Room>, rooms: ReadonlySet<Room>): boolean {
  for (const room of rooms) if (own.has(room)) return true;
  return false;
}
