import { describe, expect, it } from "vitest";
import { fuzz, play, type Vector } from "./run.js";
import { check, type Meter, type Target, target } from "./target.js";

// A fuzzer that finds nothing may be one that cannot.

const kept: unknown[] = [];

/** Harmless but for inputs that end in 77. */
const MISTAKES: readonly (readonly [name: string, message: RegExp, harm: (meter: Meter) => unknown])[] = [
  ["an error", /array length/, () => new Array(-1)],
  ["a broken promise", /more than one/, () => check(false, "more than one")],
  ["an error behind its back", /unhandled/, () => void Promise.reject(new Error("unhandled"))],
  ["a hang", /ms of the processor/, (meter) => meter.time(() => spin(120))],
];

function spin(ms: number): void {
  const before = process.cpuUsage();
  let spent = 0;
  while (spent < ms * 1000) {
    const { user, system } = process.cpuUsage(before);
    spent = user + system;
  }
}

function mistaken(harm: (meter: Meter) => unknown): Target {
  return target<number>({
    name: "mistaken",
    cases: 1,
    generate: (random) => random.below(100),
    run: async (input, meter) => {
      if (input === 77) harm(meter);
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
}

describe("a run of the fuzzer", () => {
  it.each(MISTAKES)("finds %s, keeps it, and finds it again by its seed", async (_name, message, harm) => {
    const found: Vector[] = [];
    const isSpent = (cases: number): boolean => cases === 10_000;
    const wrong = mistaken(harm);
    await expect(fuzz(wrong, { seed: 5, isSpent, keep: (vector) => found.push(vector) })).rejects.toThrow(
      message,
    );
    const [vector] = found;
    expect(vector).toMatchObject({ name: expect.stringMatching(message), input: 77 });
    const again = fuzz(wrong, { seed: vector?.seed ?? 0, isSpent: (cases) => cases === 1, keep: () => {} });
    await expect(again).rejects.toThrow(message);
    await expect(play(wrong, 76)).resolves.toBeUndefined();
  });

  it("finds what is left behind", async () => {
    const leaking = mistaken(() => {});
    const run = async (): Promise<void> => void kept.push(Buffer.alloc(20_000));
    const isSpent = (cases: number): boolean => cases === 2_000;
    const budget = { seed: 1, isSpent, keep: () => {} };
    await expect(fuzz({ ...leaking, run }, budget)).rejects.toThrow(/left behind/);
    kept.length = 0;
    await expect(
      fuzz(
        mistaken(() => {}),
        budget,
      ),
    ).resolves.toBe(2_000);
  });
});
