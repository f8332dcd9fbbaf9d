import { randomBytes } from "node:crypto";
import type { Adapter } from "@sockeye/adapter";
import { Adapter as InMemoryAdapter } from "@sockeye/adapter";
import { isCallError } from "@sockeye/contract";
import { refusalOf } from "@sockeye/contract/internal";
import type { AdapterCore, Codec, EncodedPacket, Limits, Packet, SocketId } from "@sockeye/protocol";
import { ContractError, PacketType, PEER } from "@sockeye/protocol";
import { type RoomLimits, type RoomSocket, Rooms, type RoomsHost } from "@sockeye/rooms";
import { isThenable } from "@sockeye/socket";
import type { Exchange } from "./exchange.js";
import type { NodeInCluster } from "./node-in-cluster.js";
import { REFUSED } from "./peer-handle.js";
import type { Socket } from "./socket.js";

/** The namespace of rooms that remember. */
interface RoomsCore extends Pick<AdapterCore, "clock" | "encode"> {
  readonly name: string;
  readonly sockets: ReadonlyMap<SocketId, Socket>;
  readonly adapter: Adapter;
  readonly exchange: Exchange | undefined;
  readonly host: {
    readonly codec: Codec;
    readonly limits: Limits & RoomLimits;
    readonly cluster: Pick<NodeInCluster, "keeps" | "shareRoom"> | undefined;
    isSocketId(room: string): boolean;
  };
  reportError(error: unknown, event: string): void;
}

/** Rooms that remember, on the adapter and the sockets of a namespace. */
export function roomsOf(core: RoomsCore): Rooms<RoomSocket> {
  const { name: nsp } = core;
  const { cluster } = core.host;
  const host: RoomsHost<RoomSocket> = {
    ...(cluster && {
      share: (room, keep, sink) => cluster.shareRoom({ nsp, room }, keep, sink),
      keeps: cluster.keeps,
    }),
    name: core.name,
    clock: core.clock,
    socket: (id) => core.sockets.get(id),
    isSocketId: (room) => core.sockets.has(room) || core.host.isSocketId(room),
    connection: (socket) => (socket as Socket).client,
    maxAttachments: core.host.limits.maxAttachments,
    broadcast: (packet, options) => core.adapter.broadcast(packet, options),
    // One that spans nodes knows its own members only.
    hasMembers: (room) => !(core.adapter instanceof InMemoryAdapter) || core.adapter.rooms.has(room),
    encode: (packet) => core.encode(packet, {}),
    decode: (encoded) => dataOf(decode(core.host.codec, encoded)),
    deliver: (socket, packet, encoded) => (socket as Socket)[PEER].deliver(packet, encoded, {}),
    makeEpoch: () => randomBytes(6).toString("base64url"),
    check: (socket, event) => {
      const name = String(event[0]);
      const refuse = (error: unknown): never => refused(socket, error, name);
      try {
        const checked = core.exchange?.contract?.published(event) ?? event;
        return isThenable(checked) ? checked.then((read) => read, refuse) : checked;
      } catch (error) {
        return refuse(error);
      }
    },
    undeclared: (socket, room) => {
      const error = core.exchange?.contract?.undeclaredRoom(room);
      return error && (() => refused(socket, error, room));
    },
    refusalOf: (error) =>
      error instanceof ContractError || isCallError(error) ? refusalOf(error) : undefined,
    delays: (socket, goOn) => (socket as Socket).client.delays(goOn),
    reportError: (error, event) => core.reportError(error, event),
  };
  return new Rooms<RoomSocket>(host, core.host.limits);
}

/** Its sender is told by an answer. */
function refused(socket: RoomSocket, error: unknown, name: string): never {
  if (error instanceof ContractError) (socket as Socket)[REFUSED](error, { name, answered: true });
  throw error;
}

/** What was encoded here. */
function decode(codec: Codec, { head, attachments }: EncodedPacket): Packet | undefined {
  const decoder = codec.decoder();
  // The first character of a text is the envelope of the engine.
  let packet = decoder.write(typeof head === "string" ? head.slice(1) : head);
  for (const bytes of attachments) packet = decoder.write(bytes);
  decoder.close?.();
  return packet;
}

function dataOf(packet: Packet | undefined): readonly unknown[] {
  return packet?.type === PacketType.EVENT ? packet.data : [];
}
