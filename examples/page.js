// @ts-check
// The page of an example: its own `page.html`, with a `page.css` if there is one, and the style that they share.
import { existsSync, readFileSync } from "node:fs";

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self'; img-src data:; connect-src 'self' ws: wss:",
  "x-content-type-options": "nosniff",
};

/**
 * @param {string} module the `import.meta.url` of whoever has a `page.html` beside it
 * @param {(html: string) => string} [edit] what is different here
 * @returns {(req: import("node:http").IncomingMessage, res: import("node:http").ServerResponse) => void} a listener for requests: what is not
 * the page gets 404
 */
export function pageBeside(module, edit = (html) => html) {
  const html = edit(readFileSync(new URL("./page.html", module), "utf8"));
  /** @type {Map<string, { readonly type: string, readonly content: Buffer }>} */
  const files = new Map([
    ["/", { type: "text/html; charset=utf-8", content: Buffer.from(html) }],
    [
      "/style.css",
      { type: "text/css; charset=utf-8", content: readFileSync(new URL("./style.css", import.meta.url)) },
    ],
  ]);
  const own = new URL("./page.css", module);
  if (existsSync(own))
    files.set("/page.css", { type: "text/css; charset=utf-8", content: readFileSync(own) });
  return (req, res) => {
    const file = files.get((req.url ?? "").split("?", 1)[0] ?? "");
    if (file === undefined) res.writeHead(404, { "content-type": "text/plain" }).end("Not found\n");
    else res.writeHead(200, { ...HEADERS, "content-type": file.type }).end(file.content);
  };
}
