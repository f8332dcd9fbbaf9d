import { LISTENERS, REPORT } from "@sockeye/protocol";
import {
  callGuarded,
  type Dispatchable,
  dispatch,
  Emitter,
  isThenable,
  type Listener,
} from "@sockeye/socket";
import { describe, expect, it } from "vitest";

/** Remembers what was reported. */
class Target implements Dispatchable {
  readonly reported: unknown[] = [];
  constructor(readonly list: Listener[]) {}
  [LISTENERS](): Listener[] {
    return this.list;
  }
  [REPORT](error: unknown, event: string | symbol | number): void {
    this.reported.push([error, event]);
  }
}

const boom = new Error("boom");

const FAILING: readonly { readonly name: string; readonly listener: () => unknown }[] = [
  {
    name: "throws",
    listener: () => {
      throw boom;
    },
  },
  { name: "returns a promise that rejects", listener: () => Promise.reject(boom) },
  {
    name: "returns a thenable that rejects",
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    listener: () => ({ then: (_: unknown, no: (error: unknown) => void) => no(boom) }),
  },
  {
    name: "returns a thenable whose then throws",
    listener: () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is the point
      then: () => {
        throw boom;
      },
    }),
  },
];

describe("dispatch", () => {
  it.each(FAILING)("a listener that $name is reported, and the others are called", async ({ listener }) => {
    const seen: unknown[] = [];
    const target = new Target([(...args) => seen.push(args), listener, (...args) => seen.push(args)]);
    expect(dispatch(target, "x", [1, "two"])).toBe(true);
    await new Promise(setImmediate);
    expect(seen).toEqual([
      [1, "two"],
      [1, "two"],
    ]);
    expect(target.reported).toEqual([[boom, "x"]]);
  });

  it("says whether there was a listener", () => {
    expect(dispatch(new Target([]), "x", [])).toBe(false);
    expect(dispatch(new Target([() => {}]), "x", [])).toBe(true);
  });

  it("calls listeners in the same stack, with the target as this", () => {
    let self: unknown;
    const target = new Target([
      function (this: unknown) {
        self = this;
      },
    ]);
    dispatch(target, "x", []);
    expect(self).toBe(target);
  });

  // biome-ignore lint/suspicious/noThenProperty: one that is no promise
  it.each([undefined, null, 0, "", "then", { then: 1 }, () => {}])(
    "takes %o back without a word",
    (value) => {
      const target = new Target([() => value]);
      dispatch(target, "x", []);
      expect(target.reported).toEqual([]);
    },
  );

  it("reports whatever was thrown, as it was", () => {
    const thrown = [undefined, null, "text", 7, { a: 1 }];
    const target = new Target(
      thrown.map((each) => () => {
        throw each;
      }),
    );
    dispatch(target, Symbol.iterator, []);
    expect(target.reported).toEqual(thrown.map((each) => [each, Symbol.iterator]));
  });

  it("lets a once listener of an Emitter go even if it throws", () => {
    class Own extends Emitter<Record<string, never>> {
      readonly reported: unknown[] = [];
      [REPORT](error: unknown): void {
        this.reported.push(error);
      }
    }
    const target = new Own();
    target.once(
      "x" as never,
      (() => {
        throw boom;
      }) as never,
    );
    expect([dispatch(target, "x", []), dispatch(target, "x", [])]).toEqual([true, false]);
    expect(target.reported).toEqual([boom]);
  });
});

describe("callGuarded", () => {
  it("runs one piece of the app's code, and reports for its event", () => {
    const target = new Target([]);
    const fail: Listener = () => {
      throw boom;
    };
    callGuarded(fail, [], { target, event: "save" });
    expect(target.reported).toEqual([[boom, "save"]]);
  });
});

describe("isThenable", () => {
  it.each([
    [Promise.resolve(), true],
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    [{ then() {} }, true],
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    [{ then: true }, false],
    [undefined, false],
    [null, false],
    ["then", false],
  ])("%o: %s", (value, expected) => {
    expect(isThenable(value)).toBe(expected);
  });
});
