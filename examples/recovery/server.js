// @ts-check
// A feed that misses nothing when the connection breaks for a while: `node server.js`, or `start()` from a test.
//
// The server keeps what it has sent for two minutes. A client that comes back within that time has the same id, the same rooms and
// the same data, and gets what it missed. One that comes back later begins anew: that case remains, and is handled here too.
import { once } from "node:events";
import { Server } from "@sockeye/server";
import { run } from "../run.js";

/** @param {{ port?: number, everyMs?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000, everyMs = 1000 } = {}) {
  const io = new Server(port, {
    cors: { origin: "*" },
    connectionStateRecovery: { maxDisconnectionDuration: 2 * 60_000 },
  });
  let count = 0;

  io.on("connection", (socket) => {
    // Recovered: rooms and data are there, and the numbers that were missed are under way already.
    if (socket.recovered) return;
    socket.join("readers");
    socket.emit("state", count);
  });

  const timer = setInterval(() => {
    count += 1;
    io.to("readers").emit("number", count);
  }, everyMs);

  if (!io.httpServer.listening) await once(io.httpServer, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (io.httpServer.address());
  return {
    url: `http://localhost:${address.port}`,
    async close() {
      clearInterval(timer);
      await io.close({ drain: true });
    },
  };
}

await run(
  import.meta.url,
  start,
  (url) => `${url} is ready. It has no page: run "node client.js" in a second terminal.`,
);
