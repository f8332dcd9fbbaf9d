import { DEFAULT_LIMITS, RESERVED_EVENTS } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { ackData, connectData, connectErrorData, eventData } from "../src/validate.js";

const NOT_ARRAYS = [undefined, null, {}, "x", 1, true, { length: 1, 0: "x" }];
const NOT_OBJECTS = [null, [], 1, true];

describe("validation", () => {
  it("takes what it should as it is", () => {
    for (const value of [["a"], [1, 2], ["error"], [""]])
      expect(eventData(value, DEFAULT_LIMITS)).toBe(value);
    for (const value of [[], [null], ["connect"]]) expect(ackData(value)).toBe(value);
    for (const value of [undefined, {}, { token: 1 }]) expect(connectData(value)).toBe(value);
    const refusal = { message: "no", data: 1 };
    expect(connectErrorData(refusal)).toBe(refusal);
    expect(connectErrorData("no")).toEqual({ message: "no" });
  });

  it.each([...RESERVED_EVENTS, null, true, {}, [], Number.NaN, "n".repeat(1025)])(
    "refuses the name %j",
    (name) => {
      expect(() => eventData([name], DEFAULT_LIMITS)).toThrow(
        expect.objectContaining({ code: "ERR_BAD_EVENT_NAME" }),
      );
    },
  );

  it("refuses data of another kind", () => {
    const malformed = expect.objectContaining({ code: "ERR_PACKET_MALFORMED" });
    for (const value of [...NOT_ARRAYS, []])
      expect(() => eventData(value, DEFAULT_LIMITS)).toThrow(malformed);
    for (const value of NOT_ARRAYS) expect(() => ackData(value)).toThrow(malformed);
    for (const value of [...NOT_OBJECTS, "x"]) expect(() => connectData(value)).toThrow(malformed);
    for (const value of [...NOT_OBJECTS, undefined, {}, { message: 1 }]) {
      expect(() => connectErrorData(value)).toThrow(malformed);
    }
  });
});
