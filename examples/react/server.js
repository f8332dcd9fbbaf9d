// @ts-check
// A page in React, and the server of its events: `node server.js`, or `start()` from a test.
//
// The page is bundled when the server starts. An app of your own has a build step for that: Vite, Next.js or another.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Server } from "@sockeye/server";
import { build } from "esbuild";
import { run } from "../run.js";

const PAGE = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Everybody counts</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/style.css">
  <div id="app"></div>
  <script type="module" src="/main.js"></script>
</html>
`;

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const script = await bundle();
  const style = await readFile(new URL("../style.css", import.meta.url));
  const http = createServer((req, res) => {
    if (req.url === "/") res.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(PAGE);
    else if (req.url === "/style.css") res.writeHead(200, { "content-type": "text/css" }).end(style);
    else if (req.url === "/main.js") res.writeHead(200, { "content-type": "text/javascript" }).end(script);
    else res.writeHead(404).end();
  });
  const io = new Server(http, { serveClient: false });
  let count = 0;

  io.on("connection", (socket) => {
    socket.emit("count", count);
    socket.on("add", (step) => {
      if (step !== 1) return;
      count += step;
      io.emit("count", count);
    });
  });

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return {
    url: `http://localhost:${address.port}`,
    /** How many are connected. */
    people: () => io.of("/").sockets.size,
    close: () => io.close({ drain: true }),
  };
}

async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("./page/main.jsx", import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    // Not this repository's, whose paths lead to sources.
    tsconfigRaw: {},
    define: { "process.env.NODE_ENV": '"development"' },
  });
  return outputFiles[0]?.contents ?? "";
}

await run(import.meta.url, start);
