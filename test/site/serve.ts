import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const DIST: string = fileURLToPath(new URL("../../site/.vitepress/dist/", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** The file that a host of static pages gives for a path, or undefined: `/rooms` is `rooms.html`. */
export function fileOf(path: string): string | undefined {
  const clean = normalize(decodeURI(path));
  return [clean, `${clean}.html`, join(clean, "index.html")]
    .map((each) => join(DIST, each))
    .find((file) => existsSync(file) && statSync(file).isFile());
}

/** Serves the built site as a host of static pages does. */
export async function serveSite(): Promise<{ url: string; close(): void }> {
  const server = createServer((req, res) => {
    const file = fileOf(new URL(req.url ?? "/", "http://localhost").pathname);
    if (file === undefined) {
      res.writeHead(404, { "content-type": "text/html" }).end(readFileSync(join(DIST, "404.html")));
    } else {
      res
        .writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" })
        .end(readFileSync(file));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
