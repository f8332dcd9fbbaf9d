import type { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

interface Http2Session {
  readonly socket: Duplex;
  close(): void;
  once(event: "close", listener: () => void): unknown;
}

/** What there is to close of `http`, `https` and `http2` servers. */
interface ClosableServer extends EventEmitter {
  readonly listening: boolean;
  close(done: (error?: Error) => void): unknown;
  closeAllConnections?(): void;
}

/** What `close()` of Node.js does not ask for. */
interface Watched {
  /** Responses that are not through. */
  underWay: number;
  /** One is: the same listener for all, since a closure would be made for each request. */
  readonly through: () => void;
  /** While it closes: called when there are none. */
  idle: (() => void) | undefined;
  /** TCP connections that the server itself does not cut, by their peer: before the end of a TLS handshake, or on HTTP/1 beside HTTP/2. */
  readonly strays: Map<string, Duplex>;
  readonly sessions: Set<Http2Session>;
}

const watched = new WeakMap<EventEmitter, Watched>();

/** From now on it is known which requests are under way. */
export function watchConnections(server: EventEmitter): void {
  if (watched.has(server)) return;
  const strays = new Map<string, Duplex>();
  const sessions = new Set<Http2Session>();
  const known: Watched = {
    underWay: 0,
    through: () => {
      if (--known.underWay === 0) known.idle?.();
    },
    idle: undefined,
    strays,
    sessions,
  };
  watched.set(server, known);
  const isHttp2 = "updateSettings" in server;
  const isTls = "setSecureContext" in server;
  if (!isTls && !isHttp2) return;
  server.on("connection", (socket: Duplex) => {
    const peer = peerOf(socket);
    strays.set(peer, socket);
    socket.once("close", () => {
      if (strays.get(peer) === socket) strays.delete(peer);
    });
  });
  server.on(isHttp2 ? "session" : "secureConnection", (made: Http2Session | Duplex) => {
    strays.delete(peerOf("socket" in made ? made.socket : made));
    if (!("socket" in made)) return;
    sessions.add(made);
    made.once("close", () => sessions.delete(made));
  });
}

/** A request has come in. */
export function countRequest(server: EventEmitter, res: ServerResponse): void {
  const known = watched.get(server);
  if (known === undefined) return;
  known.underWay++;
  res.on("close", known.through);
}

/** A connection does not speak HTTP any more: the code that upgraded it ends it. */
export function countUpgrade(server: EventEmitter, socket: Duplex): void {
  watched.get(server)?.strays.delete(peerOf(socket));
}

/**
 * Closes an HTTP server once the requests that are under way have their answers. Connections that have asked nothing yet, or only begun to, are cut
 * then: Node.js waits for them without end.
 *
 * @returns Node's `ERR_SERVER_NOT_RUNNING` for one that does not listen
 */
export function closeHttpServer(server: ClosableServer): Promise<Error | undefined> {
  const known = watched.get(server);
  return new Promise((resolve) => {
    server.close((error) => {
      if (known !== undefined) known.idle = undefined;
      resolve(error);
    });
    if (known === undefined) return;
    for (const session of known.sessions) session.close();
    known.idle = () => {
      server.closeAllConnections?.();
      for (const socket of known.strays.values()) socket.destroy();
    };
    if (known.underWay === 0) known.idle();
  });
}

function peerOf(socket: Duplex): string {
  const { remoteAddress, remotePort } = socket as { remoteAddress?: string; remotePort?: number };
  return `${remoteAddress} ${remotePort}`;
}
