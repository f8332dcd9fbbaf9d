import { describe, expect, it } from "vitest";
import { isUnref, socketOptions } from "../../src/client/node/options.js";

describe("socketOptions", () => {
  it.each<[client: Record<string, unknown> | undefined, options: object]>([
    [undefined, {}],
    [{ rejectUnauthorized: undefined, ca: null, agent: undefined }, {}],
    [
      { rejectUnauthorized: false, agent: false, family: 0 },
      { rejectUnauthorized: false, agent: false, family: 0 },
    ],
    [{ ca: "pem", path: "/x", headers: {}, method: "PUT", maxPayload: 1 }, { ca: "pem" }],
  ])("of %o are %o", (client, options) => {
    expect(socketOptions(client)).toEqual(options);
    // Not even as undefined.
    expect(Object.keys(socketOptions(client)).sort()).toEqual(Object.keys(options).sort());
  });

  it("are more where more is asked for", () => {
    expect(socketOptions({ ca: "pem", origin: "o", maxPayload: null }, ["origin", "maxPayload"])).toEqual({
      ca: "pem",
      origin: "o",
    });
  });
});

it("isUnref", () => {
  expect([undefined, {}, { autoUnref: false }, { autoUnref: true }].map(isUnref)).toEqual([
    false,
    false,
    false,
    true,
  ]);
});
