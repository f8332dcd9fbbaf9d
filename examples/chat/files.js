// @ts-check
// The chat's page and what it loads. Only the files named here are served, so no path can lead elsewhere.
import { readFile } from "node:fs/promises";

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const JS = "text/javascript; charset=utf-8";
const SVG = "image/svg+xml";

/** @type {ReadonlyMap<string, { readonly name: string, readonly type: string }>} */
const files = new Map([
  ["/", { name: "index.html", type: HTML }],
  ["/style.css", { name: "style.css", type: CSS }],
  ["/main.js", { name: "main.js", type: JS }],
  ["/log.js", { name: "log.js", type: JS }],
  ["/links.js", { name: "links.js", type: JS }],
  ["/people.js", { name: "people.js", type: JS }],
  ["/transports.js", { name: "transports.js", type: JS }],
  ["/visits.js", { name: "visits.js", type: JS }],
  ["/typing.js", { name: "typing.js", type: JS }],
  ["/favicon.svg", { name: "favicon.svg", type: SVG }],
]);

const COMMON_HEADERS = {
  // `'self'` covers the WebSocket to this server too, but Safari before 15.4 does not know that yet.
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws: wss:; " +
    // The transport `iframe` is a frame; `jsonp` submits forms in one.
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  // Without a referrer a form of `jsonp` would be from nowhere (`Origin: null`), and be refused.
  "referrer-policy": "same-origin",
  "cache-control": "no-cache",
};

/**
 * Answers one request for a file.
 *
 * @param {import("node:http").IncomingMessage} req
 * @param {import("node:http").ServerResponse} res
 */
export function serveFile(req, res) {
  if (req.method !== "GET" && req.method !== "HEAD") {
    res.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  const [path = ""] = (req.url ?? "").split("?", 1);
  const file = files.get(path);
  if (file === undefined) {
    res.writeHead(404, { "content-type": "text/plain" }).end("Not found\n");
    return;
  }
  readFile(new URL(`./public/${file.name}`, import.meta.url)).then(
    (content) => {
      const headers = { ...COMMON_HEADERS, "content-type": file.type, "content-length": content.length };
      res.writeHead(200, headers).end(req.method === "HEAD" ? undefined : content);
    },
    () => res.writeHead(500, { "content-type": "text/plain" }).end("The file cannot be read\n"),
  );
}
