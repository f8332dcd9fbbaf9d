import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { isView, LegacyBytes, legacyAtob, legacyBtoa } from "../shims/bytes.js";
import { LegacyMap, LegacySet } from "../shims/collections.js";
import { LegacyError } from "../shims/errors.js";
import * as methods from "../shims/methods.js";
import { LegacyPromise } from "../shims/promise.js";
import * as statics from "../shims/statics.js";
import { LegacySearchParams, LegacyTextEncoder } from "../shims/text.js";

// The shims look at the page's global object.
vi.hoisted(() => Object.assign(globalThis, { self: globalThis }));

// What stands in the place of newer parts of the language in the bundle for old browsers, beside the originals.

const loneSurrogates = fc
  .array(fc.constantFrom("a", "é", "€", "😀", "\ud800", "\udc00", "%", "\0"))
  .map((parts) => parts.join(""));
const texts = fc.oneof(fc.string({ unit: "binary" }), loneSurrogates);
const KEYS = [1, "1", "__proto__", "constructor", "", null, undefined, {}, [], () => 0, Number.NaN, true];

describe("collections", () => {
  it("does what a Map does, with any key", () => {
    const step = fc.record({
      act: fc.constantFrom("set", "delete", "clear"),
      key: fc.constantFrom(...KEYS),
      value: fc.integer(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const ours = new LegacyMap<unknown, number>();
        const native = new Map<unknown, number>();
        for (const { act, key, value } of steps) {
          if (act === "set") {
            ours.set(key, value);
            native.set(key, value);
          } else if (act === "delete") {
            expect(ours.delete(key)).toBe(native.delete(key));
          } else if (steps.length % 7 === 0) {
            ours.clear();
            native.clear();
          }
          expect(ours.size).toBe(native.size);
        }
        for (const key of KEYS) {
          expect(ours.get(key)).toBe(native.get(key));
          expect(ours.has(key)).toBe(native.has(key));
        }
        expect(new Map(ours.toArray())).toEqual(native);
        expect(new Set(ours.keys())).toEqual(new Set(native.keys()));
        expect(ours.values().sort()).toEqual([...native.values()].sort());
      }),
    );
  });

  it("keeps the order of numbers and strings", () => {
    const set = new LegacySet<unknown>(["b", 2, "a", 1, "10", 10]);
    set.delete("b");
    set.add("b");
    expect(set.toArray()).toEqual([2, "a", 1, "10", 10, "b"]);
    expect(set.size).toBe(6);
    const seen: unknown[] = [];
    new LegacyMap([["x", 1]]).forEach((value, key) => {
      seen.push(key, value);
    });
    expect(seen).toEqual(["x", 1]);
  });
});

describe("text and bytes", () => {
  it("counts the bytes of UTF-8", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(new LegacyTextEncoder().encode(text)).toHaveLength(new TextEncoder().encode(text).length);
      }),
    );
  });

  it("writes and reads queries", () => {
    const pairs = fc.dictionary(fc.string({ unit: "binary" }), texts);
    fc.assert(
      fc.property(pairs, fc.string({ unit: "binary" }), texts, (record, key, value) => {
        const ours = new LegacySearchParams(record);
        const native = new URLSearchParams(record);
        for (const params of [ours, native]) {
          params.set(key, value);
          params.delete("sid");
        }
        expect([...new URLSearchParams(ours.toString())]).toEqual([...native]);
        const read = new LegacySearchParams(`?${native}`);
        expect(read.toArray()).toEqual([...native]);
      }),
    );
  });

  it.each(["", "?", "a", "a=", "=b", "a=1&&b=2&a=3", "a=%zz", "a=+b%20"])("reads the query %j", (query) => {
    const plain = (pairs: Iterable<unknown>): unknown => JSON.parse(JSON.stringify([...pairs]));
    const ours = plain(new LegacySearchParams(query).toArray());
    // A text that is not percent-encoding stays as it is in both.
    expect(ours).toEqual(plain(new URLSearchParams(query)));
  });

  it("writes and reads base64", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const binary = String.fromCharCode(...bytes);
        expect(legacyBtoa(binary)).toBe(btoa(binary));
        expect(legacyAtob(btoa(binary))).toBe(binary);
      }),
    );
  });

  it("bytes without typed arrays are a plain array of numbers", () => {
    const bytes = new (LegacyBytes as unknown as Uint8ArrayConstructor)(3);
    expect(bytes).toBeInstanceOf(Array);
    expect(JSON.stringify(bytes)).toBe("[0,0,0]");
    expect(bytes.byteLength).toBe(3);
    expect(Object.keys(bytes)).toEqual(["0", "1", "2"]);
  });

  it("knows views of memory", () => {
    for (const value of [new Uint8Array(1), new DataView(new ArrayBuffer(1))])
      expect(isView(value)).toBe(true);
    for (const value of [new ArrayBuffer(1), null, "text", [1], {}, undefined])
      expect(isView(value)).toBe(false);
  });
});

describe("errors", () => {
  it("are errors to everybody, and can be derived from", () => {
    const Base = LegacyError as unknown as ErrorConstructor;
    class Derived extends Base {
      readonly code = 7;
    }
    const cause = new TypeError("below");
    const error = new Derived("text", { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(Derived);
    expect(String(error)).toBe("Error: text");
    expect(error.stack).toContain("text");
    expect(error.cause).toBe(cause);
    expect("cause" in new Base("x")).toBe(false);
    expect(new Base().message).toBe("");
  });
});

describe("promises", () => {
  const resolved = (value: unknown): LegacyPromise => LegacyPromise.resolve(value);

  it("settle once, take on what thenables say, and pass failures on", async () => {
    expect(await resolved(1).then((n) => resolved(Number(n) + 1))).toBe(2);
    expect(await resolved(Promise.resolve(3))).toBe(3);
    expect(await resolved(4).then(undefined)).toBe(4);
    const twice = new LegacyPromise((resolve, reject) => {
      resolve(1);
      resolve(2);
      reject(3);
      throw new Error("4");
    });
    expect(await twice).toBe(1);
    const failed = new LegacyPromise(() => {
      throw new Error("no");
    });
    expect(await failed.catch((error) => (error as Error).message)).toBe("no");
    expect(await LegacyPromise.reject(5).then(undefined, (reason) => reason)).toBe(5);
    const order: string[] = [];
    const later = resolved(1).then(() => order.push("then"));
    order.push("now");
    await later;
    expect(order).toEqual(["now", "then"]);
    const self: LegacyPromise = new LegacyPromise((resolve) => setTimeout(() => resolve(self), 0));
    expect(await self.catch((error) => error)).toBeInstanceOf(TypeError);
    // biome-ignore lint/suspicious/noThenProperty: a bad one, that is the question
    const badThen = Object.defineProperty({}, "then", {
      get() {
        throw new Error("trap");
      },
    });
    expect(await resolved(badThen).catch((error) => (error as Error).message)).toBe("trap");
  });

  it("all and finally", async () => {
    expect(await LegacyPromise.all([1, resolved(2), Promise.resolve(3)])).toEqual([1, 2, 3]);
    expect(await LegacyPromise.all([])).toEqual([]);
    expect(await LegacyPromise.all([1, LegacyPromise.reject(2)]).catch((reason) => reason)).toBe(2);
    const seen: string[] = [];
    expect(await resolved(1).finally(() => seen.push("a"))).toBe(1);
    const rejected = LegacyPromise.reject(2).finally(() => seen.push("b"));
    expect(await rejected.catch((reason) => reason)).toBe(2);
    expect(seen).toEqual(["a", "b"]);
  });
});

describe("statics and methods", () => {
  it.each([0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 53 - 1, "1", null, undefined])(
    "knows what kind of number %s is",
    (value) => {
      expect(statics.es5_Number_isFinite(value)).toBe(Number.isFinite(value));
      expect(statics.es5_Number_isInteger(value)).toBe(Number.isInteger(value));
      expect(statics.es5_Number_isSafeInteger(value)).toBe(Number.isSafeInteger(value));
    },
  );

  it("does what the originals do with objects and lists", () => {
    const record = { a: 1, b: [2] };
    expect(statics.es5_Object_assign({ z: 0 }, record, undefined, null)).toEqual({ z: 0, ...record });
    expect(statics.es5_Object_entries(record)).toEqual(Object.entries(record));
    expect(statics.es5_Object_values(record)).toEqual(Object.values(record));
    expect(statics.es5_Object_fromEntries(new LegacyMap([["a", 1]]))).toEqual({ a: 1 });
    expect(statics.es5_Object_hasOwn(record, "a")).toBe(true);
    expect(statics.es5_Object_hasOwn(record, "toString")).toBe(false);
    expect(statics.es5_Array_from(new Uint8Array([1, 2]))).toEqual([1, 2]);
    expect(methods.es5_keys(["x", "y"])).toEqual([0, 1]);
    expect(methods.es5_keys(new LegacyMap([["k", 1]]))).toEqual(["k"]);
    expect(methods.es5_includes("abc", "bc")).toBe(true);
    expect(methods.es5_includes([1, 2], 3)).toBe(false);
    expect(methods.es5_startsWith("abc", "ab")).toBe(true);
    expect(methods.es5_startsWith("abc", "bc")).toBe(false);
    expect(methods.es5_find([1, 2, 3], (n) => n > 1)).toBe(2);
    expect(methods.es5_findIndex([1, 2, 3], (n) => n > 1)).toBe(1);
    expect(methods.es5_findIndex([1], (n) => n > 1)).toBe(-1);
    expect(methods.es5_flatMap([1, 2], (n) => [n, n])).toEqual([1, 1, 2, 2]);
    expect(statics.es5_performance_now()).toBeLessThanOrEqual(statics.es5_performance_now());
  });
});
