// The server of the tests of what happens to pages: it counts up to each client, and keeps what comes.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type ServerOptions } from "@sockeye/server";

/** One client, as the server sees it. */
export interface Visitor {
  readonly id: string;
  /** Numbers that it has sent. */
  readonly up: number[];
  /** How many it was sent. */
  down: number;
  /** Why it has left, and when. */
  left: { readonly reason: string; readonly at: number } | undefined;
}

export interface PagesSite {
  readonly url: string;
  readonly elsewhere: string;
  readonly io: Server;
  readonly visitors: readonly Visitor[];
  close(): Promise<void>;
}

const DOWN_EVERY_MS = 20;

export async function startPagesSite(options: Partial<ServerOptions> = {}): Promise<PagesSite> {
  const page = await readFile(new URL("./fixtures/pages.html", import.meta.url), "utf8");
  const http = createServer(({ url = "" }, res) => {
    res.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    res.end(url.startsWith("/page") ? page : "<!doctype html><title>Elsewhere</title>");
  });
  const io = new Server(http, { transports: ["polling", "websocket", "sse", "stream"], ...options });
  const visitors: Visitor[] = [];
  io.on("connection", (socket) => {
    const visitor: Visitor = { id: socket.id, up: [], down: 0, left: undefined };
    visitors.push(visitor);
    socket.on("up", (number: number) => visitor.up.push(number));
    const timer = setInterval(() => socket.emit("down", visitor.down++), DOWN_EVERY_MS);
    socket.on("disconnect", (reason) => {
      clearInterval(timer);
      visitor.left = { reason, at: performance.now() };
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url: `${url}/page`,
    elsewhere: `${url}/elsewhere`,
    io,
    visitors,
    close: async () => {
      const closed = io.close();
      // Browsers keep connections that they may need.
      http.closeAllConnections();
      await closed;
    },
  };
}
