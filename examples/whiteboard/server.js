// @ts-check
// A canvas on which everybody draws: `node server.js`, or `start()` from a test.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { run } from "../run.js";

/** @typedef {[fromX: number, fromY: number, toX: number, toY: number, colour: number]} Line From 0 to 1 each, but for the colour. */

/**
 * @typedef {object} FromClient
 * @property {(line: unknown) => void} draw
 * @property {() => void} clear
 */

/**
 * @typedef {object} FromServer
 * @property {(lines: Line[]) => void} board What there is, on arrival and after a `clear`.
 * @property {(line: Line) => void} draw
 */

/** How many lines are kept for those who come later; older ones are forgotten. */
const KEPT_LINES = 5000;
const COLOURS = 8;

/** @type {ReadonlyMap<string, { readonly name: string, readonly type: string }>} */
const files = new Map([
  ["/", { name: "index.html", type: "text/html; charset=utf-8" }],
  ["/main.js", { name: "main.js", type: "text/javascript; charset=utf-8" }],
]);

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const http = createServer(serveFile);
  /** @type {Server<FromClient, FromServer>} */
  const io = new Server(http, { maxHttpBufferSize: 10_000 });
  /** @type {Line[]} */
  const board = [];

  io.on("connection", (socket) => {
    socket.emit("board", board);
    socket.on("draw", (line) => {
      if (!isLine(line)) return;
      board.push(line);
      if (board.length > KEPT_LINES) board.shift();
      socket.broadcast.emit("draw", line);
    });
    socket.on("clear", () => {
      board.length = 0;
      io.emit("board", board);
    });
  });

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { url: `http://localhost:${address.port}`, close: () => io.close({ drain: true }) };
}

/**
 * @param {unknown} value
 * @returns {value is Line}
 */
function isLine(value) {
  if (!Array.isArray(value) || value.length !== 5) return false;
  const [colour, ...places] = [...value].reverse();
  return (
    Number.isInteger(colour) &&
    colour >= 0 &&
    colour < COLOURS &&
    places.every((place) => typeof place === "number" && place >= 0 && place <= 1)
  );
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

await run(import.meta.url, start, (url) => `Whiteboard on ${url}`);
