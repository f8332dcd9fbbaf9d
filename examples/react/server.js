// @ts-check
// A page in React that is rendered here and taken over in the browser, and the server of its events: `node server.js`, or `start()` from a test.
//
// The page is bundled when the server starts. An app of your own has a build step for that: Vite, Next.js or another.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Server } from "@sockeye/server";
import { build } from "esbuild";
import { run } from "../run.js";

const REACTIONS = ["♥", "★", "♪"];

/** @param {string} app the page as React renders it */
const pageOf = (app) => `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Show of hands</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/style.css">
  <div id="app">${app}</div>
  <script type="module" src="/main.js"></script>
</html>
`;

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const [script, { render }] = await Promise.all([bundle(), bundleForServer()]);
  const styles = ["../style.css", "page/page.css"].map((file) => readFile(new URL(file, import.meta.url)));
  const style = Buffer.concat(await Promise.all(styles));
  const http = createServer((req, res) => {
    if (req.url === "/")
      res.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(pageOf(render()));
    else if (req.url === "/style.css") res.writeHead(200, { "content-type": "text/css" }).end(style);
    else if (req.url === "/main.js") res.writeHead(200, { "content-type": "text/javascript" }).end(script);
    else res.writeHead(404).end();
  });
  const io = new Server(http, { serveClient: false });
  let reactions = 0;

  // Who is here, and what they hold up, is presence: nothing to store, nothing to tidy up.
  io.room("hands", { presence: (socket) => socket.id, authorize: () => true });
  io.on("connection", (socket) => {
    socket.on("react", (reaction) => {
      if (REACTIONS.includes(reaction)) io.emit("reaction", reaction, ++reactions);
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

/** @type {import("esbuild").BuildOptions} */
const OPTIONS = {
  bundle: true,
  format: "esm",
  jsx: "automatic",
  // Not this repository's, whose paths lead to sources.
  tsconfigRaw: {},
};

async function bundle() {
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: [fileURLToPath(new URL("./page/main.jsx", import.meta.url))],
    write: false,
    define: { "process.env.NODE_ENV": '"development"' },
  });
  return outputFiles?.[0]?.contents ?? "";
}

/** @returns {Promise<{ render(): string }>} */
async function bundleForServer() {
  const outfile = fileURLToPath(new URL("./dist/render.mjs", import.meta.url));
  const entryPoints = [fileURLToPath(new URL("./page/render.jsx", import.meta.url))];
  await build({ ...OPTIONS, entryPoints, outfile, platform: "node", packages: "external" });
  return import(outfile);
}

await run(import.meta.url, start);
