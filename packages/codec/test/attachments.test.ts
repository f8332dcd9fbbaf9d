import { describe, expect, it } from "vitest";
import { needsTaking, takeBytes } from "../src/attachments.js";

const LEVELS = 10;

describe("needsTaking", () => {
  it("calls no toJSON, of a date or else", () => {
    const never = { toJSON: () => expect.fail("called") };
    expect(needsTaking(["a", never], LEVELS)).toBe(true);
    expect(needsTaking(["a", { when: new Date(0), list: [new Date(0)] }], LEVELS)).toBe(false);
  });

  it("reads no getter that is inherited", () => {
    const parent = Object.defineProperty({}, "bad", { get: () => expect.fail("read"), enumerable: true });
    expect(needsTaking([Object.create(parent, { own: { value: 1, enumerable: true } })], LEVELS)).toBe(false);
  });
});

describe("takeBytes", () => {
  it("shares the memory of the app", () => {
    const bytes = new Uint8Array([1, 2]);
    const view = new DataView(bytes.buffer, 1);
    const { attachments } = takeBytes(["a", bytes, bytes.buffer, view], LEVELS);
    expect(attachments[0]).toBe(bytes);
    bytes[1] = 9;
    expect(attachments.map((one) => [...one])).toEqual([[1, 9], [1, 9], [9]]);
  });

  it("calls each toJSON once, with its key", () => {
    const calls: string[] = [];
    const value = (bytes: unknown) => ({
      toJSON(key: string) {
        calls.push(key);
        return bytes;
      },
    });
    const args = ["a", value(Buffer.alloc(1)), { b: value([value(1)]), c: [value(null)] }];
    expect(takeBytes(args, LEVELS).json).toBe('["a",{"_placeholder":true,"num":0},{"b":[1],"c":[null]}]');
    expect(calls).toEqual(["1", "b", "0", "0"]);
  });

  it("leaves frozen data alone", () => {
    const data = Object.freeze({ a: Object.freeze([Object.freeze({ b: Buffer.alloc(1) })]) });
    expect(takeBytes(["e", data], LEVELS).json).toBe('["e",{"a":[{"b":{"_placeholder":true,"num":0}}]}]');
    expect(Buffer.isBuffer(data.a[0]?.b)).toBe(true);
  });

  it("makes no attachment of a toJSON that gives none", () => {
    const taken = takeBytes(["e", { toJSON: () => ({ _placeholder: true, num: 0 }) }], LEVELS);
    expect(taken).toEqual({ json: '["e",{"_placeholder":true,"num":0}]', attachments: [] });
  });
});
