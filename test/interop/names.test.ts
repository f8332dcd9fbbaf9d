import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";

// What apps import, by npm's alias or with the name changed: each path that Socket.IO's packages export, and each name.

const require = createRequire(import.meta.url);

/** Paths that are not there, each for a reason that docs/migrating.md gives. */
const NO_PATHS: readonly string[] = ["./dist/socket.io.js.map"];

it.each([
  ["socket.io-client", "@sockeye/client"],
  ["socket.io", "@sockeye/server"],
])("what %s exports can be resolved in %s, and the files of its pages", (stock, own) => {
  const { exports } = require(`${stock}/package.json`) as { exports: Record<string, unknown> };
  const files = ["min.js", "esm.min.js", "msgpack.min.js"].map((end) => `./dist/socket.io.${end}`);
  const paths = [...Object.keys(exports), ...(stock === "socket.io" ? [] : files)];
  const missing = paths.filter((path) => {
    try {
      return readFileSync(require.resolve(`${own}${path.slice(1)}`)).length === 0;
    } catch {
      return true;
    }
  });
  expect(missing).toEqual(stock === "socket.io" ? [] : NO_PATHS);
});

it("socket.io-client/debug is the client", async () => {
  const path = "@sockeye/client/debug";
  expect(((await import(path)) as { io: unknown }).io).toBe((await import("@sockeye/client")).io);
  expect(require(path)).toBe(require("@sockeye/client"));
});

describe("names", () => {
  const ENGINE = ["Transport", "parser", "transports", "uServer"];
  const CLIENT_ENGINE = ["Transport", "installTimerFunctions", "nextTick", "parse", "transports"];

  it.each<[stock: string, own: string, missing: readonly string[]]>([
    ["socket.io", "@sockeye/server", []],
    ["socket.io-client", "@sockeye/client", []],
    ["engine.io", "@sockeye/server/engine", ENGINE],
    ["engine.io-client", "@sockeye/client/engine", CLIENT_ENGINE],
  ])("all of %s are in %s, but those that differences.md has", async (stock, own, missing) => {
    const parent = stock.startsWith("engine")
      ? createRequire(require.resolve(stock.replace("engine", "socket")))
      : require;
    const theirs = Object.keys((await import(parent.resolve(stock))) as object);
    const ours = (await import(own)) as object;
    const named = theirs.filter((name) => !/^(default|module\.exports|__esModule)$/.test(name));
    expect(named.filter((name) => !(name in ours)).sort()).toEqual(missing);
  });
});
