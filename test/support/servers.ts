import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import type { Server, ServerOptions, Socket } from "socket.io";
import type { Socket as ClientSocket, ManagerOptions, SocketOptions } from "socket.io-client";
import { WebSocketServer } from "ws";
import { once, until, within } from "./wait.js";

// Who serves and who dials in a test. Sockeye's ends are used through Socket.IO's own types: that is what drop-in means.

export type ServerName = "sockeye" | "socket.io 4";
export type ClientName = "sockeye" | "socket.io-client 4" | "socket.io-client 3" | "socket.io-client 2";
export type ClientOptions = Partial<ManagerOptions & SocketOptions>;

type ServerModule = Pick<typeof import("socket.io"), "Server">;
type ClientModule = Pick<typeof import("socket.io-client"), "io" | "Manager">;

export async function loadServer(name: ServerName): Promise<ServerModule> {
  if (name === "socket.io 4") return import("socket.io");
  return (await import("@sockeye/server")) as unknown as ServerModule;
}

export async function loadClient(name: ClientName): Promise<ClientModule> {
  if (name === "socket.io-client 4") return import("socket.io-client");
  if (name === "socket.io-client 3") return import("socket.io-client-3");
  if (name === "socket.io-client 2") {
    const { default: io } = await import("socket.io-client-2");
    return { io, Manager: io.Manager };
  }
  return (await import("@sockeye/client")) as unknown as ClientModule;
}

/**
 * What Sockeye's servers get besides, so that the same tests run without a fast path, or with one that is off by default:
 * `TEST_PATH` names it. Without it the fast paths are as an app has them.
 */
const PATHS: Readonly<Record<string, object>> = {
  // The `ws` package reads, and Sockeye writes all frames of a turn at once.
  ws: { webSockets: "ws" },
  // Only what `ws` offers in public: it reads, writes frame by frame, and compresses.
  "ws-public": { wsEngine: WebSocketServer },
  // Everything compressed that can be, once for all receivers.
  deflate: { perMessageDeflate: { threshold: 0 } },
};

function pathOptions(name: ServerName): object {
  const path = process.env["TEST_PATH"];
  if (path === undefined || name !== "sockeye") return {};
  const options = PATHS[path];
  if (options === undefined) throw new Error(`TEST_PATH is none of ${Object.keys(PATHS).join(", ")}`);
  return options;
}

/** A running server on a free port of this host. */
export interface Site {
  readonly io: Server;
  readonly http: HttpServer;
  readonly port: number;
  readonly url: string;
  /** Pulls the plug: destroys every TCP connection of the server, without a word. */
  cut(): void;
  /** `io.close()`, and the end of every connection once what was said has been heard. */
  close(): Promise<void>;
  /** `io.close()` for a test that is over: nobody listens any more. */
  end(): Promise<void>;
}

/** Sessions end with their transports, as in Socket.IO, between two ends of Sockeye too: for tests of what comes after that. */
export const UNCOUNTED = { resume: false } as Partial<ServerOptions>;

/** A server listening on `port`, or on a free one. */
export async function startSite(
  name: ServerName,
  options: Partial<ServerOptions> = {},
  port = 0,
): Promise<Site> {
  const { Server } = await loadServer(name);
  const http = createServer();
  const wires = new Set<NetSocket>();
  http.on("connection", (wire) => {
    wires.add(wire);
    wire.once("close", () => wires.delete(wire));
  });
  const io = new Server(http, { ...pathOptions(name), ...options });
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  const actual = (http.address() as AddressInfo).port;
  const cut = (): void => {
    for (const wire of wires) wire.destroy();
  };
  const stop = async (patienceMs: number): Promise<void> => {
    const closed = http.listening ? once(http, "close") : Promise.resolve();
    const finished = io.close();
    const hurry = setTimeout(cut, patienceMs);
    await within(Promise.all([closed, finished]), "the server to close");
    clearTimeout(hurry);
  };
  return {
    io,
    http,
    port: actual,
    url: `http://127.0.0.1:${actual}`,
    cut,
    close: () => stop(200),
    end: () => stop(0),
  };
}

/** How a client gets to its transport. */
export type Way = "websocket" | "polling" | "polling, then websocket" | OwnWay;

/** What no end of npm knows. */
type OwnWay = "stream" | "sse";

export const WAYS: readonly Way[] = ["websocket", "polling", "polling, then websocket"];

export const OWN_WAYS: readonly OwnWay[] = ["stream", "sse"];

/** The options that make any of the clients take this way, and nothing else. */
export function optionsFor(way: Way): ClientOptions {
  return {
    transports: way === "polling, then websocket" ? ["polling", "websocket"] : [way],
    forceNew: true,
    reconnectionDelay: 10,
    reconnectionDelayMax: 30,
    timeout: 4_000,
  };
}

/** Resolves once the session of this server-side socket has reached its final transport. */
export async function settled(socket: Socket, way: Way): Promise<void> {
  if (way !== "polling, then websocket" || socket.conn.transport.name === "websocket") return;
  await once(socket.conn, "upgrade");
}

/** Resolves when the server could write to this socket at once; with polling, while a poll is waiting. */
export function writable(socket: Socket): Promise<void> {
  return until(() => socket.conn.transport.writable, "a writable transport");
}

/** Cuts the wires of a site at a moment at which both ends of this socket must notice. */
export async function pullThePlug(site: Site, socket: Socket): Promise<void> {
  await writable(socket);
  site.cut();
}

/** The server's half of a connected client. */
export async function serverHalf(site: Site, client: ClientSocket, namespace = "/"): Promise<Socket> {
  const { sockets } = site.io.of(namespace);
  await until(() => sockets.has(client.id ?? ""), `socket ${client.id} in ${namespace}`);
  return sockets.get(client.id ?? "") as Socket;
}
