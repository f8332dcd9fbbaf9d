// @ts-check
// Takes large files: `node server.js`, or `start()` from a test.
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Server } from "@sockeye/server";
import { pageBeside } from "../page.js";
import { run } from "../run.js";

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const http = createServer(pageBeside(import.meta.url));
  const io = new Server(http);
  const folder = await mkdtemp(join(tmpdir(), "upload-"));
  /** Raw connections, for the button that cuts them. @type {Set<import("node:net").Socket>} */
  const wires = new Set();
  http.on("connection", (wire) => {
    wires.add(wire);
    wire.on("close", () => wires.delete(wire));
  });

  // Each browser has a key that nobody else knows. A real app takes the id of its user.
  const owner = (/** @type {import("@sockeye/server").Socket} */ { handshake }) => {
    const { key } = handshake.auth;
    return typeof key === "string" && key.length > 30 ? key : undefined;
  };

  io.upload("file", { maxBytes: 2e9, keep: "10m", owner }, async (file, { signal }) => {
    // A name of our own: the client's is a stranger's text.
    const path = join(folder, randomUUID());
    const hash = createHash("sha256");
    async function* hashed() {
      for await (const bytes of file) {
        hash.update(bytes);
        yield bytes;
      }
    }
    try {
      await pipeline(hashed, createWriteStream(path), { signal });
      return { bytes: file.received, sha256: hash.digest("hex") };
    } finally {
      // This is an example: a real app keeps it.
      await rm(path, { force: true });
    }
  });

  // So that you see it go on: cuts every connection to this server, as a tunnel or a change of networks does.
  io.on("connection", (socket) => {
    socket.on("cut", () => {
      for (const wire of wires) wire.destroy();
    });
  });

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return {
    url: `http://localhost:${address.port}`,
    close: async () => {
      await io.close({ drain: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

await run(import.meta.url, start);
