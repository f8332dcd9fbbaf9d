/**
 * The words of the wire. Both ends import this table, so a new packet type is one diff.
 *
 * @see PROTOCOL.md, "Engine packets" and "Socket.IO packets"
 */

import type { Limits } from "./limits.js";

/** What a transport carries: a text frame or a binary frame. */
export type Frame = string | Uint8Array;

/** Engine.IO protocol revision spoken by default. */
export const ENGINE_PROTOCOL = 4;

/** Socket.IO protocol revision. */
export const SOCKET_PROTOCOL = 5;

/** The seven engine packet types; the wire digit is the position in the list of the protocol (0 to 6). */
export type EnginePacketType = "open" | "close" | "ping" | "pong" | "message" | "upgrade" | "noop";

/** The types by their digit on the wire. */
export const ENGINE_PACKET_TYPES: readonly EnginePacketType[] = [
  "open",
  "close",
  "ping",
  "pong",
  "message",
  "upgrade",
  "noop",
];

/** One engine packet. `data` is a string for all types but `message`, which may carry bytes. */
export interface EnginePacket {
  readonly type: EnginePacketType;
  readonly data: Frame | undefined;
}

/** What the server tells in its OPEN packet. All times in milliseconds, `maxPayload` in bytes. */
export interface OpenData {
  readonly sid: string;
  readonly upgrades: readonly string[];
  readonly pingInterval: number;
  readonly pingTimeout: number;
  /** Largest message and HTTP body that the server takes. Absent from some old servers. */
  readonly maxPayload: number | undefined;
  /** Set if both ends count what they send, so that the session outlives its transports. */
  readonly resume?: ResumeTerms | undefined;
  /** What of one packet the server accepts. Told by Sockeye to its own clients; what is not there has no limit. */
  readonly limits?: PacketLimits | undefined;
}

/** What of one packet a server accepts. A packet that exceeds one costs its sender the connection. */
export type PacketLimits = Partial<
  Pick<
    Limits,
    "maxAttachments" | "maxBinaryEventBytes" | "maxJsonDepth" | "maxEventNameLength" | "maxNamespaceLength"
  >
>;

/** What a client needs in order to come back to its session. @see PROTOCOL.md, "Counted streams" */
export interface ResumeTerms {
  /** Proves that the client is the one of this session. Another one after each return. */
  readonly secret: string;
  /** Milliseconds for which a session without a transport is kept. */
  readonly window: number;
  /** Bytes of messages that either end keeps until the other has acknowledged them. */
  readonly bytes: number;
  /** In the answer to a {@link Claim}: messages that the server has received. */
  readonly received?: number | undefined;
}

/** The first packet of a client that comes back. */
export interface Claim {
  readonly sid: string;
  readonly secret: string;
  /** Messages that the client has received. */
  readonly received: number;
}

/**
 * The Socket.IO packet types as digits on the wire. `BINARY_EVENT` and `BINARY_ACK` exist on the wire only: the codec
 * turns them into `EVENT` and `ACK`, since whether arguments hold bytes is an encoding matter.
 */
export const PacketType = {
  CONNECT: 0,
  DISCONNECT: 1,
  EVENT: 2,
  ACK: 3,
  CONNECT_ERROR: 4,
  BINARY_EVENT: 5,
  BINARY_ACK: 6,
} as const;

export interface ConnectPacket {
  readonly type: typeof PacketType.CONNECT;
  readonly nsp: string;
  readonly id: undefined;
  /** Client to server: the `auth` payload. Server to client: `{ sid }`. Always a plain object when present. */
  readonly data: Readonly<Record<string, unknown>> | undefined;
  /** The payload is larger than `maxAuthBytes`. It was not read, and {@link data} is absent. */
  readonly oversized?: true | undefined;
}

export interface DisconnectPacket {
  readonly type: typeof PacketType.DISCONNECT;
  readonly nsp: string;
  readonly id: undefined;
  readonly data: undefined;
}

/** The event's name, then its arguments. */
export type EventData = readonly [event: string | number, ...args: unknown[]];

export interface EventPacket {
  readonly type: typeof PacketType.EVENT;
  readonly nsp: string;
  /** Set if the sender waits for an acknowledgement: a non-negative safe integer. */
  readonly id: number | undefined;
  readonly data: EventData;
  /**
   * Its place in the namespace's log, if the server keeps one for recovery. On the wire it stands behind the last argument;
   * only the codec knows that.
   */
  readonly offset?: string | undefined;
  /** The same without {@link offset}, encoded, where it is at hand: for clients to whom the offset means nothing. */
  readonly withoutOffset?: EncodedPacket | undefined;
}

export interface AckPacket {
  readonly type: typeof PacketType.ACK;
  readonly nsp: string;
  readonly id: number;
  readonly data: readonly unknown[];
}

export interface ConnectErrorPacket {
  readonly type: typeof PacketType.CONNECT_ERROR;
  readonly nsp: string;
  readonly id: undefined;
  readonly data: { readonly message: string; readonly data?: unknown };
  /** For a client of Socket.IO 2, which knows no such object: it gets the inner `data` alone, or else the message alone. */
  readonly bare?: boolean | undefined;
}

/** One Socket.IO packet, as the layers above the codec see it. */
export type Packet = ConnectPacket | DisconnectPacket | EventPacket | AckPacket | ConnectErrorPacket;

/**
 * One packet as the frames that carry it, in order, envelope included (`42["hi"]`). It says the same from its making to its end, and is shared:
 * a broadcast makes one, and every session's outbox holds the same object. Whose memory its bytes are in may change, see `makeOwn` of the sessions.
 *
 * A transport may keep its own framed form in {@link wire}, so that a broadcast is framed once; nobody else reads it.
 */
export class EncodedPacket {
  /** Cache of the transports; `undefined` until one has framed this packet. */
  wire: unknown = undefined;
  /** At a client: the event that it carries, and the id of the socket that has sent it. */
  declare event?: EventPacket;
  declare by?: string | undefined;
  /** It is the rest of this packet, of which a part has arrived. */
  declare whole?: EncodedPacket;

  constructor(
    public head: Frame,
    /** The binary frames that follow the head. They must leave right after it, with nothing between. */
    public attachments: readonly Uint8Array[] = NO_ATTACHMENTS,
    /** False if the sender asked that a transport does not compress it. */
    readonly compress: boolean = true,
  ) {}
}

const NO_ATTACHMENTS: readonly Uint8Array[] = [];

/** Event names that the library itself emits: refused in `emit`, and refused from the wire. */
export const RESERVED_EVENTS: ReadonlySet<string | number> = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);
