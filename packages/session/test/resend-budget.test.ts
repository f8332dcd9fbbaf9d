import { manualClock } from "@sockeye/conformance";
import { EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { ResendBudget } from "../src/resend-budget.js";

const MIB = 1_048_576;

/** Keeps about so many bytes that were handed to a transport. */
function keeping(bytes: number, terms = { window: 30_000, bytes: MIB }) {
  const clock = manualClock();
  const resent = new ResendBudget(terms, clock);
  resent.retain([new EncodedPacket(`4${"x".repeat(bytes)}`)]);
  resent.takeUnsent();
  /** What a claim that acknowledges nothing sends again. */
  const claim = (count = 0): number => {
    resent.rewind(count);
    resent.comeBack();
    return resent.takeUnsent().reduce((sum, { head }) => sum + head.length, 0);
  };
  return { clock, resent, claim };
}

describe("what is sent again", () => {
  it("is bounded, however often the client comes back", () => {
    const { claim, resent } = keeping(1_000_000);
    let bytes = 0;
    for (let n = 0; n < 1000; n++) bytes += claim();
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(4 * MIB);
    expect(resent.putOff).toBe(true);
    expect(resent.full).toBe(true);
  });

  it.each([10, 100, 1000, 100_000])(
    "is a budget of bytes: small messages of %i may come back often",
    (bytes) => {
      const { claim } = keeping(bytes);
      let times = 0;
      while (claim() > 0 && times < 100_000) times++;
      expect(times).toBeGreaterThanOrEqual(Math.floor((4 * MIB) / (bytes + 200)));
    },
  );

  it("waits for the time that it costs, and then leaves", () => {
    const { clock, claim, resent } = keeping(1_000_000);
    while (claim() > 0);
    const waitMs = resent.comeBack();
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(10_000);
    clock.advance(waitMs);
    resent.resume();
    expect(resent.takeUnsent()).toHaveLength(1);
    expect(claim()).toBe(0);
  });

  it("is let through again as time passes, to one claim each ten seconds", () => {
    const { clock, claim } = keeping(1_000_000);
    while (claim() > 0);
    let bytes = 0;
    for (let n = 0; n < 600; n++) {
      clock.advance(100);
      bytes += claim();
    }
    expect(bytes).toBeGreaterThan(5_000_000);
    expect(bytes).toBeLessThanOrEqual(6 * MIB);
  });

  it("costs nothing if the client has received it: one that gets on is never put off", () => {
    const { resent } = keeping(1);
    for (let n = 1; n <= 500; n++) {
      resent.retain([new EncodedPacket(`4${"x".repeat(900_000)}`)]);
      resent.takeUnsent();
      resent.rewind(n);
      expect(resent.comeBack()).toBe(0);
    }
  });

  it("does not put off a message that is larger than all that may be kept", () => {
    const { claim } = keeping(900_000, { window: 30_000, bytes: 1000 });
    expect([claim() > 0, claim() > 0, claim() > 0]).toEqual([true, true, true]);
  });

  it("leaves heartbeats and terms alone", () => {
    const { claim, resent } = keeping(1_000_000);
    while (claim() > 0);
    resent.control(new EncodedPacket("2"));
    expect(resent.takeUnsent().map(({ head }) => head)).toEqual(["2"]);
    expect(resent.takeUnsent()).toEqual([]);
  });
});
