import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/wait.js";

// One app in TypeScript, written against Socket.IO. Compiled and run as it stands, and with its imports changed.

const FILES = ["events", "server", "client", "snippets"];
const IMPORTS: ReadonlyArray<readonly [before: string, after: string]> = [
  ["socket.io", "@sockeye/server"],
  ["socket.io-client", "@sockeye/client"],
];

/** What must not compile, on either. */
const PROBE = `import { Server } from "socket.io";\nnew Server<{ a: () => void }>().emit("b");\n`;
const PROBED = /^dist\/probe[^ ]*\(2,.*Argument of type '"b"' is not assignable to parameter of type '"a"'/;

const app = new URL("./typed-app/", import.meta.url);
/** Ignored by everything else in the repository, as built files are. */
const dist = new URL("dist/", app);
const manifest = createRequire(import.meta.url).resolve("typescript/package.json");

interface Server {
  start(): Promise<{
    readonly url: string;
    readonly seen: string[];
    inspect(): string;
    rooms(): string[];
    names(): Promise<string[]>;
    close(): Promise<void>;
  }>;
}
interface Client {
  visit(url: string, meanwhile: () => Promise<void>): Promise<Record<string, unknown>>;
  refused(url: string): Promise<string>;
}

beforeAll(() => {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  for (const name of FILES) {
    const source = readFileSync(new URL(`${name}.ts`, app), "utf8");
    writeFileSync(new URL(`${name}.ts`, dist), moved(source));
  }
  writeFileSync(new URL("probe-socket.io.ts", dist), PROBE);
  writeFileSync(new URL("probe-sockeye.ts", dist), moved(PROBE));
});

afterAll(() => rmSync(dist, { recursive: true, force: true }));

/** The source with other imports, and nothing else changed. */
function moved(source: string): string {
  return IMPORTS.reduce(
    (text, [before, after]) =>
      text
        .replaceAll(`from "${before}"`, `from "${after}"`)
        .replaceAll(`module "${before}"`, `module "${after}"`),
    source,
  );
}

/** What the compiler says of the app, under the strict settings of this repository. */
function compile(title: string, folder: string): Promise<string[]> {
  const config = fileURLToPath(new URL(`${title}.json`, dist));
  writeFileSync(
    config,
    JSON.stringify({
      extends: "../../../../tsconfig.json",
      include: [],
      files: [...FILES.map((name) => `${folder}/${name}.ts`), `probe-${title}.ts`],
    }),
  );
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: { tsc: string } };
  const tsc = fileURLToPath(new URL(bin.tsc, pathToFileURL(manifest)));
  return new Promise((resolve) => {
    const cwd = fileURLToPath(app);
    execFile(
      process.execPath,
      [tsc, "-p", config, "--pretty", "false"],
      { cwd },
      (_error, stdout, stderr) => {
        // Whether our own sources are right is asked by the type check of the repository.
        const ofOurs = /^(?: |(?:\.\.\/)+packages\/)/;
        resolve(`${stdout}\n${stderr}`.split("\n").filter((line) => line !== "" && !ofOurs.test(line)));
      },
    );
  });
}

describe.each([
  ["socket.io", "..", app],
  ["sockeye", ".", dist],
])("a typed app on %s", (title, folder, place) => {
  test("compiles", async () => {
    // The one complaint shows that the compiler does look at these types.
    expect(await compile(title, folder)).toEqual([expect.stringMatching(PROBED)]);
  });

  test("runs", async () => {
    const server = (await import(/* @vite-ignore */ new URL("server.ts", place).href)) as Server;
    const client = (await import(/* @vite-ignore */ new URL("client.ts", place).href)) as Client;
    const shop = await server.start();
    try {
      let inside: unknown[] = [];
      const visited = await client.visit(shop.url, async () => {
        inside = [shop.inspect(), shop.rooms(), await shop.names()];
      });
      expect(visited).toEqual({
        events: ["hello", "photo 3", "soup is ready, true", "hello", "no answer"],
        reply: { ok: true, value: { id: 1, item: "soup", state: "open" } },
        total: 1,
        late: { ok: true, value: { id: 2, item: "bread", state: "open" } },
        left: "io server disconnect",
      });
      expect(inside).toEqual(["1 sockets, 2 clients", ["order:1", "order:2", "watchers"], ["Ann true"]]);
      expect(await client.refused(shop.url)).toBe("who are you? NO_USER");
      await until(
        () => shop.seen.includes("forced close") || shop.seen.includes("server namespace disconnect"),
        "the end",
      );
      expect(shop.seen).toEqual(
        expect.arrayContaining([
          "request typed",
          "room order:1",
          "upgraded to websocket",
          "order:add: too long",
        ]),
      );
    } finally {
      await shop.close();
    }
  });
});
