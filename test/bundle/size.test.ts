import { expect, it, vi } from "vitest";
import { APPS, bundled, measure } from "../../scripts/bundle-size.mjs";

// Each bundle goes through several tools.
vi.setConfig({ testTimeout: 120_000 });

/**
 * Bytes after gzip. `recorded` is what an app pays today, rounded up: lower it when something was won, raise it only with a
 * reason: the last was ADR 40, with 190 bytes. `target` is where it should come to. `node scripts/bundle-size.mjs --modules` shows what weighs what.
 */
const LIMITS: Record<keyof typeof APPS, { readonly recorded: number; readonly target: number }> = {
  "websocket-only": { recorded: 16_340, target: 6000 },
  "modern default": { recorded: 23_210, target: 9000 },
  // Files with all that they export. socket.io.esm.min.js of Socket.IO has 13,100.
  "served: websocket-only": { recorded: 15_490, target: 6000 },
  "served: modern default": { recorded: 24_760, target: 9000 },
  "served: script": { recorded: 24_980, target: 9000 },
  // With calls, rooms, streams and uploads.
  "served: full": { recorded: 31_070, target: 15_000 },
  // In ECMAScript 5, and with shims for what that lacks.
  "legacy, in ES5": { recorded: 29_100, target: 16_000 },
};

it.each(Object.entries(LIMITS))("%s weighs no more than recorded: %o", async (name, { recorded }) => {
  const { gzip } = await measure(APPS[name as keyof typeof APPS]);
  expect(gzip).toBeLessThanOrEqual(recorded);
  // Otherwise the record says nothing any more.
  expect(gzip).toBeGreaterThan(recorded - 500);
});

it.each<[keyof typeof APPS, RegExp[]]>([
  ["modern default", [/lean\//, /codec\/src\/depth/, /client\/(stream|sse)\.ts/]],
  [
    "websocket-only",
    [
      /client\/polling/,
      /http-request/,
      /parser-codec/,
      /client-upgrade/,
      /codec\/src\/depth/,
      /retry-queue/,
      /engine-socket/,
      /blobs/,
    ],
  ],
  ["legacy, in ES5", [/http-request/]],
])("%s holds nothing of a server, no prose of errors, and not what it did without", async (name, absent) => {
  const { modules } = await measure(APPS[name]);
  const paths = modules.filter(({ bytes }) => bytes > 0).map(({ path }) => path);
  expect(paths).toContain("packages/transport/src/client/websocket.ts");
  const never = [
    /server-end/,
    /server-upgrade/,
    /server-outgoing/,
    /replay-buffer/,
    /resend-budget/,
    /overflow/,
    /wheel/,
    /codec\/src\/(text|text-codec|validate|payload|envelope|slots|attachments|packet-from|parser-codec|bytes)\.ts/,
    /engine.io-parser/,
    /eventemitter3/,
    /error-table/,
    /transport\/src\/server/,
    /client\/node/,
    /eio3/,
    /msgpack/,
    ...(name === "served: full"
      ? [/contract\/src\/(end|intake|schema|describe)/, /rooms\/src\/(rooms|room-log)/]
      : [/packages\/(contract|rooms)\//]),
    ...absent,
  ];
  expect(paths.filter((path) => never.some((pattern) => pattern.test(path)))).toEqual([]);
});

it("an app that names a class on the lean client has that transport, and none that it did not name", async () => {
  const { modules } = await measure({
    contents: `import { io } from "@sockeye/client/websocket"; import { StreamTransport } from "@sockeye/client";
    io("", { transports: [StreamTransport] });`,
  });
  const paths = modules.filter(({ bytes }) => bytes > 0).map(({ path }) => path);
  expect(paths).toContain("packages/transport/src/client/stream.ts");
  expect(paths.filter((path) => /client\/(polling|sse)|session\/src\/upgrade/.test(path))).toEqual([]);
});

it.each(["stream", "sse"])(
  "an app's bundle says that %s is a class to import, and a served file has it",
  async (name) => {
    const served = await bundled(APPS["served: modern default"]);
    const app = await bundled({ contents: `export { io } from "@sockeye/client";` });
    const dialled = async ({ code }: { code: string }): Promise<unknown> => {
      const { io } = await import(
        /* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`
      );
      return io("http://server.test", { transports: [name], autoConnect: false });
    };
    await expect(dialled(served)).resolves.toHaveProperty("nsp", "/");
    await expect(dialled(app)).rejects.toMatchObject({ code: "ERR_BAD_OPTION", message: "ERR_BAD_OPTION" });
  },
);

it.each([
  [
    "calls",
    "contract",
    `.call("x")`,
    /contract\/src\/calling\.ts/,
    /contract\/src\/(end|intake|schema|describe)/,
  ],
  [
    "streams",
    "contract",
    `.stream("x")`,
    /streams\/consumer\.ts/,
    /contract\/src\/(end|intake|schema|describe|calling|streams\/(run|production|kept|stream-table|socket-streams))/,
  ],
  [
    "uploads",
    "contract",
    `.upload("x", "y")`,
    /streams\/outgoing-upload\.ts/,
    /contract\/src\/(end|intake|schema|describe|calling|streams\/(run|production|kept|stream-table|socket-streams|consumer|upload-body|incoming-upload))/,
  ],
  [
    "rooms",
    "rooms",
    `.room("x").join()`,
    /rooms\/src\/client\/membership\.ts/,
    /rooms\/src\/(rooms|room-|rule|presence-list)/,
  ],
])(
  "an app that names %s has them, and nothing of the server's; one that does not has none",
  async (name, from, use, has, never) => {
    const named = `import { io } from "@sockeye/client/websocket"; import { ${name} } from "@sockeye/${from}/client";`;
    const pathsOf = async (contents: string): Promise<string[]> => {
      const { modules } = await measure({ contents });
      return modules.filter(({ bytes }) => bytes > 0).map(({ path }) => path);
    };
    const paths = await pathsOf(`${named} io("", { extend: [${name}] })${use};`);
    expect(paths.filter((path) => has.test(path))).toHaveLength(1);
    expect(paths.filter((path) => never.test(path))).toEqual([]);
    const unused = await pathsOf(`${named} io();`);
    expect(unused.filter((path) => path.includes(`packages/${from}/`))).toEqual([]);
  },
);

it("the hooks for React add less than 2 KB to an app that has the client and its extensions", async () => {
  const app = `import { io } from "@sockeye/client"; import { calls, streams } from "@sockeye/contract/client";
    import { rooms } from "@sockeye/rooms/client"; import { createHooks } from "@sockeye/react";
    const options = { extend: [calls, streams, rooms] };`;
  const without = await measure({ contents: `${app} export const socket = io("", options);` });
  const { gzip, modules } = await measure({
    contents: `${app} export const hooks = createHooks(io, options);`,
  });
  expect(modules.some(({ path, bytes }) => path === "packages/react/src/hooks.ts" && bytes > 0)).toBe(true);
  expect(gzip - without.gzip).toBeLessThan(2048);
  expect(gzip - without.gzip).toBeGreaterThan(1024);
});
