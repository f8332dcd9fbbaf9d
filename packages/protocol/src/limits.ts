import type { ErrorCode } from "./error-table.js";
import { DEFAULT_MAX_PACKETS } from "./max-packets.js";

/**
 * What a peer may ask of this process. Every limit is on by default; each has one place that enforces it. docs/limits.md is
 * checked against this table.
 */
export interface Limits {
  /** Bytes of one message and of one HTTP body. Socket.IO's `maxHttpBufferSize`. */
  readonly maxMessageBytes: number;
  /** Characters of the path and query of one request. */
  readonly maxUrlLength: number;
  /** Parameters in the query of one request. */
  readonly maxQueryParameters: number;
  /** Packets in one polling body. */
  readonly maxPacketsPerPayload: number;
  /** Binary attachments of one packet. */
  readonly maxAttachments: number;
  /** Bytes of one packet with attachments: its JSON and the attachments together. On a server ten times `maxHttpBufferSize` by default. */
  readonly maxBinaryEventBytes: number;
  /** Bytes of the JSON of a client's `auth`, of one namespace. */
  readonly maxAuthBytes: number;
  /** Nesting of arrays and objects in one packet. */
  readonly maxJsonDepth: number;
  /** Characters of an event's name. */
  readonly maxEventNameLength: number;
  /** Characters of a namespace's name. */
  readonly maxNamespaceLength: number;
  /** Namespaces that one connection may have joined at a time. */
  readonly maxNamespacesPerConnection: number;
  /**
   * Times within a minute that one connection may ask to join a namespace, each of which runs the middlewares. On a server four times
   * `maxNamespacesPerConnection` by default.
   */
  readonly maxJoinsPerMinute: number;
  /** Rooms that one socket may be in, its own among them. */
  readonly maxRoomsPerSocket: number;
  /** Acknowledgements that one socket waits for. */
  readonly maxPendingAcks: number;
  /**
   * Bytes of memory that the events of one connection may hold while middlewares of `socket.use` decide about them, with about 500
   * for each event.
   */
  readonly maxPendingEventBytes: number;
  /** Bytes that wait for one peer that reads too slowly. */
  readonly maxOutboundBytes: number;
  /** Sessions of one client address at a time. */
  readonly maxSessionsPerAddress: number;
  /** Handshakes of one client address within a second. */
  readonly maxHandshakesPerSecondPerAddress: number;
  /** Bytes that all connections of a process together hold in memory. On a server a quarter of its memory by default. */
  readonly maxProcessBytes: number;
  /** Connections that are held open and belong to no session: claims, WebTransport sessions before their first packet. */
  readonly maxPending: number;
  /** The same of one client address, and WebSockets that close. On a server `maxSessionsPerAddress` by default. */
  readonly maxPendingPerAddress: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxMessageBytes: 1e6,
  maxUrlLength: 16_384,
  maxQueryParameters: 1000,
  maxPacketsPerPayload: DEFAULT_MAX_PACKETS,
  maxAttachments: 10,
  maxBinaryEventBytes: 1e7,
  maxAuthBytes: 16_384,
  maxJsonDepth: 100,
  maxEventNameLength: 1024,
  maxNamespaceLength: 512,
  maxNamespacesPerConnection: 128,
  maxJoinsPerMinute: 512,
  maxRoomsPerSocket: 10_000,
  maxPendingAcks: 65_536,
  maxPendingEventBytes: 16_777_216,
  maxOutboundBytes: 16_777_216,
  // Behind a proxy, and behind many a router, all clients have one address.
  maxSessionsPerAddress: Number.POSITIVE_INFINITY,
  maxHandshakesPerSecondPerAddress: Number.POSITIVE_INFINITY,
  // A server knows how much memory there is.
  maxProcessBytes: Number.POSITIVE_INFINITY,
  maxPending: 10_000,
  maxPendingPerAddress: Number.POSITIVE_INFINITY,
};

/** The limit that an error speaks of, by its code. */
export const LIMIT_BY_CODE: Readonly<Partial<Record<ErrorCode, keyof Limits>>> = {
  ERR_PACKET_TOO_LARGE: "maxMessageBytes",
  ERR_URL_TOO_LONG: "maxUrlLength",
  ERR_TOO_MANY_PARAMETERS: "maxQueryParameters",
  ERR_TOO_MANY_PACKETS: "maxPacketsPerPayload",
  ERR_TOO_MANY_ATTACHMENTS: "maxAttachments",
  ERR_BINARY_EVENT_TOO_LARGE: "maxBinaryEventBytes",
  ERR_AUTH_TOO_LARGE: "maxAuthBytes",
  ERR_PACKET_TOO_DEEP: "maxJsonDepth",
  ERR_NAMESPACE_TOO_LONG: "maxNamespaceLength",
  ERR_TOO_MANY_NAMESPACES: "maxNamespacesPerConnection",
  ERR_TOO_MANY_JOINS: "maxJoinsPerMinute",
  ERR_TOO_MANY_ROOMS: "maxRoomsPerSocket",
  ERR_TOO_MANY_ACKS: "maxPendingAcks",
  ERR_TOO_MANY_EVENTS: "maxPendingEventBytes",
  ERR_OUTBOUND_FULL: "maxOutboundBytes",
  ERR_TOO_MANY_SESSIONS: "maxSessionsPerAddress",
  ERR_TOO_MANY_HANDSHAKES: "maxHandshakesPerSecondPerAddress",
  ERR_MEMORY_BUDGET: "maxProcessBytes",
  ERR_TOO_MANY_PENDING: "maxPending",
  ERR_TOO_MANY_PENDING_OF_ADDRESS: "maxPendingPerAddress",
};
