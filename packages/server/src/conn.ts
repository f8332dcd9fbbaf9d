import type { IncomingMessage } from "node:http";
import type { CloseReason, Frame, SessionView, Transport } from "@sockeye/protocol";
import type { ErrorBoundary } from "@sockeye/socket";
import { EngineSocket } from "@sockeye/socket";

/** The session under a {@link Conn}. */
export interface ConnSession extends SessionView {
  /** Ends it; what cannot be written at once is lost. */
  terminate(reason: CloseReason): void;
}

/** How one raw message travels. */
export interface SendOptions {
  /** Default true: compressed where the transport compresses. */
  readonly compress?: boolean;
}

/** Told that a raw message was handed to the transport. */
export type Sent = (transport: Transport) => void;

/** The engine's side of a connection: `socket.conn`, and what `io.engine` hands to `connection` listeners. */
export class Conn extends EngineSocket {
  readonly remoteAddress: string;
  readonly #session: ConnSession;
  #request: IncomingMessage | null;

  constructor(
    session: ConnSession,
    {
      boundary,
      request,
      remoteAddress,
      protocol,
    }: { boundary: ErrorBoundary; request: IncomingMessage; remoteAddress: string; protocol: 3 | 4 },
  ) {
    super(session, boundary, protocol);
    this.#session = session;
    this.#request = request;
    this.remoteAddress = remoteAddress;
  }

  /** The request that opened the connection. An app that does not need it may set it to `null`, to save memory. */
  get request(): IncomingMessage {
    return this.#request as IncomingMessage;
  }

  set request(request: IncomingMessage | null) {
    this.#request = request;
  }

  /**
   * Sends a raw engine message, which a Socket.IO client would take for a packet.
   *
   * @param sent never called if the connection ends before the message has left
   */
  override send(data: Frame, options?: SendOptions | Sent, sent?: Sent): this {
    const callback = typeof options === "function" ? options : sent;
    // Registered first: the batch that the message is in may leave at once.
    if (callback) this.once("flush", () => callback(this.transport));
    return super.send(data, typeof options === "function" ? undefined : options);
  }

  /** The same as {@link send}. */
  override write(data: Frame, options?: SendOptions | Sent, sent?: Sent): this {
    return this.send(data, options, sent);
  }

  /** Ends the connection with all its sockets. @param discard true: what is still queued is lost */
  override close(discard = false): this {
    if (!discard) return super.close();
    this.#session.terminate("forced close");
    return this;
  }
}
