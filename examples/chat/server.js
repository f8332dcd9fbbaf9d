// @ts-check
// The chat's server: `node server.js`, or `start()` from a test.
import { realpathSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Server } from "@sockeye/server";
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

async function main() {
  const wanted = process.env["PORT"] || "3000";
  const port = Number(wanted);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT is "${wanted}"; it must be a number from 0 to 65535`);
  }
  const chat = await start({ port });
  console.log(`Chat on ${chat.url}`);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    // A second signal hurries it.
    process.on(signal, () => void chat.close().then(() => process.exit(0)));
  }
}

/**
 * @param {unknown} error
 * @returns {string} One line that says what to do.
 */
function explain(error) {
  if (!(error instanceof Error)) return String(error);
  const { code, port } = /** @type {{ code?: string, port?: number } & Error} */ (error);
  if (code === "EADDRINUSE")
    return `port ${port} is in use; choose another one: PORT=${Number(port) + 1} npm start`;
  if (code === "EACCES") return `port ${port} is not allowed; choose another one: PORT=3000 npm start`;
  return error.message;
}

const program = process.argv[1];
if (program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`Chat did not start: ${explain(error)}`);
    process.exit(1);
  });
}
