// @ts-check
// One node. server.js starts it.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { processBus } from "@sockeye/bus-process";
import { redis } from "@sockeye/bus-redis";
import { Server } from "@sockeye/server";
import { createClient } from "redis";

const { NODE_NAME: name = "node", REDIS_URL: url } = process.env;

/** @type {ReadonlyMap<string, { readonly name: string, readonly type: string }>} */
const files = new Map([
  ["/", { name: "index.html", type: "text/html; charset=utf-8" }],
  ["/main.js", { name: "main.js", type: "text/javascript; charset=utf-8" }],
]);

const http = createServer(serveFile);
const bus = url === undefined ? processBus() : redis(createClient({ url }));
const io = new Server(http, { cluster: { bus, name: "example", node: name }, maxHttpBufferSize: 10_000 });

io.on("connection", (socket) => {
  socket.emit("node", name);
  socket.emit("nodes", names());
  socket.on("say", (text) => {
    if (typeof text === "string") io.emit("said", { text: text.slice(0, 200), from: name });
  });
  // For the sake of the example: a node dies, and says nothing to anybody.
  socket.on("kill", () => process.kill(process.pid, "SIGKILL"));
});

const changes = /** @type {const} */ ([
  "node:joined",
  "node:left",
  "node:suspected",
  "node:lost",
  "node:returned",
]);
for (const change of changes) io.cluster.on(change, () => io.local.emit("nodes", names()));

function names() {
  const live = io.cluster.nodes().filter(({ state }) => state === "up");
  return [...new Set(live.map((node) => node.name))].sort();
}

/**
 * @param {import("node:http").IncomingMessage} req
 * @param {import("node:http").ServerResponse} res
 */
function serveFile(req, res) {
  const file = files.get((req.url ?? "").split("?", 1)[0] ?? "");
  if (file === undefined) {
    res.writeHead(404, { "content-type": "text/plain" }).end("Not found\n");
    return;
  }
  readFile(new URL(`./public/${file.name}`, import.meta.url)).then(
    (content) => res.writeHead(200, { "content-type": file.type }).end(content),
    () => res.writeHead(500, { "content-type": "text/plain" }).end("The file cannot be read\n"),
  );
}

// The primary wants the end, or is gone.
process.once("disconnect", () => void io.close().then(() => process.exit(0)));

await io.cluster.ready;
// `exclusive`: this port is this node's, and not one that the primary deals out.
http.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () => {
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  process.send?.({ port: address.port });
});
