import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  frozen: boolean;
}

/** A TCP proxy on this host that does to connections what a test says. */
export class CuttingProxy {
  /** Asked for each connection: how many bytes it may carry, both ways together, before it is cut. */
  allowance: () => number = () => Number.POSITIVE_INFINITY;
  /** Connections on which the client says this are cut. */
  refused: string | undefined;
  /** Is there no way at all? */
  down = false;
  connections = 0;
  readonly #server: Server;
  readonly #links = new Set<Link>();

  /** @param upstream the port that new connections lead to */
  private constructor(public upstream: number) {
    this.#server = createServer({ noDelay: true }, (near) => this.#accept(near, this.upstream));
  }

  static async start(upstream: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(upstream);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const link of this.#links) this.#break(link);
  }

  /** Breaks them for the client; the server hears nothing any more, and not that either. */
  cutNear(): void {
    for (const link of this.#links) {
      link.frozen = true;
      link.near.resetAndDestroy();
    }
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }

  #accept(near: Socket, upstream: number): void {
    near.on("error", () => {});
    if (this.down) {
      near.resetAndDestroy();
      return;
    }
    this.connections++;
    let left = this.allowance();
    const link: Link = {
      near,
      far: connect({ port: upstream, host: "127.0.0.1", noDelay: true }),
      frozen: false,
    };
    this.#links.add(link);
    const pass = (from: Socket, to: Socket): void => {
      from.on("data", (chunk: Buffer) => {
        if (link.frozen) return;
        if (from === near && this.refused !== undefined && chunk.includes(this.refused)) {
          this.#break(link);
          return;
        }
        to.write(chunk.subarray(0, left));
        left -= chunk.length;
        // After the part has left.
        if (left <= 0) setImmediate(() => this.#break(link));
      });
      from.on("error", () => {});
      from.on("close", () => {
        if (!link.frozen) this.#break(link);
      });
    };
    pass(near, link.far);
    pass(link.far, near);
  }

  #break(link: Link): void {
    this.#links.delete(link);
    link.near.resetAndDestroy();
    link.far.resetAndDestroy();
  }
}
