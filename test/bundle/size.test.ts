import { expect, it } from "vitest";
import { APPS, measure } from "../../scripts/bundle-size.mjs";

/**
 * Bytes after gzip. `recorded` is what an app pays today, rounded up: lower it when something was won, raise it only with a
 * reason. `target` is where it should come to. `node scripts/bundle-size.mjs --modules` shows what weighs what.
 */
const LIMITS: Record<keyof typeof APPS, { readonly recorded: number; readonly target: number }> = {
  "websocket-only": { recorded: 20_800, target: 6000 },
  // 1,900 of them are the transports that may be named but are not used unless named.
  "modern default": { recorded: 29_400, target: 9000 },
  // Files with all that they export. socket.io.esm.min.js of Socket.IO has 13,100.
  "served: websocket-only": { recorded: 19_200, target: 6000 },
  "served: modern default": { recorded: 28_600, target: 9000 },
  "served: script": { recorded: 28_800, target: 9000 },
  // In ECMAScript 5, and with shims for what that lacks.
  "legacy, in ES5": { recorded: 36_200, target: 16_000 },
};

it.each(Object.entries(LIMITS))("%s weighs no more than recorded: %o", async (name, { recorded }) => {
  const { gzip } = await measure(APPS[name as keyof typeof APPS]);
  expect(gzip).toBeLessThanOrEqual(recorded);
  // Otherwise the record says nothing any more.
  expect(gzip).toBeGreaterThan(recorded - 500);
});

it.each<[keyof typeof APPS, RegExp[]]>([
  ["modern default", [/lean\//, /codec\/src\/depth/]],
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
    /resend-budget/,
    /overflow/,
    /wheel/,
    /engine.io-parser/,
    /error-table/,
    /transport\/src\/server/,
    /client\/node/,
    /eio3/,
    /msgpack/,
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
