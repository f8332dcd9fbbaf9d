import type { BroadcastOptions, Room } from "@sockeye/protocol";
import { listOf } from "./introduction.js";
import { badInput } from "./wire.js";

// Selections and sockets as nodes tell each other of them: unknown until they were looked at.

/** What a node tells of one of its sockets. */
export interface RemoteDetails {
  readonly id: string;
  readonly rooms: readonly Room[];
  readonly data: unknown;
  readonly handshake: object;
}

/** Whom an act or a question means, as it travels. */
export function packSelection({ rooms, except }: BroadcastOptions): [Room[], Room[]] {
  return [[...rooms], [...(except ?? [])]];
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readSelection([rooms, except]: readonly unknown[]): { rooms: Set<Room>; except: Set<Room> } {
  return { rooms: new Set(readRooms(rooms)), except: new Set(readRooms(except)) };
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readRooms(value: unknown): Room[] {
  const rooms = listOf(value);
  // Apps without types name rooms by numbers, too.
  if (!rooms.every((room) => typeof room === "string" || typeof room === "number"))
    throw badInput("no rooms");
  return [...(rooms as string[])];
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readDetails(value: unknown): RemoteDetails {
  if (typeof value !== "object" || value === null) throw badInput("no socket");
  const { id, rooms, data, handshake } = value as Record<string, unknown>;
  if (typeof id !== "string" || typeof handshake !== "object" || handshake === null)
    throw badInput("no socket");
  return { id, rooms: readRooms(rooms), data, handshake };
}
