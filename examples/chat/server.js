// @ts-check
// The chat's server: `node server.js`, or `start()` from a test.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { run } from "../run.js";
import { serveFile } from "./files.js";
import { openRoom } from "./room.js";

/**
 * Starts the chat.
 *
 * @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000.
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>} Rejects if it cannot listen there.
 */
export async function start({ port = 3000 } = {}) {
  const http = createServer(serveFile);
  const io = new Server(http, {
    // A chat message is short; nobody needs to send us a megabyte.
    maxHttpBufferSize: 64 * 1024,
    // All that the page lets one choose. The last is not on offer unless it is named.
    transports: ["polling", "websocket", "stream", "sse", "iframe", "jsonp"],
  });
  openRoom(io);
  await listen(http, port);
  const address = http.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://localhost:${bound}`,
    port: bound,
    // Everybody is sent to the next process, or the next server, once their receipts are there.
    close: () => io.close({ drain: true }),
  };
}

/**
 * @param {import("node:http").Server} http
 * @param {number} port
 * @returns {Promise<void>}
 */
function listen(http, port) {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, () => {
      http.off("error", reject);
      resolve();
    });
  });
}

await run(import.meta.url, start, (url) => `Chat on ${url}`);
