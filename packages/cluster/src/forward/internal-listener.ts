import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import type { Duplex } from "node:stream";
import type { ForwardFacts, Verifier } from "./signature.js";

/** Where a node listens for requests that others pass on. */
export interface ListenOptions {
  /** Default: an address of a private network of this machine (10/8, 172.16/12, 192.168/16), or 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default: any that is free. */
  readonly port?: number | undefined;
}

/** Who answers what was passed on. */
export interface ForwardTarget {
  request(req: IncomingMessage, res: ServerResponse, facts: ForwardFacts): void;
  upgrade(upgrade: { req: IncomingMessage; socket: Duplex; head: Buffer }, facts: ForwardFacts): void;
}

/** An HTTP server for other nodes alone: what is not signed by one is cut, without an answer. */
export class InternalListener {
  readonly #server: Server;
  /** WebSockets: no connections of the server's any more, though it waits for their end. */
  readonly #upgraded = new Set<Duplex>();

  constructor(verifier: Verifier, target: ForwardTarget) {
    // The other end keeps its connections, and closes them.
    this.#server = createServer({ keepAliveTimeout: 0 });
    this.#server.on("request", (req, res) => {
      const facts = verifier.verify(req);
      if (facts) target.request(req, res, facts);
      else req.socket.destroy();
    });
    this.#server.on("upgrade", (req, socket, head) => {
      const facts = verifier.verify(req);
      if (!facts) {
        socket.destroy();
        return;
      }
      this.#upgraded.add(socket);
      socket.once("close", () => this.#upgraded.delete(socket));
      target.upgrade({ req, socket, head }, facts);
    });
  }

  /** @returns its address, as others dial it */
  listen({ host, port = 0 }: ListenOptions): Promise<string> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      // Workers of Node's cluster would share the port otherwise, and get each other's requests.
      server.listen({ host: host ?? privateAddress(), port, exclusive: true }, () => {
        server.removeListener("error", reject);
        const { address, family, port: chosen } = server.address() as AddressInfo;
        resolve(`${family === "IPv6" ? `[${address}]` : address}:${chosen}`);
      });
    });
  }

  /** Cuts what there still is, once it is written. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      for (const socket of this.#upgraded) socket.end(() => socket.destroy());
    });
  }
}

const PRIVATE = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/;

function privateAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ address }) => PRIVATE.test(address))?.address ?? "127.0.0.1";
}
