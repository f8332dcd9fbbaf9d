import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";

/** A request as it came in, with the means to answer it. */
export interface Asked {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** The same as it came. */
  readonly bytes: Buffer;
  /** Has the client given up on it? */
  readonly aborted: () => boolean;
  answer(body: string, status?: number): void;
  /** Writes a piece of an answer that goes on. */
  write(piece: string | Uint8Array): void;
  /** Ends it. */
  end(): void;
  /** Breaks the connection instead of answering. */
  destroy(): void;
}

/** An HTTP server made by hand: the test sees each request, in order, and answers when it likes. */
export class HandServer {
  readonly #server: Server;
  readonly #arrived: Asked[] = [];
  readonly #waiting: ((asked: Asked) => void)[] = [];
  /** Requests not yet taken by {@link next}. */
  get untaken(): number {
    return this.#arrived.length;
  }

  constructor() {
    this.#server = createServer((request, response) => this.#take(request, response));
  }

  static async start(): Promise<HandServer> {
    const hand = new HandServer();
    await new Promise<void>((resolve) => hand.#server.listen(0, "127.0.0.1", resolve));
    open.add(hand);
    return hand;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/socket.io/`;
  }

  /** The next request that came or comes in. */
  next(): Promise<Asked> {
    const asked = this.#arrived.shift();
    return asked === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(asked);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const asked: Asked = {
        method: request.method ?? "",
        query: new URL(request.url ?? "", "http://localhost").searchParams,
        headers: request.headers,
        body: bytes.toString(),
        bytes,
        aborted: () => response.closed && !response.writableEnded,
        answer: (text, status = 200) => {
          response.writeHead(status, { "content-type": "text/plain; charset=UTF-8" }).end(text);
        },
        write: (piece) => {
          if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
          response.write(piece);
        },
        end: () => response.end(),
        destroy: () => request.socket.destroy(),
      };
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#arrived.push(asked);
      else waiting(asked);
    });
  }
}

const open = new Set<HandServer>();

afterEach(async () => {
  for (const server of open) await server.close();
  open.clear();
});
