// A process for process.test.ts: `process-app.ts <case> <server> <client> [url]`. It says "goes on" if it outlives what happens
// in it, and "connected" before it waits for its own end.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Server } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { type ClientName, loadClient, loadServer, type ServerName } from "../support/servers.js";
import { until } from "../support/wait.js";

const [, , what = "", server = "", client = "", url = ""] = process.argv;

function fail(): never {
  throw new Error("the app's own");
}

const onServer: Record<string, (io: Server) => unknown> = {
  "a handler that throws": (io) => io.on("connection", (socket) => socket.on("e", fail)),
  "a handler that rejects": (io) => io.on("connection", (socket) => socket.on("e", async () => fail())),
  "a middleware that throws": (io) => io.use(fail),
  "a middleware that rejects": (io) => io.use(async () => fail()),
  "a middleware of events that rejects": (io) =>
    io.on("connection", (socket) => socket.use(async () => fail())),
  "a middleware that throws after next()": (io) =>
    io.use((_socket, next) => {
      next();
      fail();
    }),
  "a middleware of events that throws after next()": (io) =>
    io.on("connection", (socket) =>
      socket.use((_event, next) => {
        next();
        fail();
      }),
    ),
  "a function of namespaces that rejects": (io) => io.of(async () => fail()),
  "a header that HTTP does not allow": (io) =>
    io.engine.on("headers", (headers) => {
      headers["x-name"] = "a\nb";
    }),
  "a listener for requests that was added later and answers them all": (io) =>
    io.httpServer.on("request", (_req, res) => {
      if (!res.headersSent) res.writeHead(404).end();
    }),
  nothing: () => {},
};
const onClient: Record<string, (client: ClientSocket) => unknown> = {
  "a handler of the client that throws": (socket) => socket.on("hello", fail),
  "a handler of the client that rejects": (socket) => socket.on("hello", async () => fail()),
};

async function startServer(): Promise<string> {
  const { Server } = await loadServer(server as ServerName);
  const http = createServer().listen(0, "127.0.0.1");
  const io = new Server(http);
  onServer[what]?.(io);
  io.on("connection", (socket) => socket.emit("hello"));
  await once(http, "listening");
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

const { io: dial } = await loadClient(client as ClientName);
if (url === "") {
  const here = await startServer();
  const namespace = what.startsWith("a function") ? "/any" : "";
  const socket = dial(here + namespace, { transports: ["websocket"], reconnection: false });
  onClient[what]?.(socket);
  socket.emit("e");
  // Whatever becomes of it: the answer to a request that was made later comes later.
  for (const event of ["hello", "connect_error", "disconnect"]) {
    socket.once(event, () => {
      setTimeout(async () => {
        await fetch(`${here}/socket.io/?EIO=4&transport=polling`);
        console.log("goes on");
        process.exit();
      }, 50);
    });
  }
} else {
  // Until then: what autoUnref has let go keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  const transports = what.includes("upgrade") ? ["polling", "websocket"] : ["websocket"];
  const socket = dial(url, { transports, autoUnref: what.startsWith("autoUnref"), reconnection: false });
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  await until(() => socket.io.engine.transport.name === "websocket", "the upgrade");
  clearInterval(alive);
  console.log("connected");
}
