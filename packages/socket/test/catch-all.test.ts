import { REPORT } from "@sockeye/protocol";
import { CatchAll, type Listener } from "@sockeye/socket";
import { describe, expect, it } from "vitest";

const silent = { [REPORT]: (): void => {} };

function logging(): { log: string[]; a: Listener; b: Listener; c: Listener } {
  const log: string[] = [];
  const named = (name: string): Listener =>
    ((...args: unknown[]) => log.push([name, ...args].join(" "))) as Listener;
  return { log, a: named("a"), b: named("b"), c: named("c") };
}

describe("CatchAll", () => {
  const ROWS: readonly {
    name: string;
    act: (all: CatchAll, l: Record<"a" | "b" | "c", Listener>) => void;
    order: string;
  }[] = [
    {
      name: "add",
      act: (all, { a, b }) => {
        all.add(a);
        all.add(b);
      },
      order: "ab",
    },
    {
      name: "prepend",
      act: (all, { a, b }) => {
        all.add(a);
        all.prepend(b);
      },
      order: "ba",
    },
    {
      name: "remove one",
      act: (all, { a, b }) => {
        all.add(a);
        all.add(b);
        all.remove(a);
      },
      order: "b",
    },
    {
      name: "remove one of two equal ones",
      act: (all, { a, b }) => {
        all.add(a);
        all.add(b);
        all.add(a);
        all.remove(a);
      },
      order: "ba",
    },
    {
      name: "remove a stranger",
      act: (all, { a, c }) => {
        all.add(a);
        all.remove(c);
      },
      order: "a",
    },
    {
      name: "remove all",
      act: (all, { a, b }) => {
        all.add(a);
        all.add(b);
        all.remove();
      },
      order: "",
    },
  ];

  it.each(ROWS)("$name", ({ act, order }) => {
    const { log, ...listeners } = logging();
    const all = new CatchAll();
    act(all, listeners);
    all.run(silent, ["event", 1]);
    expect(log).toEqual([...order].map((name) => `${name} event 1`));
    expect(all.list()).toHaveLength(order.length);
  });

  it("gives out a copy of its list", () => {
    const { a } = logging();
    const all = new CatchAll();
    all.add(a);
    all.list().pop();
    expect(all.list()).toEqual([a]);
  });

  it("goes through a snapshot: a listener may take itself off", () => {
    const { log, a } = logging();
    const all = new CatchAll();
    const own = (() => all.remove(own)) as Listener;
    all.add(own);
    all.add(a);
    all.run(silent, ["x"]);
    all.run(silent, ["x"]);
    expect(log).toEqual(["a x", "a x"]);
    expect(all.list()).toEqual([a]);
  });

  it("reports what a listener throws, with the event's name, and calls the others", () => {
    const { log, a } = logging();
    const boom = new Error("boom");
    const reported: unknown[] = [];
    const all = new CatchAll();
    all.add(() => {
      throw boom;
    });
    all.add(a);
    all.run({ [REPORT]: (...args: unknown[]) => reported.push(args) }, ["save", 1]);
    expect(reported).toEqual([[boom, "save"]]);
    expect(log).toEqual(["a save 1"]);
  });
});

it("takes off nothing for a listener that is undefined by mistake", () => {
  const all = new CatchAll();
  all.add(() => {});
  all.remove(undefined as never);
  expect(all.list()).toHaveLength(1);
  all.remove();
  expect(all.list()).toEqual([]);
});
