import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type ServerOptions, type Socket } from "@sockeye/server";
import {
  type Socket as ClientSocket,
  io as dialStock,
  type ManagerOptions,
  type SocketOptions,
} from "socket.io-client";
import { afterEach, beforeEach } from "vitest";
import { once, until } from "../../../test/support/wait.js";

// A server on a free port, and stock clients that dial it. All of it ends with the test; of tests that run side by side, with the last of them.

const ends: (() => unknown)[] = [];
let running = 0;
beforeEach(() => {
  running++;
});
afterEach(async () => {
  if (--running > 0) return;
  for (const end of ends.splice(0).reverse()) await end();
});

export interface Site {
  readonly io: Server;
  readonly http: HttpServer;
  readonly port: number;
  readonly url: string;
}

export async function portOf(http: HttpServer): Promise<number> {
  if (!http.listening) http.listen(0, "127.0.0.1");
  if (http.address() === null) await once(http, "listening");
  return (http.address() as AddressInfo).port;
}

export function atEnd(end: () => unknown): void {
  ends.push(end);
}

export async function serve(options: ServerOptions = {}): Promise<Site> {
  const http = createServer();
  return standing(new Server(http, options), http);
}

/** Starts what was put together by hand. */
export async function standing(io: Server, http: HttpServer): Promise<Site> {
  const port = await portOf(http);
  atEnd(() => {
    http.closeAllConnections();
    return io.close();
  });
  return { io, http, port, url: `http://127.0.0.1:${port}` };
}

export type Options = Partial<ManagerOptions & SocketOptions>;

/** Dials by WebSocket, on a connection of its own, and does not wait. */
export function dial(site: Pick<Site, "url">, where = "/", options: Options = {}): ClientSocket {
  const client = dialStock(site.url + where, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
    ...options,
  });
  atEnd(() => client.disconnect());
  return client;
}

/** A connected client with the server's half of it. */
export async function join(
  site: Site,
  where = "/",
  options: Options = {},
): Promise<{ client: ClientSocket; socket: Socket }> {
  const client = dial(site, where, options);
  return { client, socket: await half(site, client) };
}

/** The server's half of a client that connects, or has. */
export async function half(site: Site, client: ClientSocket): Promise<Socket> {
  if (!client.connected) await once(client, "connect");
  const { nsp } = client as unknown as { readonly nsp: string };
  const find = (): Socket | undefined => site.io._nsps.get(nsp)?.sockets.get(client.id ?? "");
  await until(() => find() !== undefined, "the server's half of the socket");
  return find() as Socket;
}

/** What a client says if it is refused. */
export async function refused(client: ClientSocket): Promise<{ message: string; data?: unknown }> {
  const [error] = await once(client, "connect_error");
  const { message, data } = error as { message: string; data?: unknown };
  return data === undefined ? { message } : { message, data };
}

/** Resolves once all that was sent before has arrived, and what came back, too. */
export async function roundTrip(client: ClientSocket, socket: Socket): Promise<void> {
  socket.on("round-trip", (back: () => void) => back());
  await client.emitWithAck("round-trip");
}
