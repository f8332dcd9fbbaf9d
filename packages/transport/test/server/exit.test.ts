import { expect, it, vi } from "vitest";
import { onExit } from "../../src/client/node/exit.js";

it("calls all back when the process exits, by one listener that goes with the last of them", () => {
  const before = process.listenerCount("exit");
  const [one, two] = [vi.fn(), vi.fn()];
  const [offOne, offTwo] = [onExit(one), onExit(two)];
  expect(process.listenerCount("exit")).toBe(before + 1);
  offOne();
  offOne();
  (process.listeners("exit").at(-1) as () => void)();
  expect([one.mock.calls.length, two.mock.calls.length]).toEqual([0, 1]);
  offTwo();
  expect(process.listenerCount("exit")).toBe(before);
  onExit(one)();
  expect(process.listenerCount("exit")).toBe(before);
});
