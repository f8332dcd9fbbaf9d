import type { IncomingMessage } from "node:http";
import type { CloseReason, EnginePacket, SessionView } from "@sockeye/protocol";
import type { ErrorBoundary } from "@sockeye/socket";
import { EngineSocket } from "@sockeye/socket";

/** The session under a {@link Conn}. */
export interface ConnSession extends SessionView {
  /** Ends it; what cannot be written at once is lost. */
  terminate(reason: CloseReason): void;
}

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

  /** The client's answer to a PING, or the PING of a client of Socket.IO 2. */
  protected override isHeartbeat({ type }: EnginePacket): boolean {
    return type === "pong" || type === "ping";
  }

  /** Ends the connection with all its sockets. @param discard true: what is still queued is lost */
  override close(discard = false): this {
    if (!discard) return super.close();
    this.#session.terminate("forced close");
    return this;
  }
}
