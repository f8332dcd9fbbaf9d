import { expect, it, vi } from "vitest";
import { APPS, bundled, measure } from "../../scripts/bundle-size.mjs";

// Each bundle goes through several tools.
vi.setConfig({ testTimeout: 120_000 });

/**
 * Bytes after gzip. `recorded` is what an app pays today, rounded up: lower it when something was won, raise it only with a
 * reason. `target` is where it should come to. `node scripts/bundle-size.mjs --modules` shows what weighs what.
 */
const LIMITS: Record<keyof typeof APPS, { readonly recorded: number; readonly target: number }> = {
  "websocket-only": { recorded: 17_550, target: 6000 },
  "modern default": { recorded: 23_600, target: 9000 },
  // Files with all that they export. socket.io.esm.min.js of Socket.IO has 13,100.
  "served: websocket-only": { recorded: 16_750, target: 6000 },
  "served: modern default": { recorded: 25_200, target: 9000 },
  "served: script": { recorded: 25_450, target: 9000 },
  // In ECMAScript 5, and with shims for what that lacks.
  "legacy, in ES5": { recorded: 30_600, target: 16_000 },
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
    /packages\/contract\//,
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
    await expect(dialled(app)).rejects.toMatchObject({ code: "ERR_BAD_OPTION" });
  },
);

it("an app that names calls has them, and no checks; one that does not has neither", async () => {
  const { modules } = await measure({
    contents: `import { io } from "@sockeye/client/websocket"; import { calls } from "@sockeye/contract/client";
    io("", { extend: [calls] }).call("x");`,
  });
  const paths = modules.filter(({ bytes }) => bytes > 0).map(({ path }) => path);
  expect(paths).toContain("packages/contract/src/calling.ts");
  expect(paths.filter((path) => /contract\/src\/(end|intake|schema|describe)/.test(path))).toEqual([]);
  const unused = await measure({
    contents: `import { io } from "@sockeye/client/websocket"; import { calls } from "@sockeye/contract/client"; io();`,
  });
  const kept = unused.modules.filter(({ path, bytes }) => bytes > 0 && /packages\/contract\//.test(path));
  expect(kept).toEqual([]);
});
