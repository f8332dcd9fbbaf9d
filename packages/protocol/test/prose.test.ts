import { AckError, SockeyeError, TransportError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import { expect, it } from "vitest";
import { prose as web } from "../src/web/prose.js";

it("is a sentence, with what it speaks of", () => {
  expect(prose("noFrames")).toBe("no frames");
  expect(prose("noUpgrade", "$2", "$1 $&")).toBe("no upgrade to $2: $1 $&");
});

it("is nothing in bundles for browsers", () => {
  expect(web("noUpgrade", "sse", "no pong")).toBeUndefined();
});

it.each([
  new SockeyeError("ERR_HANDLED", undefined),
  new AckError("ERR_OUTBOUND_FULL", undefined),
  new TransportError("ERR_PROBE_FAILED", undefined, new Error("why")),
])("an error without a text says its code: %s", (error) => {
  expect(error.message).toBe(error.code);
});
