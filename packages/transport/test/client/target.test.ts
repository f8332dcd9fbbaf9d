import { EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { addressOf, type Target } from "../../src/client/target.js";
import { target } from "./target-of.js";

const parametersOf = (address: string): Record<string, string> =>
  Object.fromEntries(new URL(address).searchParams);

describe("addressOf", () => {
  const plain = { EIO: "4", transport: "polling" };
  const rows: [what: string, changes: Partial<Target>, expected: Record<string, string>][] = [
    ["the engine's parameters", {}, plain],
    ["the session", { sid: "abc" }, { ...plain, sid: "abc" }],
    ["the user's parameters", { query: { token: "a b&c=d/ž" } }, { ...plain, token: "a b&c=d/ž" }],
    ["base64", { forceBase64: true }, { ...plain, b64: "1" }],
    [
      "the engine's parameters, whatever the user says",
      { query: { EIO: "3", transport: "jsonp", sid: "stolen", j: "0", x: "1" } },
      { ...plain, x: "1" },
    ],
    ["an offer to count, in the handshake", { offersResume: true }, { ...plain, resume: "offer" }],
    ["no offer later", { offersResume: true, sid: "abc" }, { ...plain, sid: "abc" }],
    [
      "a claim, and never the secret",
      {
        sid: "abc",
        claim: new EncodedPacket('0{"secret":"s"}'),
        counted: { requests: 3 },
        offersResume: true,
      },
      { ...plain, sid: "abc", resume: "claim" },
    ],
    [
      "its own session id, whatever the user says",
      { sid: "abc", query: { sid: "x" } },
      { ...plain, sid: "abc" },
    ],
  ];
  it.each(rows)("writes %s", (_what, changes, expected) => {
    expect(parametersOf(addressOf(target(changes), "polling", false))).toEqual(expected);
  });

  it("numbers requests, which then say no more than that", () => {
    const changes = { sid: "abc", claim: new EncodedPacket("0{}"), counted: { requests: 3 } };
    const address = addressOf(target(changes), "polling", false, 7);
    expect(parametersOf(address)).toEqual({ ...plain, sid: "abc", n: "7" });
  });

  it("starts with the path, on IPv6 hosts too", () => {
    const url = "http://[::1]:3000/socket.io/";
    expect(addressOf(target({ url }), "polling", false)).toBe(`${url}?EIO=4&transport=polling`);
  });

  const stamps: [timestampRequests: boolean | undefined, stamp: boolean, expected: boolean][] = [
    [undefined, true, true],
    [undefined, false, false],
    [true, false, true],
    [false, true, false],
  ];
  it.each(stamps)("timestampRequests %s, by itself %s: stamped %s", (timestampRequests, stamp, expected) => {
    const address = addressOf(target({ timestampRequests, timestampParam: "ts" }), "polling", stamp);
    expect("ts" in parametersOf(address)).toBe(expected);
  });

  it("never writes the same stamp twice", () => {
    const stampsSeen = Array.from(
      { length: 1000 },
      () => parametersOf(addressOf(target(), "polling", true))["t"],
    );
    expect(new Set(stampsSeen).size).toBe(1000);
    expect(stampsSeen).not.toContain("");
  });
});
