/** What a `FrameReader` reports to. After `goodbye` and `violation` nothing follows. */
export interface FrameSink {
  /** A text message. */
  text(message: string): void;
  /** A binary message. The bytes are the receiver's from now on. */
  binary(message: Buffer): void;
  /** A ping. The bytes are only lent. */
  ping(payload: Buffer): void;
  /** A pong, whatever is in it. */
  pong?(): void;
  /** The peer's close frame: status code and reason as they came, or nothing. The bytes are only lent. */
  goodbye(body: Buffer): void;
  /** The peer broke the protocol or a limit. `code` is what the close frame should tell it. */
  violation(code: CloseCode, what: string): void;
  /** More has come than may be handled now: until the next call with `false`, nothing more should be read. */
  hold?(held: boolean): void;
}

/** Status codes that a server closes with. @see RFC 6455, section 7.4.1 */
export type CloseCode = 1002 | 1007 | 1008 | 1009;
