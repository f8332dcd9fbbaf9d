import { expect, test } from "vitest";
import { follow } from "../client.js";
import { start } from "../server.js";

test("what was sent while the connection was broken arrives, in order, once", async () => {
  const server = await start({ port: 0, everyMs: 20 });
  const lines: string[] = [];
  const seen = (pattern: RegExp): Promise<void> =>
    expect.poll(() => lines.some((line) => pattern.test(line)), { timeout: 4000, interval: 10 }).toBe(true);
  const { breakOff, leave } = follow(server.url, (line) => lines.push(line));
  try {
    await seen(/^\d+$/);
    breakOff();
    await seen(/nothing is lost$/);
    const back = lines.findIndex((line) => line.startsWith("back"));
    await expect.poll(() => lines.length, { timeout: 4000 }).toBeGreaterThan(back + 3);
    const numbers = lines.map(Number).filter((number) => !Number.isNaN(number));
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    // It was away for more than one of them.
    expect(numbers.length).toBeGreaterThan(20);
    expect(lines.filter((line) => line.startsWith("new here"))).toHaveLength(1);
  } finally {
    leave();
    await server.close();
  }
});
