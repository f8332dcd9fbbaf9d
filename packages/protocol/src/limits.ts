/** What a peer may ask of this process. Every limit is on by default; each has one place that enforces it. */
export interface Limits {
  /** Bytes of one message and of one HTTP body. Socket.IO's `maxHttpBufferSize`. */
  readonly maxMessageBytes: number;
  /** Packets in one polling body. */
  readonly maxPacketsPerPayload: number;
  /** Binary attachments of one packet. */
  readonly maxAttachments: number;
  /** Nesting of arrays and objects in one packet. */
  readonly maxJsonDepth: number;
  /** Characters of an event's name. */
  readonly maxEventNameLength: number;
  /** Characters of a namespace's name. */
  readonly maxNamespaceLength: number;
  /** Namespaces that one connection may have joined at a time. */
  readonly maxNamespacesPerConnection: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxMessageBytes: 1e6,
  maxPacketsPerPayload: 16_384,
  maxAttachments: 10,
  maxJsonDepth: 100,
  maxEventNameLength: 1024,
  maxNamespaceLength: 512,
  maxNamespacesPerConnection: 128,
};
