import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** How often a piece goes on its way. */
const BEAT_MS = 20;

/** A TCP proxy on this host that carries so many bytes a second, each way of each connection, and keeps none of its own. */
export class SlowProxy {
  /** What the server was sent, in all. */
  upBytes = 0;
  /** Does nothing go through any more, while all connections stay? */
  stuck = false;
  readonly #server: Server;
  readonly #bytesPerBeat: number;
  readonly #sockets = new Set<Socket>();

  private constructor(upstream: number, bytesPerSecond: number) {
    this.#bytesPerBeat = Math.ceil((bytesPerSecond * BEAT_MS) / 1000);
    this.#server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port: upstream, host: "127.0.0.1", noDelay: true });
      this.#carry(near, far, (bytes) => {
        this.upBytes += bytes;
      });
      this.#carry(far, near, () => {});
    });
  }

  static async start(upstream: number, bytesPerSecond: number): Promise<SlowProxy> {
    const proxy = new SlowProxy(upstream, bytesPerSecond);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #carry(from: Socket, to: Socket, told: (bytes: number) => void): void {
    this.#sockets.add(from);
    let waiting: Buffer = Buffer.alloc(0);
    from.on("data", (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      from.pause();
    });
    const beat = setInterval(() => {
      if (this.stuck) return;
      const piece = waiting.subarray(0, this.#bytesPerBeat);
      waiting = waiting.subarray(piece.length);
      told(piece.length);
      if (piece.length > 0 && !to.destroyed) to.write(piece);
      if (waiting.length > 0) return;
      if (from.readableEnded) to.end();
      else from.resume();
    }, BEAT_MS);
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      clearInterval(beat);
      to.destroy();
    });
  }
}
