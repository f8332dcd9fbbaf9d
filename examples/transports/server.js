// @ts-check
// A page that shows all transports side by side: `node server.js`, or `start()` from a test.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { run } from "../run.js";
import { Traffic } from "./traffic.js";

/**
 * @typedef {object} FromClient
 * @property {(reply: unknown) => void} look `reply` is called with the `Totals` of the connection.
 */

/** @type {ReadonlyMap<string, { readonly name: string, readonly type: string }>} */
const files = new Map([
  ["/", { name: "index.html", type: "text/html; charset=utf-8" }],
  ["/style.css", { name: "style.css", type: "text/css; charset=utf-8" }],
  ["/keep.js", { name: "keep.js", type: "text/javascript; charset=utf-8" }],
  ["/main.js", { name: "main.js", type: "text/javascript; charset=utf-8" }],
  ["/favicon.svg", { name: "favicon.svg", type: "image/svg+xml" }],
]);

const HEADERS = {
  // Of these, `frame-src` is for the iframes of `iframe` and `jsonp`, `form-action` for the forms of `jsonp`. `ws:` and `wss:`
  // are for browsers that do not take them for a part of `'self'`.
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws: wss:; " +
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  // With `no-referrer`, forms would come without an origin, and be refused.
  "referrer-policy": "same-origin",
  "cache-control": "no-cache",
};

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const http = createServer(serveFile);
  /** @type {Server<FromClient>} */
  const io = new Server(http, {
    transports: ["websocket", "polling", "stream", "sse", "iframe", "jsonp"],
    maxHttpBufferSize: 10_000,
  });
  const traffic = new Traffic(http);

  io.on("connection", (socket) => {
    socket.on("look", (reply) => {
      if (typeof reply === "function") reply(traffic.totals(socket.handshake.query["card"]));
    });
  });

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return {
    url: `http://localhost:${address.port}`,
    port: address.port,
    close: () => io.close({ drain: true }),
  };
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
    (content) => res.writeHead(200, { ...HEADERS, "content-type": file.type }).end(content),
    () => res.writeHead(500, { "content-type": "text/plain" }).end("The file cannot be read\n"),
  );
}

await run(import.meta.url, start, (url) => `Transports on ${url}`);
