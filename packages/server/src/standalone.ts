// The engine without Socket.IO on it: sessions that carry messages. The names are those of the package `engine.io`.
import { createServer, type Server as HttpServer } from "node:http";
import { nativeClock } from "@sockeye/session";
import type { ErrorBoundary } from "@sockeye/socket";
import { Engine, type EngineHost } from "./engine.js";
import { Monitor } from "./monitor.js";
import type { AttachOptions, EngineOptions } from "./options.js";
import { limitsOf } from "./options.js";
import { PlainConnection } from "./plain-connection.js";
import { failureOf, printError } from "./print-error.js";
import { warnOfUnknownOptions } from "./unknown-options.js";

export type { SendOptions } from "@sockeye/socket";
export { Conn as Socket } from "./conn.js";
export type { EngineEvents } from "./engine.js";
export type { AttachOptions, EngineOptions as ServerOptions } from "./options.js";

/** The revision of the engine's protocol. */
export const protocol = 4;

/**
 * A server of sessions without Socket.IO: `connection` gives the socket, whose `message` events are what the peer has sent, text or
 * bytes. Put it on an HTTP server with `attach`; the path is `/engine.io` there.
 *
 * ```ts
 * const server = new Server();
 * server.attach(http);
 * server.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
 * ```
 */
export class Server extends Engine {
  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(options: EngineOptions = {}) {
    const host = hostOf(options);
    super(host, options);
    warnOfUnknownOptions(options, { warnings: host.monitor.warnings, of: "engine" });
  }
}

/** An engine on an HTTP server, beside what is there. @throws UsageError `ERR_BAD_OPTION` */
export function attach(http: HttpServer, options: AttachOptions & EngineOptions = {}): Server {
  return new Server(options).attach(http, options);
}

/**
 * An engine with an HTTP server of its own that answers everything else with status 501. It is in `httpServer`.
 *
 * @param listening called once it listens
 * @throws UsageError `ERR_BAD_OPTION`
 */
export function listen(
  port: number,
  options?: (AttachOptions & EngineOptions) | (() => void),
  listening?: () => void,
): Server {
  const [given, done] = typeof options === "function" ? [{}, options] : [options ?? {}, listening];
  const http = createServer((_req, res) => {
    res.writeHead(501).end("Not Implemented");
  });
  const server = attach(http, given);
  server.httpServer = http;
  http.listen(port, done);
  return server;
}

/** Messages mean nothing here: a connection's listeners get them as they are. */
const MESSAGES: EngineHost["codec"] = { decoder: () => ({ write: () => undefined }) };

function hostOf(options: EngineOptions): EngineHost {
  const boundary: ErrorBoundary = {
    reportError: (error, event) => {
      printError(failureOf(event), error);
    },
  };
  const above = { ...boundary, monitor: new Monitor(() => options) };
  return {
    ...above,
    engineClock: nativeClock,
    codec: MESSAGES,
    olderCodec: MESSAGES,
    limits: limitsOf(options),
    opened: (session) => new PlainConnection(session, above),
  };
}
