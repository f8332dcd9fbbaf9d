// One node of a trial with rooms that remember: test/faults/nodes/rooms.ts forks it, as a worker of Node's cluster. Runs on the built packages.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { makeBus } from "./bus.mjs";

const { NODE_NAME: name, RECOVERY } = process.env;
const tell = (message) => process.connected && process.send(message);

const http = createServer();
const io = new Server(http, {
  cluster: { bus: makeBus(process.env, true), name: "faults", node: name },
  ...(RECOVERY === "true" && { connectionStateRecovery: { maxPackets: 100_000 } }),
  pingInterval: 2000,
  pingTimeout: 3000,
  resume: { windowMs: 5000 },
  transports: ["polling", "websocket"],
});
let isStopping = false;
// What the app says while its server closes may be too late, and it is told so.
io.on("error", (error) => isStopping || tell({ error: String(error?.code ?? error) }));

const rule = {
  presence: (socket) => socket.handshake.auth.person,
  authorize: (socket) => typeof socket.handshake.auth.person === "string",
  expose: { sse: true, authorize: () => true },
};
// One that has all, and one in which whoever is away for a while misses something.
const ROOMS = { "doc:1": { count: 20_000, bytes: 60_000_000 }, "small:1": { count: 12 } };
for (const [room, keep] of Object.entries(ROOMS)) io.room(room, { ...rule, keep: { ...keep, age: "1h" } });

const counts = { "doc:1": 0, "small:1": 0 };
const say = (room) => io.to(room).emit("said", name, counts[room]++);
const talk = [setInterval(() => say("doc:1"), 100), setInterval(() => say("small:1"), 300)];

/** What this node has of a room, and who is there. */
async function look(room) {
  const handle = io.room(room);
  await handle.open();
  return { position: handle.position, events: handle.history({ limit: 500 }), there: handle.presence() };
}

process.on("message", async ({ id, look: room, hush, stop }) => {
  if (stop) {
    isStopping = true;
    await io.close({ drain: { deadlineMs: 1000 } });
    process.exit();
  }
  if (hush) for (const timer of talk) clearInterval(timer);
  if (room !== undefined) tell({ answered: id, value: await look(room).catch(({ code }) => ({ code })) });
});
process.once("disconnect", () => process.exit());

await io.cluster.ready;
http.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () => tell({ port: http.address().port }));
