import { expect, it } from "vitest";
import { APPS, measure } from "../../scripts/bundle-size.mjs";

// Bytes after gzip. `recorded` is what the client weighs today, rounded up to a tenth of a kilobyte: lower it when something was won,
// raise it only with a reason. `target` is where it should come to. `node scripts/bundle-size.mjs --modules` shows what weighs what.
const LIMITS: Record<keyof typeof APPS, { readonly recorded: number; readonly target: number }> = {
  "websocket-only": { recorded: 15_500, target: 6000 },
  "modern default": { recorded: 16_800, target: 9000 },
};

it.each(Object.entries(LIMITS))("%s weighs no more than recorded: %o", async (name, { recorded }) => {
  const { gzip } = await measure(APPS[name as keyof typeof APPS]);
  expect(gzip).toBeLessThanOrEqual(recorded);
  // Otherwise the record says nothing any more.
  expect(gzip).toBeGreaterThan(recorded - 500);
});

it("an app that names WebSocket alone gets neither polling nor what only a server needs", async () => {
  const { modules } = await measure(APPS["websocket-only"]);
  const paths = modules.filter(({ bytes }) => bytes > 0).map(({ path }) => path);
  expect(paths).toContain("packages/transport/src/web/websocket.ts");
  for (const absent of [
    /web\/polling/,
    /http-request/,
    /server-acts/,
    /error-table/,
    /transport\/src\/node/,
    /v3/,
  ]) {
    expect(paths.filter((path) => absent.test(path))).toEqual([]);
  }
});
