import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readExtensionOffers } from "../../src/server/websocket/extension-offer.js";

describe("readExtensionOffers", () => {
  it.each<[header: string, expected: unknown]>([
    ["", []],
    [" , ,", []],
    ["a", [["a"]]],
    ["a, b", [["a"], ["b"]]],
    ["a;x", [["a", ["x", undefined]]]],
    ["a ; x = 1 ;y", [["a", ["x", "1"], ["y", undefined]]]],
    ['a; x="10", b', [["a", ["x", "10"]], ["b"]]],
    ["a; x; x", [["a", ["x", undefined], ["x", undefined]]]],
    ["__proto__; constructor=1", [["__proto__", ["constructor", "1"]]]],
  ])("reads %j", (header, expected) => {
    const offers = readExtensionOffers(header);
    expect(
      offers?.map(({ name, parameters }) => [name, ...parameters.map((p) => [p.name, p.value])]),
    ).toEqual(expected);
  });

  it.each([
    "a b",
    ";",
    "a;",
    "a;;x",
    "a;=1",
    "a;x=",
    'a;x="',
    'a;x=""',
    'a;x="1',
    'a;x="1 0"',
    "a;x=1=2",
    "é",
    "a\u0000",
    `a; x="${"\\".repeat(7000)}`,
  ])("knows that %j is malformed", (header) => {
    expect(readExtensionOffers(header)).toBeUndefined();
  });

  it("throws at nothing, and reads back what it is written from", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", ";", ",", "=", '"', " ", "\\") }),
        (header) => void readExtensionOffers(header),
      ),
    );
    const token = fc.string({ unit: fc.constantFrom("a", "b", "-", "9"), minLength: 1 });
    const parameter = fc.record({ name: token, value: fc.option(token, { nil: undefined }) });
    const offer = fc.record({ name: token, parameters: fc.array(parameter) });
    fc.assert(
      fc.property(fc.array(offer), (offers) => {
        const header = offers
          .map(({ name, parameters }) =>
            [name, ...parameters.map((p) => (p.value === undefined ? p.name : `${p.name}=${p.value}`))].join(
              "; ",
            ),
          )
          .join(", ");
        expect(readExtensionOffers(header)).toEqual(offers);
      }),
    );
  });
});
