// One node of a cluster over Redis, with recovery. It says its port, and does what its parent tells it.
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { redis } from "@sockeye/bus-redis";
import { Server } from "@sockeye/server";
import { createClient } from "redis";

const [, , redisPort, name] = process.argv;
const bus = redis(createClient({ socket: { host: "127.0.0.1", port: Number(redisPort) } }));
const http = createServer();
const io = new Server(http, {
  cluster: { bus, name: "killed", node: name },
  connectionStateRecovery: {},
  resume: false,
});
io.on("connection", async (socket) => {
  if (socket.recovered) return;
  await socket.join("all");
  socket.data = { from: name };
  await socket.save();
  socket.emit("kept");
});
io.on("connection", (socket) => {
  socket.on("who", (answer) => answer(name, socket.data, [...socket.rooms].sort()));
});

io.stream("count", { keep: "10m", owner: () => "all" }, async function* () {
  for (let n = 1; ; n++) {
    yield [name, n];
    await setTimeout(10);
  }
});

let sent = 0;
process.on("message", (message) => {
  if (message !== "traffic") return;
  setInterval(() => io.to("all").emit("n", ++sent), 5);
});

http.listen(0, "127.0.0.1", async () => {
  await io.cluster.ready;
  process.send({ port: http.address().port });
});
