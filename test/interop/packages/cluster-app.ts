// A server on two workers of Node's cluster, as the documentation of @socket.io/cluster-adapter and @socket.io/sticky shows
// it. Run by cluster.test.ts; the primary prints the port once the workers know each other.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { createAdapter, setupPrimary } from "@socket.io/cluster-adapter";
import { setupMaster, setupWorker } from "@socket.io/sticky";
import type { Socket } from "socket.io";
import { loadServer, type ServerName } from "../../support/servers.js";

const WORKERS = 2;

if (cluster.isPrimary) startPrimary();
else await startWorker(process.env["SERVER"] as ServerName);

function startPrimary(): void {
  const http = createServer();
  setupMaster(http, { loadBalancingMethod: "round-robin" });
  setupPrimary();
  cluster.setupPrimary({ exec: fileURLToPath(import.meta.url), serialization: "advanced" });
  let ready = 0;
  cluster.on("message", (_worker, message) => {
    if (message !== "ready" || ++ready < WORKERS) return;
    http.listen(0, "127.0.0.1", () => {
      const address = http.address();
      console.log(typeof address === "object" && address ? address.port : address);
    });
  });
  for (let i = 0; i < WORKERS; i++) cluster.fork();
  // The test's end is the end.
  process.stdin.on("end", () => process.exit()).resume();
}

async function startWorker(name: ServerName): Promise<void> {
  const { Server } = await loadServer(name);
  const io = new Server(createServer(), { adapter: createAdapter() });
  setupWorker(io);
  io.on("pid?", (answer) => answer(process.pid));
  io.on("connection", (socket: Socket) => {
    socket.data.pid = process.pid;
    socket.on("pid", (done) => done(process.pid));
    socket.on("join", (room, done) => {
      socket.join(room);
      done();
    });
    socket.on("tell", (room, ...args) => void io.to(room).emit("told", ...args));
    socket.on("ask all", async (room, done) => done(await io.to(room).timeout(4000).emitWithAck("who?")));
    socket.on("sockets", async (room, done) => {
      done((await io.in(room).fetchSockets()).map(({ id, data, rooms }) => [id, data.pid, [...rooms]]));
    });
    socket.on("move", (id, room) => void io.in(id).socketsJoin(room));
    socket.on("other pids", async (done) => done(await io.serverSideEmitWithAck("pid?")));
  });
  while ((await io.of("/").adapter.serverCount()) < WORKERS) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.send?.("ready");
}
