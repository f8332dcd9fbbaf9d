// One node of a trial of several: test/faults/nodes/trial.ts forks it, as a worker of Node's cluster. Runs on the built packages.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { makeBus } from "./bus.mjs";

const { NODE_NAME: name, LISTEN } = process.env;
const tell = (message) => process.connected && process.send(message);

const http = createServer();
const io = new Server(http, {
  cluster: {
    ...{ bus: makeBus(process.env), name: "faults", node: name },
    ...(LISTEN === "false" && { listen: false }),
  },
  allowEIO3: true,
  pingInterval: 2000,
  pingTimeout: 3000,
  resume: { windowMs: 5000 },
  transports: ["polling", "websocket", "stream"],
});

/** Sessions that have been here: a request of one that is over is refused, and rightly. */
const known = new Set();
io.engine.on("connection", ({ id }) => known.add(id));
io.engine.on("connection_error", ({ code, req }) => {
  const sid = new URL(req.url, "http://x").searchParams.get("sid") ?? "";
  if (code === 1 && !known.has(sid)) tell({ unknown: sid.slice(-4) });
});
io.cluster.on("gap", () => tell({ gap: true }));
io.on("error", (error) => tell({ error: String(error?.code ?? error) }));

io.on("connection", (socket) => {
  const { client: number } = { ...socket.handshake.query, ...socket.handshake.auth };
  socket.join(`room ${number % 2}`);
  socket.emit("here", name);
  let last;
  socket.on("up", (n, answer) => {
    if (last !== undefined && n !== last + 1)
      tell({ violation: `client ${number}: ${n} after ${last} at ${name}` });
    last = n;
    answer(n);
  });
});

const counts = { all: 0, "room 0": 0, "room 1": 0 };
setInterval(() => {
  for (const room of Object.keys(counts)) {
    const to = room === "all" ? io : io.to(room);
    to.emit("down", `${name}/${room}`, counts[room]++);
  }
}, 100);

process.on("message", async ({ count, stop }) => {
  if (stop) {
    await io.close({ drain: { deadlineMs: 1000 } });
    process.exit();
  }
  if (count === undefined) return;
  const began = performance.now();
  const sockets = await io.count().catch((error) => error.code);
  tell({ counted: count, sockets, ms: performance.now() - began });
});
process.once("disconnect", () => process.exit());

await io.cluster.ready;
http.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () => {
  tell({ port: http.address().port });
});
