/**
 * All codes, with what each means and whether the same act may succeed if tried again without a change by a person.
 * Kept apart from the classes, so that a browser bundle does not carry the prose.
 *
 * A code is API: never renamed, never reused. docs/errors.md is checked against this table.
 */
export const ERROR_TABLE = {
  // codec
  ERR_PACKET_MALFORMED: { meaning: "A frame is not a packet of the protocol.", retryable: false },
  ERR_PACKET_TOO_LARGE: { meaning: "A message or HTTP body exceeds maxHttpBufferSize.", retryable: false },
  ERR_PACKET_TOO_DEEP: {
    meaning: "The JSON of a packet is nested deeper than maxJsonDepth.",
    retryable: false,
  },
  ERR_TOO_MANY_PACKETS: {
    meaning: "A polling body holds more packets than maxPacketsPerPayload.",
    retryable: false,
  },
  ERR_TOO_MANY_ATTACHMENTS: {
    meaning: "A packet announces more binary attachments than maxAttachments.",
    retryable: false,
  },
  ERR_BAD_ATTACHMENT: {
    meaning: "A binary placeholder or attachment is missing, repeated, out of range or unexpected.",
    retryable: false,
  },
  ERR_BAD_EVENT_NAME: {
    meaning: "An event's name is not a string or number, is reserved, or is too long.",
    retryable: false,
  },
  ERR_NAMESPACE_TOO_LONG: {
    meaning: "A namespace's name is longer than maxNamespaceLength.",
    retryable: false,
  },
  ERR_BINARY_EVENT_TOO_LARGE: {
    meaning: "The JSON and the attachments of one packet exceed maxBinaryEventBytes together.",
    retryable: false,
  },
  ERR_ATTACHMENT_LATE: {
    meaning: "The next attachment of a binary packet did not come within two heartbeats.",
    retryable: true,
  },
  ERR_UNENCODABLE: {
    meaning: "The arguments cannot be written as JSON (a cycle, a BigInt, a toJSON that throws, too deep).",
    retryable: false,
  },
  // transport
  ERR_TRANSPORT_OPEN: { meaning: "A transport could not be opened.", retryable: true },
  ERR_TRANSPORT_FAILED: { meaning: "An open transport broke.", retryable: true },
  ERR_TRANSPORT_UNKNOWN: {
    meaning: "None of the named transports exists here, or the server does not offer it.",
    retryable: false,
  },
  ERR_PROBE_FAILED: {
    meaning: "A transport did not pass the upgrade probe; the session stays on its transport.",
    retryable: true,
  },
  // session
  ERR_HANDSHAKE: { meaning: "The server's OPEN packet is missing or malformed.", retryable: false },
  ERR_PROTOCOL_VIOLATION: {
    meaning: "The peer sent a packet that is not allowed in this state.",
    retryable: false,
  },
  ERR_CONNECT_TIMEOUT: {
    meaning: "The connection was not established within the timeout option.",
    retryable: true,
  },
  ERR_OFFLINE: { meaning: "The browser reported that the network is gone.", retryable: true },
  ERR_NOT_RESUMED: {
    meaning: "The transport broke, and the session did not continue over another one in time.",
    retryable: true,
  },
  ERR_NO_PROGRESS: {
    meaning: "The session came back several times, and nothing of what waited got through.",
    retryable: true,
  },
  ERR_NOT_ACKNOWLEDGED: {
    meaning: "The peer's count of what it has received is less than what was sent before its heartbeat.",
    retryable: true,
  },
  ERR_OUTBOUND_FULL: {
    meaning:
      "More than maxOutboundBytes waits for the peer: it reads too slowly, or too much was sent at once.",
    retryable: true,
  },
  ERR_SUSPENDED_FULL: {
    meaning: "More waits for a client that is away than the server's option resume.maxBytes lets wait.",
    retryable: true,
  },
  ERR_UNWRITABLE: {
    meaning: "What the app sent could not be written: its bytes were transferred, or their memory has grown.",
    retryable: false,
  },
  ERR_TOO_MANY_SESSIONS: {
    meaning: "The client's address has maxSessionsPerAddress sessions already.",
    retryable: true,
  },
  ERR_TOO_MANY_HANDSHAKES: {
    meaning: "The client's address has made more than maxHandshakesPerSecondPerAddress.",
    retryable: true,
  },
  ERR_MEMORY_BUDGET: {
    meaning: "All connections together hold maxProcessBytes, and this one held the most.",
    retryable: true,
  },
  ERR_URL_TOO_LONG: {
    meaning: "The URL of a request has more than maxUrlLength characters.",
    retryable: false,
  },
  ERR_TOO_MANY_PARAMETERS: {
    meaning: "The query of a request has more than maxQueryParameters parameters.",
    retryable: false,
  },
  ERR_TOO_MANY_PENDING: {
    meaning: "The server holds maxPending connections open that belong to no session. It has cut the oldest.",
    retryable: true,
  },
  ERR_TOO_MANY_PENDING_OF_ADDRESS: {
    meaning: "The same of one address, with maxPendingPerAddress.",
    retryable: true,
  },
  // namespace
  ERR_INVALID_NAMESPACE: { meaning: "The server has no such namespace.", retryable: false },
  ERR_CONNECT_REFUSED: { meaning: "A middleware of the namespace refused the socket.", retryable: false },
  ERR_AUTH_FAILED: {
    meaning: "The client's auth function threw, or its promise rejected; the cause says why.",
    retryable: true,
  },
  ERR_EXPIRED: {
    meaning: "The time until which the app had let the socket stay has passed.",
    retryable: true,
  },
  ERR_JOIN_TIMEOUT: {
    meaning: "The app has not decided within connectTimeout whether the socket may join.",
    retryable: true,
  },
  ERR_TOO_MANY_NAMESPACES: {
    meaning: "The connection has joined maxNamespacesPerConnection namespaces already.",
    retryable: false,
  },
  ERR_TOO_MANY_JOINS: {
    meaning: "The connection has asked to join namespaces maxJoinsPerMinute times within a minute.",
    retryable: true,
  },
  ERR_TOO_MANY_EVENTS: {
    meaning: "The events of a connection that wait for the app hold more than maxPendingEventBytes.",
    retryable: false,
  },
  ERR_RATE_STORE_TIMEOUT: {
    meaning: "The store of a rate limit has not answered in time.",
    retryable: true,
  },
  ERR_AUTH_TOO_LARGE: {
    meaning: "The auth payload of a client exceeds maxAuthBytes. Send less, or send it in an event.",
    retryable: false,
  },
  ERR_TOO_MANY_ROOMS: { meaning: "The socket is in maxRoomsPerSocket rooms already.", retryable: false },
  ERR_V2_SERVER: { meaning: "The server speaks Socket.IO 2, which this client does not.", retryable: false },
  // acks
  ERR_ACK_TIMEOUT: { meaning: "The acknowledgement did not come in time.", retryable: true },
  ERR_ACK_DISCONNECTED: { meaning: "The connection ended before the acknowledgement came.", retryable: true },
  ERR_ACK_ABORTED: {
    meaning: "The signal that an emit was given has aborted; what waits gets the signal's reason.",
    retryable: true,
  },
  // contract and calls
  ERR_INVALID: {
    meaning: "A payload does not keep to the contract. The issues say where.",
    retryable: false,
  },
  ERR_UNDECLARED: { meaning: "The contract declares no event, call or room of that name.", retryable: false },
  ERR_UNHANDLED: { meaning: "The contract declares the call, and nothing handles it.", retryable: false },
  ERR_INTERNAL: {
    meaning: "The handler of a call threw something that is no CallError, or a schema threw.",
    retryable: true,
  },
  // limits
  ERR_RATE_LIMITED: {
    meaning: "The client sends more than a rate limit of the app allows.",
    retryable: true,
  },
  ERR_TOO_MANY_ACKS: {
    meaning: "The socket waits for maxPendingAcks acknowledgements already; the event was not sent.",
    retryable: true,
  },
  ERR_EVENT_DROPPED: {
    meaning: "The event was dropped, by its overflow policy, because its receiver reads too slowly.",
    retryable: true,
  },
  // cluster
  ERR_BUS_DOWN: { meaning: "What carries messages between the nodes does not work now.", retryable: true },
  ERR_BUS_TOO_LARGE: {
    meaning: "A message for other nodes is larger than the bus takes; it was not sent to them.",
    retryable: false,
  },
  ERR_NODES_MISSING: {
    meaning:
      "Some nodes have not answered a query: missing names them, responses holds the answers of the others.",
    retryable: true,
  },
  ERR_CLUSTER_MISMATCH: {
    meaning: "The other nodes of the cluster speak another version, or write packets by another parser.",
    retryable: false,
  },
  ERR_CLUSTER_INPUT: {
    meaning: "Something that came over the bus is no message of this cluster; it was ignored.",
    retryable: false,
  },
  // usage
  ERR_RESERVED_EVENT: {
    meaning: "The app emitted an event name that the library itself uses.",
    retryable: false,
  },
  ERR_ROOM_FORBIDDEN: {
    meaning: "A client may not do this in this room: there is no rule, or authorize said no.",
    retryable: false,
  },
  ERR_ROOM_REQUEST: { meaning: "What a client asked of a room makes no sense.", retryable: false },
  ERR_ROOM_REFUSED: {
    meaning: "The app has refused what a client published: what onPublish has thrown is its reason.",
    retryable: false,
  },
  ERR_ROOM_LIMIT: { meaning: "A client asked more of a room than the bounds allow.", retryable: true },
  ERR_UNSUPPORTED_BY_PEER: {
    meaning: "The other end knows nothing of what is asked of it.",
    retryable: false,
  },
  ERR_STREAM_FRAME: { meaning: "A frame of a stream makes no sense.", retryable: false },
  ERR_STREAM_LIMIT: { meaning: "More streams, or more of one kept, than the bounds allow.", retryable: true },
  ERR_STREAM_CONFLICT: { meaning: "The stream of that id has another input.", retryable: false },
  ERR_STREAM_GONE: {
    meaning: "Nothing is kept under the id of that stream, or not any more.",
    retryable: false,
  },
  ERR_STREAM_LOST: {
    meaning: "The server knows nothing of the stream: its node has gone, or cannot be asked.",
    retryable: false,
  },
  ERR_STREAM_CANCELLED: {
    meaning: "The stream was cancelled, here or by another watcher.",
    retryable: false,
  },
  ERR_STREAM_DISCONNECTED: {
    meaning: "The connection ended, and the stream is not kept.",
    retryable: true,
  },
  ERR_HANDLED: {
    meaning: "A name that handle has takes no listener, and one with a listener no handle.",
    retryable: false,
  },
  ERR_NO_PROVIDER: { meaning: "A hook was called outside of its SocketProvider.", retryable: false },
  ERR_BAD_OPTION: { meaning: "An option or argument has a value that makes no sense.", retryable: false },
  ERR_NOT_SUPPORTED: { meaning: "The call makes no sense on this object.", retryable: false },
} as const;

export type ErrorCode = keyof typeof ERROR_TABLE;
