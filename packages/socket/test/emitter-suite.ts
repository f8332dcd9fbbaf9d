// What the emitter does, whatever keeps its lists: emitter.test.ts and web-emitter.test.ts run it.
import { EventEmitter } from "node:events";
import { Emitter } from "@sockeye/socket";
import { describe, expect, it } from "vitest";

/** Calls the listeners as `dispatch` does: a snapshot of the list. */
function fire(emitter: Emitter<Record<string, never>>, event: string | symbol, ...args: never[]): unknown[] {
  return emitter.rawListeners(event).map((listener) => listener(...args));
}

type Log = string[];
type Names = "a" | "b" | "c";

/** What both our emitter and Node's can do. */
interface Both {
  on(event: string | symbol, listener: () => void): unknown;
  once(event: string | symbol, listener: () => void): unknown;
  prependListener(event: string | symbol, listener: () => void): unknown;
  prependOnceListener(event: string | symbol, listener: () => void): unknown;
  off(event: string | symbol, listener: () => void): unknown;
  removeAllListeners(event?: string | symbol): unknown;
}

interface Row {
  readonly name: string;
  readonly act: (emitter: Both, listeners: Record<Names, () => void>) => void;
}

const ROWS: readonly Row[] = [
  {
    name: "on, in order",
    act: (e, l) => {
      e.on("x", l.a);
      e.on("x", l.b);
    },
  },
  {
    name: "on twice with the same listener",
    act: (e, l) => {
      e.on("x", l.a);
      e.on("x", l.a);
    },
  },
  {
    name: "once",
    act: (e, l) => {
      e.once("x", l.a);
      e.on("x", l.b);
    },
  },
  {
    name: "prependListener",
    act: (e, l) => {
      e.on("x", l.a);
      e.prependListener("x", l.b);
    },
  },
  { name: "prependListener on nothing", act: (e, l) => e.prependListener("x", l.a) },
  {
    name: "prependOnceListener",
    act: (e, l) => {
      e.on("x", l.a);
      e.prependOnceListener("x", l.b);
    },
  },
  {
    name: "prepend before a once",
    act: (e, l) => {
      e.once("x", l.a);
      e.prependListener("x", l.b);
    },
  },
  {
    name: "off",
    act: (e, l) => {
      e.on("x", l.a);
      e.on("x", l.b);
      e.off("x", l.a);
    },
  },
  {
    name: "off of one of two equal ones",
    act: (e, l) => {
      e.on("x", l.a);
      e.on("x", l.a);
      e.off("x", l.a);
    },
  },
  {
    name: "off of a once",
    act: (e, l) => {
      e.once("x", l.a);
      e.on("x", l.b);
      e.off("x", l.a);
    },
  },
  {
    name: "off of a stranger",
    act: (e, l) => {
      e.on("x", l.a);
      e.off("x", l.c);
    },
  },
  { name: "off where there is none", act: (e, l) => e.off("x", l.a) },
  {
    name: "off of another event",
    act: (e, l) => {
      e.on("x", l.a);
      e.on("y", l.a);
      e.off("y", l.a);
    },
  },
  {
    name: "removeAllListeners(event)",
    act: (e, l) => {
      e.on("x", l.a);
      e.on("y", l.b);
      e.removeAllListeners("x");
    },
  },
  {
    name: "removeAllListeners()",
    act: (e, l) => {
      e.on("x", l.a);
      e.on("y", l.b);
      e.removeAllListeners();
    },
  },
];

describe("Emitter does what Node's EventEmitter does", () => {
  it.each(ROWS)("$name", ({ act }) => {
    const outcomes = [new Emitter<Record<string, never>>(), new EventEmitter()].map((emitter) => {
      const log: Log = [];
      const listeners = { a: () => log.push("a"), b: () => log.push("b"), c: () => log.push("c") };
      act(emitter as unknown as Both, listeners as unknown as Record<Names, () => void>);
      const count = emitter.listenerCount("x" as never);
      const names = [...emitter.eventNames()].sort();
      const inner = (emitter as EventEmitter)
        .listeners("x")
        .map((each) => (each === listeners.a ? "a" : "other"));
      for (let round = 0; round < 2; round++) {
        if (emitter instanceof EventEmitter) emitter.emit("x");
        else fire(emitter, "x");
        log.push("|");
      }
      return { log, count, names, inner, left: emitter.listenerCount("x" as never) };
    });
    expect(outcomes[0]).toEqual(outcomes[1]);
  });
});

describe("Emitter", () => {
  it("passes this and the arguments on, and what listeners return back", () => {
    const emitter = new Emitter<Record<string, never>>();
    const seen: unknown[] = [];
    emitter.once(
      "x" as never,
      function (this: unknown, ...args: unknown[]) {
        seen.push(this === emitter, ...args);
        return "back";
      } as never,
    );
    expect(fire(emitter, "x", 1 as never, 2 as never)).toEqual(["back"]);
    expect(seen).toEqual([true, 1, 2]);
  });

  it("calls a once listener once, also if the event is emitted again inside an earlier listener", () => {
    const emitter = new Emitter<Record<string, never>>();
    let calls = 0;
    let again = true;
    emitter.on(
      "x" as never,
      (() => {
        if (!again) return;
        again = false;
        fire(emitter, "x");
      }) as never,
    );
    emitter.once("x" as never, (() => calls++) as never);
    fire(emitter, "x");
    expect(calls).toBe(1);
  });

  it("goes through a snapshot: what listeners add or take off counts from the next emit on", () => {
    const emitter = new Emitter<Record<string, never>>();
    const log: string[] = [];
    const second = (): void => void log.push("second");
    emitter.on(
      "x" as never,
      (() => {
        log.push("first");
        emitter.off("x" as never, second as never);
        emitter.on("x" as never, (() => log.push("third")) as never);
      }) as never,
    );
    emitter.on("x" as never, second as never);
    fire(emitter, "x");
    expect(log).toEqual(["first", "second"]);
  });

  it("has no list yet that the first listener would not make", () => {
    const emitter = new Emitter<Record<string, never>>();
    expect(emitter.rawListeners("x")).toEqual([]);
    expect(emitter.listeners("x" as never)).toEqual([]);
    expect(emitter.listenerCount("x" as never)).toBe(0);
    expect(emitter.hasListeners("x" as never)).toBe(false);
    expect(emitter.eventNames()).toEqual([]);
    expect(emitter.removeAllListeners()).toBe(emitter);
    expect(emitter.off()).toBe(emitter);
    // Nothing but the private field: an idle socket pays for no list.
    expect(Object.keys(emitter)).toEqual([]);
  });

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"])(
    "knows no listeners for the name %s that an attacker may choose",
    (name) => {
      const emitter = new Emitter<Record<string, never>>();
      emitter.on("x" as never, (() => {}) as never);
      expect(emitter.rawListeners(name)).toEqual([]);
      expect(emitter.hasListeners(name as never)).toBe(false);
      const listener = (): void => {};
      emitter.on(name as never, listener as never);
      expect(emitter.rawListeners(name)).toEqual([listener]);
      expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    },
  );

  it("takes symbols and names that look like numbers", () => {
    const emitter = new Emitter<Record<string | symbol, never>>();
    const symbol = Symbol("event");
    const listener = (): void => {};
    emitter.on(symbol as never, listener as never);
    emitter.on("7" as never, listener as never);
    expect(emitter.rawListeners(symbol)).toEqual([listener]);
    expect(emitter.rawListeners(7)).toEqual([listener]);
    expect(new Set(emitter.eventNames())).toEqual(new Set(["7", symbol]));
  });

  it("has Node's and component-emitter's other names for the same acts, all chainable", () => {
    const emitter = new Emitter<Record<string, never>>();
    const listener = (() => {}) as never;
    const x = "x" as never;
    expect(emitter.addListener(x, listener)).toBe(emitter);
    expect(emitter.removeListener(x, listener)).toBe(emitter);
    expect(emitter.hasListeners(x)).toBe(false);
    expect(emitter.addEventListener(x, listener).listeners(x)).toEqual([listener]);
    expect(emitter.removeEventListener("x", listener).hasListeners(x)).toBe(false);
    emitter.on(x, listener).on("y" as never, listener);
    expect(emitter.off(x).eventNames()).toEqual(["y"]);
    expect(emitter.off().eventNames()).toEqual([]);
    expect(emitter.setMaxListeners(5)).toBe(emitter);
    expect(emitter.getMaxListeners()).toBe(Number.POSITIVE_INFINITY);
  });

  it.each<[what: string, act: (emitter: Emitter<Record<string, never>>) => unknown, left: number]>([
    ["off(undefined)", (e) => e.off(undefined as never), 4],
    ["off(undefined, undefined)", (e) => e.off(undefined as never, undefined as never), 4],
    ["off(undefined, listener)", (e) => e.off(undefined as never, () => {}), 4],
    ["off(x, undefined)", (e) => e.off("x" as never, undefined as never), 4],
    ["off(null)", (e) => e.off(null as never), 4],
    ["off of the empty name", (e) => e.off(""), 4],
    ["off(0)", (e) => e.off(0 as never), 4],
    ["off(false)", (e) => e.off(false as never), 4],
    ["off(NaN)", (e) => e.off(Number.NaN as never), 4],
    ["removeAllListeners(null)", (e) => e.removeAllListeners(null as never), 4],
    ["removeAllListeners of the empty name", (e) => e.removeAllListeners(""), 4],
    ["off(null, undefined)", (e) => e.off(null as never, undefined as never), 4],
    ["off(x, null)", (e) => e.off("x" as never, null as never), 4],
    ["off(x, another)", (e) => e.off("x" as never, () => {}), 4],
    [
      "removeListener(undefined, undefined)",
      (e) => e.removeListener(undefined as never, undefined as never),
      4,
    ],
    ["removeListener(x, undefined)", (e) => e.removeListener("x" as never, undefined as never), 4],
    ["removeEventListener(x, undefined)", (e) => e.removeEventListener("x", undefined as never), 4],
    ["removeAllListeners(undefined)", (e) => e.removeAllListeners(undefined as never), 4],
    ["off(x)", (e) => e.off("x" as never), 2],
    ["removeAllListeners(x)", (e) => e.removeAllListeners("x"), 2],
    ["off()", (e) => e.off(), 0],
    ["removeAllListeners()", (e) => e.removeAllListeners(), 0],
  ])("%s", (_what, act, left) => {
    const emitter = new Emitter<Record<string, never>>();
    for (const name of ["x", "x", "y", "connect"]) emitter.on(name as never, (() => {}) as never);
    expect(act(emitter)).toBe(emitter);
    expect(emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)).toBe(left);
  });

  it("never warns of many listeners", () => {
    const emitter = new Emitter<Record<string, never>>();
    for (let i = 0; i < 100; i++) emitter.on("x" as never, (() => {}) as never);
    expect(emitter.listenerCount("x" as never)).toBe(100);
  });
});
