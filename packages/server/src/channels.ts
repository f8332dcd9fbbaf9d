import { type Channel, channel } from "node:diagnostics_channel";
import type {
  CloseReason,
  EncodedPacket,
  Limits,
  Packet,
  ServerDisconnectReason,
  SockeyeError,
} from "@sockeye/protocol";
import type { RoomLimits } from "@sockeye/rooms";
import type { RefusedRequest } from "@sockeye/transport/server";
import type { ErrorContext } from "./audience.js";
import type { Conn } from "./conn.js";
import type { Socket } from "./socket.js";

/** What may be exceeded: of connections, or of readers of rooms over plain HTTP. */
export type LimitName = keyof Limits | keyof Pick<RoomLimits, "maxRoomFeeds" | "maxRoomFeedsPerAddress">;

/**
 * What each channel of `node:diagnostics_channel` tells. Subscribers run at once, in the way of the message, and must not
 * throw: Node.js ends the process if they do. The messages hold the live objects; `conn.id` among them is a secret of the
 * client and belongs in no log.
 */
export interface Diagnostics {
  /** A session has begun. */
  "sockeye:session:open": { readonly conn: Conn };
  /** It has changed to a better transport, `conn.transport`. */
  "sockeye:session:upgrade": { readonly conn: Conn };
  /** Its transport is lost, and the client may come back. `session:resume` or `session:close` follows. */
  "sockeye:session:suspend": {
    readonly conn: Conn;
    readonly reason: CloseReason;
    readonly cause: Error | undefined;
  };
  /** It continues over another transport, `conn.transport`: its own was lost, or the client has left it. */
  "sockeye:session:resume": { readonly conn: Conn };
  "sockeye:session:close": {
    readonly conn: Conn;
    readonly reason: CloseReason;
    readonly cause: Error | undefined;
  };
  /** A handshake or request was refused. */
  "sockeye:session:refuse": RefusedRequest;
  /** A namespace has let a socket in. */
  "sockeye:socket:connect": { readonly socket: Socket };
  "sockeye:socket:disconnect": { readonly socket: Socket; readonly reason: ServerDisconnectReason };
  /** A packet has come, and goes to its socket next. */
  "sockeye:packet:in": { readonly conn: Conn; readonly packet: Packet };
  /** A packet was put into the outbox of a session. A broadcast comes once for each receiver, with one and the same packet. */
  "sockeye:packet:out": { readonly conn: Conn; readonly packet: EncodedPacket };
  /** A client has exceeded a limit, and was told by `error.code`. `conn` is missing for one that was not let in. */
  "sockeye:limit": {
    readonly limit: LimitName;
    readonly error: SockeyeError;
    readonly address: string;
    readonly conn: Conn | undefined;
  };
  /** The app's code has failed. Told whether or not anything listens for `error`. */
  "sockeye:error": { readonly error: unknown; readonly context: ErrorContext };
}

/** One channel, and no cost worth measuring while nobody has subscribed to it. */
export function channelOf<Name extends keyof Diagnostics>(name: Name): Channel<unknown, Diagnostics[Name]> {
  return channel(name) as Channel<unknown, Diagnostics[Name]>;
}
