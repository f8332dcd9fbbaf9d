import { CLIENT_DISCONNECT } from "@sockeye/protocol";
import { expect, it } from "vitest";

it("a client reconnects by itself unless one of the two ends has ended it on purpose", () => {
  const reconnects = Object.entries(CLIENT_DISCONNECT).filter(([, { reconnect }]) => reconnect);
  expect(reconnects.map(([reason]) => reason)).toEqual([
    "ping timeout",
    "transport close",
    "transport error",
    "parse error",
  ]);
  expect(Object.keys(CLIENT_DISCONNECT)).toHaveLength(7);
});
