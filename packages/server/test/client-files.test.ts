import { createHash } from "node:crypto";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { http as request } from "../../../test/support/rawsocket.js";
import manifest from "../package.json" with { type: "json" };
import { ClientFiles } from "../src/client-files.js";
import { serve } from "./site.js";

const files = new ClientFiles();

describe("names of client files", () => {
  it.each([
    ["/socket.io/socket.io.js", "sockeye.js"],
    ["/socket.io/socket.io.min.js", "sockeye.min.js"],
    ["/socket.io/socket.io.min.js?v=1", "sockeye.min.js"],
    ["/socket.io/socket.io.esm.min.js", "sockeye.esm.min.js"],
    ["/socket.io/socket.io.esm.min.js.map", "sockeye.esm.min.js.map"],
    ["/socket.io/socket.io.msgpack.min.js", "sockeye.msgpack.min.js"],
    ["/socket.io/sockeye.min.js", "sockeye.min.js"],
    ["/socket.io/early.js", "early.js"],
    ["/chat/early.js?lean", "early.js"],
  ])("%s", (url, name) => {
    expect(files.find(url)).toBe(name);
  });

  it.each([
    "/socket.io/",
    "/socket.io/?x=/socket.io.js",
    "/socket.io/other.js",
    "/socket.io/socket.io.js/",
    "/socket.io/..%2fpackage.json",
    "/socket.io/../package.json",
    "/socket.io/..\\package.json",
    "/socket.io/%2e%2e%2fsockeye.js",
    "/socket.io/socket.io.js%00.txt",
    "/socket.io/SOCKET.IO.JS",
    "/socket.io/xsocket.io.js",
    "/socket.io/constructor",
    "/socket.io/__proto__",
    "",
  ])("none is %j", (url) => {
    expect(files.find(url)).toBeUndefined();
  });
});

// The bundles come from the build; without them a stand-in lies where the build puts them.
describe("serving client files", () => {
  const folder = fileURLToPath(new URL("../dist/client/", import.meta.url));
  const file = `${folder}sockeye.esm.min.js`;
  let made = false;
  beforeAll(async () => {
    if (await stat(file).catch(() => undefined)) return;
    await mkdir(folder, { recursive: true });
    await writeFile(file, "export {};");
    made = true;
  });
  afterAll(() => (made ? rm(file) : undefined));

  const target = "/socket.io/socket.io.esm.min.js";

  it.each(["GET", "POST"])(
    "is harmless where a listener that came later answers first: %s",
    async (method) => {
      const site = await serve();
      // What fails after that ends the process, or the test.
      site.http.on("request", (_req, res) => {
        if (!res.headersSent) res.writeHead(404).end();
      });
      const answers = await Promise.all([1, 2].map(() => request(site.port, { method, target })));
      expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    },
  );

  it("gives the file, with its kind, its tag and no guessing", async () => {
    const { port } = await serve();
    const answer = await request(port, { target });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      "content-type": "application/javascript; charset=utf-8",
      "cache-control": "public, max-age=0",
      "x-content-type-options": "nosniff",
      vary: "Accept-Encoding",
      "content-length": String(Buffer.byteLength(answer.body)),
    });
    expect(answer.headers["etag"]).toBe(
      `"${createHash("sha256").update(answer.body).digest("base64url").slice(0, 27)}"`,
    );
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect(answer.body).not.toContain("sourceMappingURL");
  });

  it.each(["socket.io.js.map", "socket.io.min.js.map", "sockeye.legacy.min.js.map"])(
    "has no source map: %s",
    async (name) => {
      const { port } = await serve();
      expect((await request(port, { target: `/socket.io/${name}` })).status).toBe(404);
    },
  );

  it("is kept for ever under its own version, and under no other name", async () => {
    const { port } = await serve();
    const kept = async (query: string) =>
      (await request(port, { target: target + query })).headers["cache-control"];
    expect(await kept(`?v=${manifest.version}`)).toBe("public, max-age=31536000, immutable");
    for (const other of ["", "?v=", "?v=0", `?w=${manifest.version}`, `?v=${manifest.version}0`]) {
      expect(await kept(other)).toBe("public, max-age=0");
    }
  });

  it("gives only the head to HEAD", async () => {
    const { url } = await serve();
    const whole = await fetch(url + target, { headers: { "accept-encoding": "identity" } });
    const head = await fetch(url + target, { method: "HEAD", headers: { "accept-encoding": "identity" } });
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe(whole.headers.get("content-length"));
    expect(await head.text()).toBe("");
    await whole.text();
  });

  it("says 304 to who has it", async () => {
    const { port } = await serve();
    const { headers } = await request(port, { target });
    const again = await request(port, { target, headers: { "If-None-Match": headers["etag"] as string } });
    expect([again.status, again.body, again.headers["etag"]]).toEqual([304, "", headers["etag"]]);
    const other = await request(port, { target, headers: { "If-None-Match": '"other"' } });
    expect(other.status).toBe(200);
  });

  it("has a tag for each coding, and knows it in every form", { timeout: 60_000 }, async () => {
    const { port } = await serve();
    const ask = (headers: Record<string, string>, method = "GET") =>
      request(port, { target, headers, method });
    const codings = ["identity", "br", "gzip", "deflate"];
    const tags: string[] = [];
    for (const coding of codings) {
      const { headers, status } = await ask({ "Accept-Encoding": coding }, "HEAD");
      expect([status, headers["vary"]]).toEqual([200, "Accept-Encoding"]);
      tags.push(headers["etag"] as string);
    }
    expect(new Set(tags).size).toBe(codings.length);
    for (const [index, coding] of codings.entries()) {
      const tag = tags[index] as string;
      const others = tags.filter((other) => other !== tag);
      for (const known of [
        tag,
        `W/${tag}`,
        `"a", ${tag}`,
        `"a",W/${tag} , "b"`,
        [...others, tag].join(", "),
        "*",
        " * ",
      ]) {
        const answer = await ask({ "Accept-Encoding": coding, "If-None-Match": known });
        expect([known, answer.status, answer.headers["etag"], answer.headers["vary"]]).toEqual([
          known,
          304,
          tag,
          "Accept-Encoding",
        ]);
      }
      for (const unknown of [
        others.join(", "),
        tag.slice(1, -1),
        `${tag}x`,
        "",
        '"*"',
        "W/*",
        tag.toLowerCase().replace(/"/g, "'"),
      ]) {
        const answer = await ask({ "Accept-Encoding": coding, "If-None-Match": unknown }, "HEAD");
        expect([unknown, answer.status, answer.headers["etag"]]).toEqual([unknown, 200, tag]);
      }
    }
  });

  const plainOf = { br: brotliDecompressSync, gzip: gunzipSync, deflate: inflateSync };
  it.each<[string, keyof typeof plainOf | undefined]>([
    ["gzip", "gzip"],
    ["deflate", "deflate"],
    ["gzip, deflate, br", "br"],
    ["gzip, deflate, br, zstd", "br"],
    ["br;q=0.5, gzip", "gzip"],
    ["deflate, gzip;q=0.5", "deflate"],
    ["GZIP ; Q=0.8", "gzip"],
    ["*", "br"],
    ["*, br;q=0", "gzip"],
    ["gzip;q=0", undefined],
    ["gzip;q=0.0", undefined],
    ["gzip;q=", undefined],
    ["identity, gzip;q=0.5", undefined],
    ["identity", undefined],
    ["xgzip", undefined],
    ["", undefined],
  ])("compresses if asked to: Accept-Encoding %j", async (accepted, coding) => {
    const { url, port } = await serve();
    const plain = await (await fetch(url + target)).text();
    for (const _again of [1, 2]) {
      const raw = await rawBody(port, accepted);
      expect(raw.encoding).toBe(coding);
      expect((coding ? plainOf[coding](raw.body) : raw.body).toString()).toBe(plain);
    }
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("refuses %s", async (method) => {
    const { port } = await serve();
    const answer = await request(port, { method, target });
    expect([answer.status, answer.headers["allow"]]).toEqual([405, "GET, HEAD"]);
  });

  it("tells other origins what the cors option says", async () => {
    const origin = "https://app.example";
    const { port } = await serve({ cors: { origin } });
    const answer = await request(port, { target, headers: { Origin: origin } });
    expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([200, origin]);
    const asked = await request(port, {
      method: "OPTIONS",
      target,
      headers: { Origin: origin, "Access-Control-Request-Method": "GET" },
    });
    expect([asked.status, asked.headers["access-control-allow-origin"]]).toEqual([204, origin]);
    const closed = await serve();
    const none = await request(closed.port, { target, headers: { Origin: origin } });
    // Pages may load scripts from anywhere, whoever may connect.
    expect([none.status, none.headers["access-control-allow-origin"]]).toEqual([200, undefined]);
  });

  it("serves nothing if told so; the engine answers", async () => {
    const { port } = await serve({ serveClient: false });
    expect((await request(port, { target })).status).toBe(400);
  });

  it("follows the path option", async () => {
    const { port } = await serve({ path: "/own" });
    expect((await request(port, { target: "/own/socket.io.esm.min.js" })).status).toBe(200);
  });

  it.each(["..%2f..%2fpackage.json", "../../package.json", "socket.io.js/../../../package.json"])(
    "opens nothing else: %s",
    async (name) => {
      const { port } = await serve();
      const answer = await request(port, { target: `/socket.io/${name}` });
      expect(answer.status).toBe(400);
      expect(answer.body).not.toContain("version");
    },
  );
});

it("says 404 for a bundle that was not built", async () => {
  const server = createServer((req, res) => void files.serve("sockeye.nowhere.js", req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  expect((await request(port, { target: "/" })).status).toBe(404);
  server.close();
});

async function rawBody(
  port: number,
  accepted: string,
): Promise<{ body: Buffer; encoding: string | undefined }> {
  const { get } = await import("node:http");
  return new Promise((resolve, reject) => {
    get(
      { port, path: "/socket.io/socket.io.esm.min.js", headers: { "Accept-Encoding": accepted } },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("end", () =>
          resolve({ body: Buffer.concat(chunks), encoding: res.headers["content-encoding"] }),
        );
      },
    ).on("error", reject);
  });
}
