import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** Where the bundles lie: beside the built file, or in the build output if this is the source. */
const FOLDERS = ["./client/", "../dist/client/"].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

const BUNDLES = [
  "sockeye.js",
  "sockeye.min.js",
  "sockeye.esm.min.js",
  "sockeye.websocket.esm.min.js",
  "sockeye.legacy.js",
  "sockeye.legacy.min.js",
];

/** Everything that is served, by the last part of its path: our names, and those that Socket.IO's pages ask for. */
const FILES: ReadonlyMap<string, string> = new Map(
  BUNDLES.flatMap((name) => [name, `${name}.map`]).flatMap((name) => [
    [name, name],
    [name.replace("sockeye", "socket.io"), name],
  ]),
);

interface LoadedFile {
  readonly plain: Buffer;
  readonly gzipped: Buffer;
  readonly etag: string;
}

/** The browser bundles under the engine's path. Only the names in {@link FILES} exist; nothing else is ever opened. */
export class ClientFiles {
  readonly #loaded = new Map<string, Promise<LoadedFile>>();

  /** The file that a URL asks for, if there is one. */
  find(url: string): string | undefined {
    const query = url.indexOf("?");
    const path = query < 0 ? url : url.slice(0, query);
    return FILES.get(path.slice(path.lastIndexOf("/") + 1));
  }

  /** Answers a request for a file that {@link find} has found. */
  async serve(name: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== "GET" && req.method !== "HEAD") {
      res.writeHead(405, { Allow: "GET, HEAD" }).end();
      return;
    }
    let file: LoadedFile;
    try {
      file = await this.#load(name);
    } catch {
      this.#loaded.delete(name);
      res.writeHead(404).end();
      return;
    }
    const headers = {
      "Cache-Control": "public, max-age=0",
      "Content-Type": `${name.endsWith(".map") ? "application/json" : "application/javascript"}; charset=utf-8`,
      "X-Content-Type-Options": "nosniff",
      Vary: "Accept-Encoding",
      ETag: file.etag,
    };
    if (req.headers["if-none-match"] === file.etag) {
      res.writeHead(304, headers).end();
      return;
    }
    const zipped = acceptsGzip(req);
    const body = zipped ? file.gzipped : file.plain;
    res.writeHead(200, {
      ...headers,
      ...(zipped ? { "Content-Encoding": "gzip" } : {}),
      "Content-Length": body.length,
    });
    res.end(req.method === "HEAD" ? undefined : body);
  }

  #load(name: string): Promise<LoadedFile> {
    let loading = this.#loaded.get(name);
    if (!loading) {
      loading = load(name);
      this.#loaded.set(name, loading);
    }
    return loading;
  }
}

async function load(name: string): Promise<LoadedFile> {
  const [first, second] = FOLDERS;
  const plain = await readFile(`${first}${name}`).catch(() => readFile(`${second}${name}`));
  const gzipped = await promisify(gzip)(plain);
  return { plain, gzipped, etag: `"${await digest(plain)}"` };
}

async function digest(bytes: Buffer): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes));
  return Buffer.from(hash).toString("base64url").slice(0, 27);
}

/** Is `gzip` named, and not by `q=0`? */
function acceptsGzip(req: IncomingMessage): boolean {
  const accepted = req.headers["accept-encoding"] ?? "";
  return String(accepted)
    .split(",")
    .some((each) => {
      const [name, quality] = each.split(";");
      return name?.trim() === "gzip" && !/^\s*q=0(\.0*)?\s*$/.test(quality ?? "");
    });
}
