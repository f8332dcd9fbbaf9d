import { DEFAULT_LIMITS, PacketType, RESERVED_EVENTS } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { eventData, packetOf } from "../src/validate.js";

const NOT_ARRAYS = [undefined, null, {}, "x", 1, true, { length: 1, 0: "x" }];
const NOT_OBJECTS = [null, [], 1, true];

const dataOf =
  (type: number, id?: number) =>
  (data: unknown): unknown =>
    packetOf({ type, nsp: "/", id }, data, DEFAULT_LIMITS).data;
const connectData = dataOf(PacketType.CONNECT);
const disconnectData = dataOf(PacketType.DISCONNECT);
const connectErrorData = dataOf(PacketType.CONNECT_ERROR);
const ackData = dataOf(PacketType.ACK, 1);

describe("validation", () => {
  it("takes what it should as it is", () => {
    for (const value of [["a"], [1, 2], ["error"], [""]])
      expect(eventData(value, DEFAULT_LIMITS)).toBe(value);
    for (const value of [[], [null], ["connect"]]) expect(ackData(value)).toBe(value);
    for (const value of [undefined, {}, { token: 1 }]) expect(connectData(value)).toBe(value);
    const refusal = { message: "no", data: 1 };
    expect(connectErrorData(refusal)).toEqual(refusal);
    expect(connectErrorData("no")).toEqual({ message: "no" });
  });

  it.each<[sent: unknown, data?: unknown]>([
    [undefined],
    [null, null],
    [{}],
    [{ data: { code: 1 } }, { code: 1 }],
    [{ message: 7 }],
    [{ message: { text: "no" }, data: [1] }, [1]],
    [[], []],
    [["no"], ["no"]],
    [42, 42],
    [true, true],
  ])("takes a refusal for one, whatever stands in it: %j", (sent, data) => {
    expect(connectErrorData(sent)).toEqual(
      data === undefined ? { message: "Refused" } : { message: "Refused", data },
    );
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
    expect(() => dataOf(PacketType.ACK)([])).toThrow(malformed);
    for (const value of [...NOT_OBJECTS, "x", {}]) expect(() => disconnectData(value)).toThrow(malformed);
    for (const type of [-1, 7, 1.5, Number.NaN]) expect(() => dataOf(type, 1)([])).toThrow(malformed);
    for (const value of [...NOT_OBJECTS, "x"]) expect(() => connectData(value)).toThrow(malformed);
  });
});
