import { Agent, createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import { Server, type ServerOptions } from "socket.io";
import * as stock from "socket.io-client";
import { SELF_SIGNED } from "../../../test/support/certificate.js";
import { once } from "../../../test/support/wait.js";
import * as sockeye from "../src/index.js";

// What tests of options play with: a server of npm that keeps what it was asked, and either of the two clients.

export type Client = Pick<typeof sockeye, "io" | "Manager" | "NodeWebSocket" | "NodeXHR">;

/** The second one proves that what is expected is Socket.IO's behaviour and not ours. */
export const CLIENTS: Readonly<Record<"sockeye" | "socket.io-client 4", Client>> = {
  sockeye,
  "socket.io-client 4": stock as unknown as Client,
};

/** A request or upgrade request, as it arrived. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly wire: NetSocket;
}

export interface Site {
  readonly io: Server;
  readonly url: string;
  readonly port: number;
  /** In order. */
  readonly asked: readonly Asked[];
  /** Those of one transport. */
  of(transport: string): Asked[];
}

export interface SiteOptions extends Partial<ServerOptions> {
  /** Options of the HTTPS server, on top of the certificate that nobody has signed. */
  readonly tls?: object;
}

export class Trial {
  readonly #ends: (() => unknown)[] = [];

  constructor(readonly client: Client) {}

  defer(end: () => unknown): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }

  async serve({ tls, ...options }: SiteOptions = {}): Promise<Site> {
    const http = tls ? createTlsServer({ ...SELF_SIGNED, ...tls }) : createServer();
    const wires = new Set<NetSocket>();
    http.on(tls ? "secureConnection" : "connection", (wire: NetSocket) => {
      wires.add(wire);
      wire.on("close", () => wires.delete(wire));
    });
    const asked: Asked[] = [];
    const note = ({ method = "", url = "", headers, socket }: IncomingMessage): void => {
      const { pathname, searchParams } = new URL(url, "http://localhost");
      asked.push({ method, path: pathname, query: searchParams, headers, wire: socket });
    };
    const io = new Server(http, options);
    // After the server, which would take off who listens already.
    http.on("request", note);
    if (http.listenerCount("upgrade") > 0) http.on("upgrade", note);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    this.defer(async () => {
      const closed = io.close();
      for (const wire of wires) wire.destroy();
      await closed;
    });
    const of = (transport: string): Asked[] =>
      asked.filter(({ query }) => query.get("transport") === transport);
    return { io, url: `${tls ? "https" : "http"}://127.0.0.1:${port}`, port, asked, of };
  }

  /** A server that takes requests and never answers. */
  async silence(): Promise<string> {
    const http = createServer(() => {}).on("upgrade", () => {});
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    this.defer(() => {
      http.close();
      http.closeAllConnections();
    });
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  }

  dial(url: string, options: sockeye.Options = {}): sockeye.Socket {
    const socket = this.client.io(url, { forceNew: true, reconnection: false, ...options });
    this.defer(() => socket.io.disconnect?.() ?? socket.disconnect());
    return socket;
  }

  async connect(url: string, options: sockeye.Options = {}): Promise<sockeye.Socket> {
    const socket = this.dial(url, options);
    await once(socket as never, "connect");
    return socket;
  }

  /** Until the upgrade is done. */
  async upgrade(url: string, options: sockeye.Options = {}): Promise<sockeye.Socket> {
    const socket = this.dial(url, { ...options, transports: ["polling", "websocket"] });
    await Promise.all([once(socket as never, "connect"), once(socket.io.engine as never, "upgrade")]);
    return socket;
  }

  /** `connect`, or the message of `connect_error`. */
  async outcome(url: string, options: sockeye.Options): Promise<string> {
    const socket = this.dial(url, options);
    return Promise.race([
      once(socket as never, "connect").then(() => "connect"),
      once(socket as never, "connect_error").then(([error]) => (error as Error).message),
    ]);
  }
}

/** An agent that counts the connections that it opens. */
export class CountingAgent extends Agent {
  opened = 0;

  override createConnection(...args: Parameters<Agent["createConnection"]>) {
    this.opened++;
    return super.createConnection(...args);
  }
}
