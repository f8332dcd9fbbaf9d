/**
 * What a pipe needs of a WebTransport session: the part of W3C's interface that browsers and the HTTP/3 servers of Node.js
 * have alike. Any package whose sessions look like this one will do.
 *
 * @see https://www.w3.org/TR/webtransport/#web-transport
 */
export interface WebTransportSession {
  /** Resolves when the session is established. */
  readonly ready: Promise<unknown>;
  /** Resolves when either end has closed the session, rejects when it broke. */
  readonly closed: Promise<unknown>;
  /** The streams that the peer opens. */
  readonly incomingBidirectionalStreams: ReadableStream<WebTransportStream>;
  /** Ends the session with all its streams; what is on its way may be lost. */
  close(info?: SessionCloseInfo): void;
}

/** The dialling end of one. */
export interface DialledSession extends WebTransportSession {
  createBidirectionalStream(): Promise<WebTransportStream>;
}

/** A stream both ways, each with an end of its own. */
export interface WebTransportStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** What the peer is told with the end of a session. */
export interface SessionCloseInfo {
  readonly closeCode: number;
  /** At most 1024 bytes. */
  readonly reason: string;
}
