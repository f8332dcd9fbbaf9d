// The server of the tests of all transports: a page that talks over the transport that it is told, and what came of it.
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Server, type Socket } from "@sockeye/server";
import { within } from "../support/wait.js";

export const BUNDLES = { modern: "sockeye.min.js", legacy: "sockeye.legacy.min.js" } as const;
export type Build = keyof typeof BUNDLES;

/** What is sent to each page and back. */
export const ODD = "</script><b>é\u2028😀%0A\\n\\\r\n\u0000";
export const MESSAGES = 1000;
const LARGE = "200 KB, é\n".repeat(20_000);

/** What a page says about itself. */
export interface Report {
  readonly connected: readonly string[];
  readonly errors: readonly string[];
}

/** The same conversation, seen from the server. */
export interface Conversation {
  readonly answer: unknown;
  readonly bytes: readonly number[];
  /** Messages that came in order. */
  readonly counted: number;
  readonly isLargeWhole: boolean;
}

export interface Visit {
  /** The address of the page. */
  readonly url: string;
  readonly report: Promise<Report>;
  readonly conversation: Promise<Conversation>;
  /** What the server calls the transport in use. */
  readonly transport: () => Promise<string>;
  /** Resolves with the reason once the server knows that the page has gone. */
  readonly left: Promise<string>;
}

export interface TransportsSite {
  /** A page without anything in it. */
  readonly elsewhere: string;
  /** The page that uses these options of `io()`; it must be opened once. */
  visit(build: Build, options: object): Visit;
  close(): Promise<void>;
}

interface Awaited {
  readonly build: Build;
  readonly report: (report: Report) => void;
  readonly socket: (socket: Socket) => void;
}

export async function startTransportsSite(): Promise<TransportsSite> {
  const visits: Awaited[] = [];
  const http = createServer((req, res) => void answer(req, res, visits));
  const transports = ["polling", "websocket", "sse", "stream", "iframe", "jsonp"] as const;
  const io = new Server(http, { transports: [...transports] });
  io.on("connection", (socket) => visits[Number(socket.handshake.query["visit"])]?.socket(socket));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    elsewhere: `${url}/elsewhere`,
    visit: (build, options) => {
      const id = visits.length;
      const reported = new Promise<Report>((report) => {
        visits.push({ build, report, socket: () => {} });
      });
      const socket = new Promise<Socket>((resolve) => {
        visits[id] = { ...(visits[id] as Awaited), socket: resolve };
      });
      const settings = { id, odd: ODD, messages: MESSAGES, options: { ...options, query: { visit: id } } };
      return {
        url: `${url}/page?${encodeURIComponent(JSON.stringify(settings))}`,
        report: within(reported, "the report of the page", 30_000),
        conversation: socket.then(converse),
        transport: async () => (await socket).conn.transport.name,
        left: socket.then((each) => new Promise((resolve) => each.on("disconnect", resolve))),
      };
    },
    close: async () => {
      await io.close();
      http.closeAllConnections();
    },
  };
}

async function answer(req: IncomingMessage, res: ServerResponse, visits: readonly Awaited[]): Promise<void> {
  const { pathname, search } = new URL(req.url ?? "", "http://localhost");
  const html = { "content-type": "text/html; charset=utf-8" };
  if (pathname === "/page") {
    const { id } = JSON.parse(decodeURIComponent(search.slice(1))) as { id: number };
    const page = await fixture("transports.html");
    res.writeHead(200, html).end(page.replace("BUNDLE", BUNDLES[visits[id]?.build ?? "modern"]));
  } else if (pathname === "/transports.js") {
    res.writeHead(200, { "content-type": "text/javascript" }).end(await fixture("transports.js"));
  } else if (pathname.startsWith("/report/")) {
    const report = JSON.parse(await text(req)) as Report;
    visits[Number(pathname.slice(8))]?.report(report);
    res.writeHead(204).end();
  } else {
    res.writeHead(200, html).end("<!doctype html><title>Elsewhere</title>");
  }
}

function fixture(name: string): Promise<string> {
  return readFile(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
}

/** The server's half. */
async function converse(socket: Socket): Promise<Conversation> {
  let counted = 0;
  socket.on("echo", (odd: unknown, list: unknown, reply: (...values: unknown[]) => void) => reply(odd, list));
  socket.on("count", (number: number) => {
    if (number === counted) counted += 1;
  });
  const counting = new Promise<number>((resolve) => {
    socket.on("give back", (value: unknown, reply: (value: unknown) => void) => {
      reply(value);
      resolve(counted);
    });
  });
  for (let number = 0; number < MESSAGES; number += 1) socket.emit("count", number);
  const [answer, { bytes }, large] = (await Promise.all([
    new Promise((resolve) => socket.emit("ask", { deep: [ODD] }, (...all: unknown[]) => resolve(all))),
    socket.emitWithAck("bytes", { deep: { bytes: Buffer.from([0, 1, 254, 255]) } }),
    socket.emitWithAck("large", LARGE),
  ])) as [unknown, { bytes: Buffer }, string];
  return {
    answer,
    bytes: [...bytes],
    counted: await counting,
    isLargeWhole: large === LARGE,
  };
}
