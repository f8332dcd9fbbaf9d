import { OWN_EVENTS } from "@sockeye/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { readRequest } from "../src/requests.js";

const KEYS = [
  "room",
  "since",
  "event",
  "args",
  "id",
  "before",
  "after",
  "limit",
  "set",
  "clear",
  "__proto__",
];
const VALUES = fc.oneof(
  fc.anything(),
  fc.string(),
  fc.constantFrom("last:5", "10m", "epoch.1", "x".repeat(256), true, 1e9, [], {}),
);

it("whatever strangers send is a request within its bounds, or nothing", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(OWN_EVENTS), "toString", "__proto__"),
      fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...KEYS), VALUES)),
      (event, argument) => {
        const request = readRequest(event, argument);
        if (request === undefined) return;
        expect(request.room.length).toBeGreaterThan(0);
        for (const name of ["room", "event", "id"] as const) {
          const text: unknown = (request as unknown as Record<string, unknown>)[name];
          if (text !== undefined) expect(String(text).length).toBeLessThanOrEqual(255);
        }
        if (request.kind === "history") expect(request.limit).toBeLessThanOrEqual(500);
        if (request.kind === "publish") expect(Array.isArray(request.args)).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});
