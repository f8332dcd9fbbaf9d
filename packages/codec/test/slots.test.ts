import { describe, expect, it } from "vitest";
import { Slots } from "../src/slots.js";

const at = (num: number) => ({ _placeholder: true, num });

describe("Slots", () => {
  it("fills places in the order of their numbers", () => {
    const data: unknown[] = ["e", { a: [at(2)] }, at(0), { b: at(1) }];
    const slots = new Slots(data, 3);
    slots.fill("zero");
    slots.fill("one");
    slots.fill("two");
    expect(data).toEqual(["e", { a: ["two"] }, "zero", { b: "one" }]);
  });

  it("does not look into what it put there", () => {
    const data: unknown[] = [at(1), at(0)];
    const slots = new Slots(data, 2);
    slots.fill(at(1));
    slots.fill("one");
    expect(data).toEqual(["one", at(1)]);
  });
});
