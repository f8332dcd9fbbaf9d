import { EncodedPacket } from "@sockeye/protocol";
import { type MemoryPair, memoryPair } from "@sockeye/transport/memory";
import { describe, expect, it } from "vitest";
import { INTERVAL_MS, type Talk, TIMEOUT_MS, talk } from "./talk.js";

// The client's end of revision 3 does not exist here: the test writes what it would write.

const SILENCE_MS = INTERVAL_MS + TIMEOUT_MS;
/** How late the timer wheel may be. */
const LATE_MS = 50;

interface Stage extends Talk {
  readonly pair: MemoryPair;
  readonly got: unknown[];
}

function begin(): Stage {
  const both = talk({ pings: "client" });
  const pair = memoryPair({ clock: both.clock, record: true });
  const got: unknown[] = [];
  pair.a.bind({
    frame: (_from, frame) => got.push(frame),
    writable: () => {},
    ended: (_from, how) => got.push(how),
  });
  both.server.session.start(pair.b);
  both.clock.flush();
  got.length = 0;
  return { ...both, pair, got };
}

function write({ pair, clock }: Stage, frame: string): void {
  pair.a.send([new EncodedPacket(frame)]);
  clock.flush();
}

describe("a server whose client pings", () => {
  it("never pings", () => {
    const stage = begin();
    stage.clock.advance(SILENCE_MS - 1);
    expect(stage.got).toEqual([]);
  });

  it("answers each ping at once, and lives as long as they come", () => {
    const stage = begin();
    for (let round = 0; round < 10; round++) {
      stage.clock.advance(SILENCE_MS - 1);
      write(stage, "2");
    }
    expect(stage.got).toEqual(Array.from({ length: 10 }, () => "3"));
    expect(stage.server.endings).toEqual([]);
  });

  it("gives up after both times without a packet", () => {
    const stage = begin();
    write(stage, "2");
    stage.clock.advance(SILENCE_MS - 1);
    expect(stage.server.endings).toEqual([]);
    stage.clock.advance(LATE_MS + 1);
    expect(stage.server.endings).toMatchObject([{ reason: "ping timeout" }]);
    expect(stage.ended).toEqual(["sid"]);
    expect(stage.clock.pendingTimers).toBe(0);
  });

  it("takes any packet for a sign of life", () => {
    const stage = begin();
    stage.clock.advance(SILENCE_MS - 1);
    write(stage, '42["n",1]');
    stage.clock.advance(SILENCE_MS - 1);
    expect(stage.server.endings).toEqual([]);
    stage.clock.advance(SILENCE_MS);
    expect(stage.server.endings).toMatchObject([{ reason: "ping timeout" }]);
  });

  it("ends with a client that sends a PONG", () => {
    const stage = begin();
    write(stage, "3");
    expect(stage.server.endings).toMatchObject([
      { reason: "parse error", cause: { code: "ERR_PROTOCOL_VIOLATION" } },
    ]);
  });
});
