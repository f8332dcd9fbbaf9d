import * as v8 from "node:v8";
import { expect, it } from "vitest";
import { comesTrue } from "./real-time.js";

/** Since Node.js 20.13. Collects the garbage first. */
const { queryObjects }: { queryObjects?: typeof v8.queryObjects } = v8;

type Class = abstract new (...args: never[]) => unknown;

/** One test for each class: after all tests before it, the process holds no object of it. */
export function itHolds(nothingOf: Readonly<Record<string, Class>>): void {
  if (queryObjects === undefined) {
    console.info("Not counted in memory: this Node.js cannot ask for the objects of a class.");
    return;
  }
  const count = (type: Class): number => queryObjects(type as never) as unknown as number;
  it.each(Object.entries(nothingOf))("no %s", async (_name, type) => {
    await comesTrue(() => count(type) === 0);
    expect(count(type)).toBe(0);
  });
}
