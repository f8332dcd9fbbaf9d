import { describe, expect, it } from "vitest";
import { RequestNumbers } from "../../src/server/request/request-numbers.js";

const NOT_NUMBERS = [undefined, 0, -1, 1.5];

describe.each([
  ["a handshake", new RequestNumbers("handshake"), 0],
  ["a claim without a number", new RequestNumbers("claim"), 0],
  ["a claim with one", new RequestNumbers("claim", 40), 40],
])("the numbers after %s", (_what, numbers, after) => {
  it("of GETs go up by one", () => {
    expect(numbers.get(after + 2)).toBe("wrong");
    expect(numbers.get(after + 1)).toBe("next");
    expect(numbers.get(after + 1)).toBe("wrong");
    expect(numbers.get(after + 3)).toBe("wrong");
    expect(numbers.get(after + 2)).toBe("next");
  });

  it("of POSTs as well, by themselves, and the last that was read may come again", () => {
    expect(numbers.post(after + 1)).toBe("next");
    // As long as it was not read.
    expect(numbers.post(after + 1)).toBe("next");
    numbers.postRead();
    expect(numbers.post(after + 1)).toBe("again");
    expect(numbers.post(after + 3)).toBe("wrong");
    expect(numbers.post(after + 2)).toBe("next");
    numbers.postRead();
    expect(numbers.post(after + 1)).toBe("wrong");
    expect(numbers.post(after + 2)).toBe("again");
  });

  it.each(NOT_NUMBERS.filter((each) => each === undefined || after === 0))("are not %s", (number) => {
    const expected = number !== undefined && number <= after ? "earlier" : "wrong";
    expect(numbers.get(number)).toBe(expected);
    expect(numbers.post(number)).toBe(expected);
  });
});

it("up to that of the claim belong to the transports before", () => {
  const numbers = new RequestNumbers("claim", 40);
  for (const number of [1, 39, 40]) {
    expect(numbers.get(number)).toBe("earlier");
    expect(numbers.post(number)).toBe("earlier");
  }
  expect(numbers.get(41)).toBe("next");
  expect(numbers.post(41)).toBe("next");
});
