import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SerialQueue } from "../src/serial-queue.js";

const never = (error: unknown): void => {
  throw error;
};

describe("a turnstile", () => {
  test("lets pass at once while answers come at once", () => {
    const turnstile = new SerialQueue();
    const passed: number[] = [];
    for (const each of [1, 2, 3]) {
      turnstile.enter(
        () => each,
        (answer) => passed.push(answer),
        never,
      );
    }
    expect(passed).toEqual([1, 2, 3]);
  });

  test("keeps the order, whichever answers are slow, and whichever fail", async () => {
    const kinds = fc.array(fc.constantFrom("now", "later", "much later", "throws", "rejects"));
    await fc.assert(
      fc.asyncProperty(kinds, async (list) => {
        const turnstile = new SerialQueue();
        const seen: number[] = [];
        const ask = (kind: string): Promise<unknown> | unknown => {
          if (kind === "throws") throw new Error(kind);
          if (kind === "rejects") return Promise.reject(new Error(kind));
          if (kind === "now") return kind;
          return new Promise((resolve) =>
            (kind === "later" ? queueMicrotask : setImmediate)(() => resolve(kind)),
          );
        };
        await Promise.all(
          list.map(
            (kind, index) =>
              new Promise<void>((resolve) => {
                const note = (): void => {
                  seen.push(index);
                  resolve();
                };
                turnstile.enter(() => ask(kind), note, note);
              }),
          ),
        );
        expect(seen).toEqual(list.map((_, index) => index));
      }),
    );
  });

  test("is full at some time, and empties", async () => {
    const turnstile = new SerialQueue();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let passed = 0;
    const enter = (): boolean =>
      turnstile.enter(
        () => gate,
        () => void passed++,
        never,
      );
    const let_in = Array.from({ length: 1500 }, enter).filter(Boolean).length;
    expect(let_in).toBe(1000);
    open();
    await new Promise<void>((resolve) => turnstileEmpty(resolve));
    expect(enter()).toBe(true);

    function turnstileEmpty(done: () => void): void {
      if (passed === 1000) setImmediate(done);
      else setImmediate(() => turnstileEmpty(done));
    }
  });
});
