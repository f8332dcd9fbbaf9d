import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import type { Server, ServerOptions, Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { describe, it } from "vitest";
import {
  type ClientName,
  type ClientOptions,
  loadClient,
  loadServer,
  type ServerName,
} from "../support/servers.js";
import { once, until } from "../support/wait.js";

// One test of one name, for Socket.IO and for Sockeye. A server is seen by Socket.IO's client, a client by Socket.IO's server,
// so that the only thing that changes is the end whose name it is.

/** A server, and how to reach it. */
export interface Site {
  readonly io: Server;
  readonly http: HttpServer;
  readonly port: number;
  readonly url: string;
}

export interface Pair {
  readonly site: Site;
  readonly client: ClientSocket;
  readonly socket: Socket;
}

/** What one test plays with; it ends with the test. */
export class Scene {
  readonly #ends: (() => unknown)[] = [];

  constructor(
    readonly server: ServerName,
    readonly client: ClientName,
  ) {}

  /** A server beside an app that answers 404 to everything. */
  async serve(options: Partial<ServerOptions> = {}, http: HttpServer = app()): Promise<Site> {
    const { Server } = await loadServer(this.server);
    return this.stand(new Server(http, options), http);
  }

  /** Starts what was put together by hand. */
  async stand(io: Server, http: HttpServer): Promise<Site> {
    const wires = new Set<NetSocket>();
    http.on("connection", (wire: NetSocket) => wires.add(wire));
    this.defer(async () => {
      for (const wire of wires) wire.destroy();
      await io.close();
    });
    const port = await this.listen(http);
    return { io, http, port, url: `http://127.0.0.1:${port}` };
  }

  async listen(http: HttpServer): Promise<number> {
    if (!http.listening) {
      http.listen(0, "127.0.0.1");
      await once(http, "listening");
    }
    this.defer(() => {
      http.close();
      http.closeAllConnections?.();
    });
    return (http.address() as AddressInfo).port;
  }

  /** Dials over WebSocket, on a connection of its own, once, and does not wait. */
  async dial(url: string, options: ClientOptions = {}): Promise<ClientSocket> {
    const { io } = await loadClient(this.client);
    const client = io(url, { transports: ["websocket"], forceNew: true, reconnection: false, ...options });
    this.defer(() => {
      client.io.reconnection(false);
      client.disconnect();
    });
    return client;
  }

  /** Dials and waits for both halves. `where` is the namespace. */
  async join(site: Site, where = "/", options: ClientOptions = {}): Promise<Pair> {
    const client = await this.dial(site.url + where, options);
    if (!client.connected) await once(client, "connect");
    const { sockets } = site.io.of(where);
    await until(() => sockets.has(client.id ?? ""), "the server's half");
    return { site, client, socket: sockets.get(client.id ?? "") as Socket };
  }

  async pair(options: Partial<ServerOptions> = {}, clientOptions: ClientOptions = {}): Promise<Pair> {
    return this.join(await this.serve(options), "/", clientOptions);
  }

  defer(end: () => unknown): void {
    this.#ends.push(end);
  }

  async clear(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }
}

export function app(): HttpServer {
  return createServer((_req, res) => {
    res.writeHead(404).end("the app");
  });
}

type Act = (scene: Scene) => Promise<void> | void;
export type Test = (name: string, act: Act) => void;

/** A suite about names of a server, once for each server. */
export function onServers(title: string, suite: (test: Test, name: ServerName) => void): void {
  describe.each<ServerName>(["socket.io 4", "sockeye"])(`${title}, of %s`, (name) => {
    suite(testerOf(name, "socket.io-client 4"), name);
  });
}

/** A suite about names of a client, once for each client. */
export function onClients(title: string, suite: (test: Test, name: ClientName) => void): void {
  describe.each<ClientName>(["socket.io-client 4", "sockeye"])(`${title}, of %s`, (name) => {
    suite(testerOf("socket.io 4", name), name);
  });
}

function testerOf(server: ServerName, client: ClientName): Test {
  return (name, act) =>
    it(name, async () => {
      const scene = new Scene(server, client);
      try {
        await act(scene);
      } finally {
        await scene.clear();
      }
    });
}

/** The id of a session, which Socket.IO's types keep to themselves. */
export function engineId(conn: unknown): string {
  return (conn as { readonly id: string }).id;
}

/** All events that these clients get until every one of them got `the end`, by the order of `clients`. */
export async function heard(
  io: Pick<Server, "emit">,
  clients: readonly ClientSocket[],
  act: () => unknown,
): Promise<unknown[][][]> {
  const lists = clients.map((client) => {
    const list: unknown[][] = [];
    client.onAny((...event: unknown[]) => list.push(event));
    return list;
  });
  const ends = clients.map((client) => once(client, "the end"));
  await act();
  io.emit("the end");
  await Promise.all(ends);
  return lists.map((list) => list.filter(([name]) => name !== "the end"));
}
