// One node of a trial with recovery: test/faults/nodes/recovery.ts forks it, as a worker of Node's cluster. Runs on the built packages.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { makeBus } from "./bus.mjs";

const { NODE_NAME: name } = process.env;
const tell = (message) => process.connected && process.send(message);

const http = createServer();
const io = new Server(http, {
  cluster: { bus: makeBus(process.env, true), name: "faults", node: name },
  connectionStateRecovery: { maxPackets: 100_000 },
  pingInterval: 2000,
  pingTimeout: 3000,
  resume: { windowMs: 5000 },
  transports: ["polling", "websocket"],
});
io.cluster.on("gap", () => tell({ gap: Date.now() }));
io.on("error", (error) => tell({ error: String(error?.code ?? error) }));

/** Of each key, how much was said. */
const counts = new Map();
const say = (to, key) => {
  const n = (counts.get(key) ?? 0) + 1;
  counts.set(key, n);
  to.emit("down", key, n, Date.now());
};
/** Of clients whose record was written. */
const clients = new Set();

io.on("connection", async (socket) => {
  const { client: number } = socket.handshake.auth;
  const room = `client ${number}`;
  socket.on("up", (n, answer) => {
    tell({ client: number, up: n });
    answer?.(n);
  });
  // With an acknowledgement it does not go through the log: it is known here alone.
  socket.emit("here", name, () => {});
  const interval = setInterval(() => say(socket, `${name} to socket ${number}`), 50);
  socket.on("disconnect", () => clearInterval(interval));
  if (socket.recovered) {
    if (socket.data?.client !== number || !socket.rooms.has("all") || !socket.rooms.has(room))
      tell({ violation: `client ${number} is recovered without its rooms or data at ${name}` });
  } else {
    socket.join(["all", room]);
    socket.data = { client: number };
    await socket.save().catch((error) => tell({ unsaved: error.code }));
  }
  clients.add(number);
});

setInterval(() => {
  say(io.to("all"), name);
  for (const number of clients) say(io.to(`client ${number}`), `${name} to client ${number}`);
}, 50);

process.on("message", async ({ id, count, stop }) => {
  if (stop) {
    await io.close({ drain: { deadlineMs: 1000 } });
    process.exit();
  }
  if (count) tell({ answered: id, value: await io.count().catch((error) => error.code) });
});
process.once("disconnect", () => process.exit());

await io.cluster.ready;
http.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () => tell({ port: http.address().port }));
