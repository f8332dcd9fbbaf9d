// Three workers of Node's cluster on one port, which it deals out connection by connection: no worker is sticky. Tells its parent the port.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { processBus, relay } from "@sockeye/bus-process";
import { Server } from "@sockeye/server";

const WORKERS = 3;

if (cluster.isPrimary) {
  relay();
  for (let n = 0; n < WORKERS; n++) cluster.fork();
  let ready = 0;
  cluster.on("message", (_worker, message) => {
    if (message?.port === undefined) return;
    if (++ready === WORKERS) process.send?.({ port: message.port, workers: Object.keys(cluster.workers) });
  });
  process.on("message", ({ kill }) => cluster.workers[kill]?.process.kill("SIGKILL"));
  process.on("disconnect", () => process.exit());
} else {
  const http = createServer((_req, res) => res.setHeader("connection", "close").end());
  const io = new Server(http, {
    cluster: { bus: processBus(), name: "workers", node: `worker ${cluster.worker.id}` },
    transports: ["polling", "websocket"],
  });
  io.on("connection", (socket) => {
    socket.join("everybody");
    socket.on("where", (answer) => answer(cluster.worker.id));
    socket.on("say", (text) => io.to("everybody").emit("said", text));
    socket.on("count", async (answer) => answer(await io.in("everybody").count()));
    socket.on("nodes", (answer) => answer(io.cluster.nodes().length));
  });
  await io.cluster.ready;
  http.listen(0, "127.0.0.1", () => process.send({ port: http.address().port }));
}
