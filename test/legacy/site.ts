// The server of the tests in old browsers: a page that talks over the transport that it is told, and what came of it.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServerOptions } from "@sockeye/server";
import { Server } from "@sockeye/server";

const PAGE = new URL("./fixtures/page.html", import.meta.url);

/** What a page said and did, seen from the server. */
export interface Visit {
  /** The name of the transport, seen from the server. */
  readonly transport: string;
  readonly userAgent: string;
  readonly sum: unknown;
  /** The answer to a question. */
  readonly answer: unknown;
  /** What the page noted itself. */
  readonly log: unknown;
  /** Why the socket was gone. */
  readonly left: string;
}

export interface LegacySite {
  readonly url: string;
  /** The address of the page that uses these options of `io()`. */
  page(options: object): string;
  /** The page that comes next, from its connection to its end. */
  visit(): Promise<Visit>;
  close(): Promise<void>;
}

/** What is sent to each page and back. */
export const ODD = "</script><b>é\u2028😀%0A\\n\\";

export async function startLegacySite(options: Partial<ServerOptions> = {}): Promise<LegacySite> {
  const page = await readFile(PAGE);
  const http = createServer((_req, res) => {
    res.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
  });
  const io = new Server(http, options);
  const awaited: ((visit: Promise<Visit>) => void)[] = [];
  io.on("connection", (socket) => {
    const visit = converse(socket);
    awaited.shift()?.(visit);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url,
    page: (settings) => `${url}/?${encodeURIComponent(JSON.stringify(settings))}`,
    visit: () => new Promise((resolve) => awaited.push(resolve)),
    close: async () => {
      await io.close();
      http.closeAllConnections();
    },
  };
}

/** The part of a socket that is needed here; Socket.IO's have it too. */
export interface SocketLike {
  readonly conn: { readonly transport: { readonly name: string } };
  readonly handshake: { readonly headers: Readonly<Record<string, unknown>> };
  on(event: string, listener: (...args: never[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
}

/** Talks to a page until it leaves. */
export async function converse(socket: SocketLike): Promise<Visit> {
  const left = new Promise<string>((resolve) => socket.on("disconnect", resolve));
  const sum = await new Promise((resolve) => {
    socket.on("sum", (a: number, b: number, reply: (sum: number) => void) => {
      reply(a + b);
      resolve(a + b);
    });
  });
  for (let count = 0; count < 200; count++) socket.emit("count", count, ODD);
  const answer = await new Promise((resolve) => {
    socket.emit("ask", { deep: [ODD, null, 1.5] }, (...values: unknown[]) => resolve(values));
  });
  const log = await new Promise((resolve) => socket.emit("done", resolve));
  const transport = socket.conn.transport.name;
  const userAgent = String(socket.handshake.headers["user-agent"]);
  return { transport, userAgent, sum, answer, log, left: await left };
}

/** What comes of a page to which nothing strange happens. */
export function noted(transport: string): Partial<Visit> {
  return {
    transport,
    sum: 3,
    answer: [{ deep: [ODD, null, 1.5] }, "</script><b>é\u2028😀%0A"],
    log: [
      ["connect", transport],
      ["sum", 3],
      ["counted", 200, ODD],
    ],
    left: "client namespace disconnect",
  };
}
