// @ts-check
// A room that remembers, for clients that know nothing of Sockeye.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { run } from "../run.js";

/** @param {{ port?: number }} [options] */
export async function start({ port = 3000 } = {}) {
  const http = createServer((_req, res) => res.end("Follow the room: node client.js\n"));
  const io = new Server(http);
  io.room("lobby", {
    keep: { count: 100, age: "1h" },
    presence: (socket) => socket.handshake.auth["name"],
    authorize: (socket) => typeof socket.handshake.auth["name"] === "string",
  });
  await new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, () => resolve(undefined));
  });
  const address = http.address();
  const bound = typeof address === "object" ? address?.port : port;
  return { io, url: `http://localhost:${bound}`, close: () => io.close() };
}

await run(import.meta.url, start, (url) => `node client.js ${url} Ann`);
