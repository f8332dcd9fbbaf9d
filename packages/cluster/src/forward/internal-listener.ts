import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import type { Duplex } from "node:stream";
import { AnsweringEnd } from "./link/answering.js";
import { LINK_PROTOCOL, LINK_VERSION_HEADER, versionFor } from "./link/links.js";
import type { Verifier } from "./signature.js";
import type { ForwardTarget } from "./terms.js";

/** Where a node listens for requests that others pass on. */
export interface ListenOptions {
  /** Default: an address of a private network of this machine (10/8, 172.16/12, 192.168/16), or 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default: any that is free. */
  readonly port?: number | undefined;
}

export interface InternalListenerTerms {
  /** Of requests that are passed on by themselves. */
  readonly requests: Verifier;
  /** Of requests for a link. */
  readonly links: Verifier;
  isMember(node: string): boolean;
  readonly target: ForwardTarget;
}

const KEEP_ALIVE_MS = 5_000;

/** An HTTP server for other nodes alone: what is not signed by one is cut, without an answer. */
export class InternalListener {
  readonly #server: Server;
  /** WebSockets: no connections of the server's any more, though it waits for their end. */
  readonly #upgraded = new Set<Duplex>();
  readonly #terms: InternalListenerTerms;
  readonly #links = new Set<AnsweringEnd>();

  constructor(terms: InternalListenerTerms) {
    const { requests: verifier, target } = terms;
    this.#terms = terms;
    // The other end keeps its connections, and closes them.
    this.#server = createServer({ keepAliveTimeout: 0 });
    this.#server.on("request", (req, res) => {
      const facts = verifier.verify(req);
      if (facts) target.request(req, res, facts);
      else req.socket.destroy();
    });
    this.#server.on("upgrade", (req, socket, head) => {
      if (req.headers.upgrade === LINK_PROTOCOL) {
        this.#link(req, socket, head);
        return;
      }
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

  /** Takes a connection that has come another way than to its port. */
  connected(socket: Duplex): void {
    this.#server.emit("connection", socket);
  }

  /** Cuts what there still is, once it is written. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      for (const socket of this.#upgraded) socket.end(() => socket.destroy());
      for (const link of this.#links) link.close();
    });
  }

  #link(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { links, isMember, target } = this.#terms;
    const node = links.verify(req)?.node;
    const version = versionFor(req.url ?? "");
    if (node === undefined || version === undefined || !this.#server.listening) {
      socket.destroy();
      return;
    }
    const lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", `Upgrade: ${LINK_PROTOCOL}`];
    socket.write(`${lines.join("\r\n")}\r\n${LINK_VERSION_HEADER}: ${version}\r\n\r\n`);
    if (socket instanceof Socket) socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    const link = new AnsweringEnd(socket, head, {
      target,
      isMember: () => isMember(node),
      closed: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}

const PRIVATE = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/;

function privateAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ address }) => PRIVATE.test(address))?.address ?? "127.0.0.1";
}
