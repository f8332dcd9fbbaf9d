// A process for suites.test.ts and closing.test.ts: `app.ts <server> <kind> [heartbeats]`. It serves what the public protocol suites
// expect of an implementation, says its port, and ends with its parent.
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Server as EngineServer } from "engine.io";
import { loadServer, type ServerName } from "../../support/servers.js";

const [, , server = "", kind = "", heartbeats = "suite"] = process.argv;

const QUICK = { pingInterval: 300, pingTimeout: 200 };
const COMMON = { maxHttpBufferSize: 1_000_000, ...(heartbeats === "suite" ? QUICK : {}) };

type AttachEngine = (http: HttpServer, options: object) => Pick<EngineServer, "on">;

async function loadEngine(): Promise<AttachEngine> {
  if (server === "socket.io 4") return (await import("engine.io")).attach;
  return (await import("@sockeye/server/engine")).attach as unknown as AttachEngine;
}

/** Sends back whatever comes. */
async function serveEngine(http: HttpServer): Promise<void> {
  const attach = await loadEngine();
  // Only what a stock server offers: the suites compare the list of upgrades.
  const engine = attach(http, {
    ...COMMON,
    allowEIO3: kind === "engine 3",
    transports: ["polling", "websocket"],
  });
  engine.on("connection", (socket) => socket.on("data", (data: string | Buffer) => socket.send(data)));
}

async function serveSockets(http: HttpServer): Promise<void> {
  const { Server } = await loadServer(server as ServerName);
  const io = new Server(http, {
    ...COMMON,
    ...(heartbeats === "suite" || heartbeats === "short connect" ? { connectTimeout: 1000 } : {}),
    transports: ["polling", "websocket"],
  });
  io.on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);
    socket.on("message", (...values) => socket.emit("message-back", ...values));
    socket.on("message-with-ack", (...values) => values.pop()(...values));
    socket.on("leave", () => socket.disconnect(true));
  });
  io.of("/custom").on("connection", (socket) => socket.emit("auth", socket.handshake.auth));
}

const http = createServer();
await (kind.startsWith("engine") ? serveEngine(http) : serveSockets(http));
http.listen(0, "127.0.0.1");
await once(http, "listening");
process.stdout.write(`${(http.address() as AddressInfo).port}\n`);
process.stdin.resume().on("end", () => process.exit());
