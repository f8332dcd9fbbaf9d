import { readFile } from "node:fs/promises";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliDecompress, gzip as compress, deflate } from "node:zlib";

/**
 * Where the bundles may lie: beside the built file, or in the build output if this is the source. Asked for with the first file: in an app
 * that was bundled into CommonJS this module has no address, and there are no folders.
 */
function folders(): string[] {
  return ["./client/", "../dist/client/"].flatMap(beside);
}

function beside(path: string): string[] {
  const here: string | undefined = import.meta.url;
  return here !== undefined && URL.canParse(here) ? [fileURLToPath(new URL(path, here))] : [];
}

/** For a URL that names the version, and so another one after each release; any other is asked for again. */
const FOR_EVER = "public, max-age=31536000, immutable";
const ASK_AGAIN = "public, max-age=0";

const BUNDLES = [
  "sockeye.js",
  "sockeye.min.js",
  "sockeye.esm.min.js",
  "sockeye.full.min.js",
  "sockeye.full.esm.min.js",
  "sockeye.websocket.esm.min.js",
  "sockeye.msgpack.min.js",
  "sockeye.legacy.min.js",
  "early.js",
];

/**
 * Everything that is answered for, by the last part of its path: our names, and those that Socket.IO's pages ask for. The package has no
 * source maps, which would double it. Their names are here so that the answer is 404, and not what the engine says.
 */
const FILES: ReadonlyMap<string, string> = new Map(
  BUNDLES.flatMap((name) => [name, `${name}.map`]).flatMap((name) => [
    [name, name],
    [name.replace("sockeye", "socket.io"), name],
  ]),
);

/** How a file can be compressed, the best first. The first is in the package, and mostly the second; what is plain is unpacked from the first. */
const CODINGS = ["br", "gzip", "deflate"] as const;
type Coding = (typeof CODINGS)[number];

interface LoadedFile {
  readonly plain: Buffer;
  readonly br: Buffer;
  readonly gzip: Buffer;
  /** Made for the first who asks for it. */
  deflate?: Promise<Buffer>;
  /** Of the file as it is. */
  readonly digest: string;
  /** The version of this package. */
  readonly version: string;
}

/** The browser bundles under the engine's path. Only the names in {@link FILES} exist; nothing else is ever opened. */
export class ClientFiles {
  readonly #loaded = new Map<string, Promise<LoadedFile>>();
  readonly #missing: (name: string) => void;

  /** @param missing told of a file that was asked for and is not there */
  constructor(missing: (name: string) => void = () => {}) {
    this.#missing = missing;
  }

  /** The file that a URL asks for, if there is one. */
  find(url: string): string | undefined {
    const query = url.indexOf("?");
    const path = query < 0 ? url : url.slice(0, query);
    return FILES.get(path.slice(path.lastIndexOf("/") + 1));
  }

  /** Answers a request for a file that {@link find} has found. */
  async serve(name: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const [status, headers, body] = await this.#answer(name, req);
    // While the file was read, a listener that was added after us may have answered.
    if (!res.headersSent) res.writeHead(status, headers).end(req.method === "HEAD" ? undefined : body);
  }

  async #answer(
    name: string,
    req: IncomingMessage,
  ): Promise<[status: number, headers: OutgoingHttpHeaders, body?: Buffer]> {
    if (req.method !== "GET" && req.method !== "HEAD") return [405, { Allow: "GET, HEAD" }];
    if (name.endsWith(".map")) return [404, {}];
    let file: LoadedFile;
    try {
      file = await this.#load(name);
    } catch {
      this.#loaded.delete(name);
      this.#missing(name);
      return [404, {}];
    }
    const coding = codingFor(String(req.headers["accept-encoding"] ?? ""));
    const etag = etagOf(file, coding);
    const headers = {
      "Cache-Control": req.url?.endsWith(`?v=${file.version}`) ? FOR_EVER : ASK_AGAIN,
      "Content-Type": "application/javascript; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
      Vary: "Accept-Encoding",
      ETag: etag,
    };
    if (hasTag(req.headers["if-none-match"], etag)) return [304, headers];
    const body = await inCoding(file, coding);
    const encoding = coding === undefined ? {} : { "Content-Encoding": coding };
    return [200, { ...headers, ...encoding, "Content-Length": body.length }, body];
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
  const read = (ending: string): Promise<Buffer> =>
    Promise.any(folders().map((folder) => readFile(`${folder}${name}${ending}`)));
  const [br, gzip, manifest] = await Promise.all([
    read(".br"),
    // Some have none: see scripts/served-files.mjs.
    read(".gz").catch(() => undefined),
    Promise.any(beside("../package.json").map((path) => readFile(path, "utf8"))),
  ]);
  const plain = await promisify(brotliDecompress)(br);
  const { version }: { version?: unknown } = JSON.parse(manifest);
  return {
    plain,
    br,
    gzip: gzip ?? (await promisify(compress)(plain, { level: 9 })),
    digest: await digest(plain),
    version: String(version),
  };
}

/** One for each coding: they differ in their bytes, and a cache must not put a part of one behind a part of another. */
function etagOf({ digest }: LoadedFile, coding: Coding | undefined): string {
  return coding === undefined ? `"${digest}"` : `"${digest}-${coding}"`;
}

/**
 * Does an `If-None-Match` header name the tag? It is `*`, or a list; weak tags count, as proxies weaken those that pass.
 *
 * @see RFC 9110, section 13.1.2
 */
export function hasTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  return header.split(",").some((each) => {
    const tag = each.trim();
    return tag === etag || tag === `W/${etag}`;
  });
}

async function inCoding(file: LoadedFile, coding: Coding | undefined): Promise<Buffer> {
  if (coding === "deflate") {
    file.deflate ??= promisify(deflate)(file.plain);
    return file.deflate;
  }
  return file[coding ?? "plain"];
}

async function digest(bytes: Buffer): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes));
  return Buffer.from(hash).toString("base64url").slice(0, 27);
}

/** The coding that `Accept-Encoding` likes best, of those that are no worse than none; if it likes several, the best one. */
function codingFor(accepted: string): Coding | undefined {
  const weights = new Map(accepted.split(",").map((each) => weightOf(each)));
  const weightOfCoding = (name: string): number => weights.get(name) ?? weights.get("*") ?? 0;
  let best: Coding | undefined;
  let most = weights.get("identity") ?? 0;
  for (const coding of CODINGS) {
    const weight = weightOfCoding(coding);
    if (weight > 0 && (best === undefined ? weight >= most : weight > most)) {
      best = coding;
      most = weight;
    }
  }
  return best;
}

/** `gzip;q=0.5` taken apart. A weight that is none counts as 0. */
function weightOf(each: string): [name: string, weight: number] {
  const [name = "", ...parameters] = each.split(";").map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith("q="));
  return [name, quality === undefined ? 1 : Number(quality.slice(2)) || 0];
}
