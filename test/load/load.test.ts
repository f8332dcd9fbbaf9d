// The small size of `npm run load`, which counts what arrives and what is left, and measures nothing.
import { expect, it } from "vitest";
import { broadcast, crowd } from "./suite.mjs";

it("a crowd talks, loses its connections all at once, comes back and leaves: nothing is missing, nothing is left", async () => {
  const each = { websocket: 150, polling: 30, stream: 6, sse: 6 };
  const times = { seconds: 2, broadcastMs: 300, roomMs: 10 };
  // Whoever went without being noticed is missed soon.
  const server = { pingInterval: 2000, pingTimeout: 8000 };
  const told = await crowd({ server, crowd: each, processes: 2, rooms: 5, perSecond: 600, ...times });
  expect(told.faults).toEqual({});
  for (const what of ["echoes", "acks", "joins", "broadcasts", "roomEvents", "reconnects"] as const) {
    expect(told.counts[what], what).toBeGreaterThan(0);
  }
}, 120_000);

it("a broadcast reaches all that read, in whatever company", async () => {
  const told = await broadcast({ readers: 50, deaf: 3, count: 50, everyMs: 5, bytes: 2000 });
  expect([told.received, told.sockets]).toEqual([told.expected, 53]);
  expect(told.mostBuffered).toBeGreaterThan(told.maxOutboundBytes / 2);
  expect(told.mostBuffered).toBeLessThan(told.maxOutboundBytes + 25_000);
}, 120_000);
