import type { IncomingMessage } from "node:http";
import type { SessionView } from "@sockeye/protocol";
import type { ErrorBoundary } from "@sockeye/socket";
import { EngineSocket } from "@sockeye/socket";

/** The engine's side of a connection: `socket.conn`, and what `io.engine` hands to `connection` listeners. */
export class Conn extends EngineSocket {
  /** The request that opened the connection. */
  readonly request: IncomingMessage;
  readonly remoteAddress: string;

  constructor(
    session: SessionView,
    {
      boundary,
      request,
      remoteAddress,
      protocol,
    }: { boundary: ErrorBoundary; request: IncomingMessage; remoteAddress: string; protocol: 3 | 4 },
  ) {
    super(session, boundary, protocol);
    this.request = request;
    this.remoteAddress = remoteAddress;
  }
}
