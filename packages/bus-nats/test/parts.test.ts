// What is added to a log in one step, as messages, and back.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LiveTail } from "../src/live-tail.js";
import { Assembly, readPart, writeParts } from "../src/parts.js";

const entries = fc.array(
  fc.record({
    topics: fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 3 }),
    bytes: fc.uint8Array({ maxLength: 2_000 }),
  }),
  { maxLength: 8 },
);
const STEP = { epoch: "abcdefgh", before: 5, writer: "a.0", number: 3 };

describe("the messages of a step", () => {
  it("become what they were, however they were cut, and none is too large", () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1_100, max: 9_000 }), (said, maxBytes) => {
        const messages = writeParts(STEP, said, maxBytes);
        const assembly = new Assembly();
        const added = messages.map((bytes, index) => {
          const part = readPart(bytes);
          return part && assembly.take(part, 10 + index);
        });
        const seq = 9 + messages.length;
        const last = added.pop();
        expect(last).toMatchObject({ ...STEP, count: said.length, first: 10, seq });
        expect(last?.entries.map(({ topics, bytes }) => ({ topics, bytes: Uint8Array.from(bytes) }))).toEqual(
          said,
        );
        expect(added.every((each) => each === undefined)).toBe(true);
        expect(Math.max(...messages.map(({ length }) => length))).toBeLessThanOrEqual(maxBytes);
      }),
    );
  });

  it("that do not follow each other are nothing", () => {
    const large = [{ topics: ["x"], bytes: new Uint8Array(5_000) }];
    const parts = (writer: string) =>
      writeParts({ ...STEP, writer }, large, 3_000).map((bytes) => readPart(bytes));
    const [a, b] = [parts("a"), parts("b")];
    const orders = [
      [a[0], b[0], a[1], a[2]],
      [a[1], a[2]],
      [a[0], a[2]],
      [a[0], a[0], a[2]],
      [a[0], b[1], b[2], a[1], a[2]],
    ];
    for (const order of orders) {
      const assembly = new Assembly();
      expect(order.map((part, seq) => part && assembly.take(part, seq))).toEqual(order.map(() => undefined));
    }
    const assembly = new Assembly();
    const added = [a[0], a[1], b[0], b[1], b[2]].map((part, seq) => part && assembly.take(part, seq));
    expect(added.at(-1)).toMatchObject({ writer: "b", first: 2, seq: 4 });
  });

  it("are read from anybody: bytes of any kind are a part, or nothing", () => {
    const [right = new Uint8Array()] = writeParts(STEP, [{ topics: ["x"], bytes: new Uint8Array(9) }], 3_000);
    const changed = fc.record({ at: fc.nat(right.length - 1), to: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.array(changed, { maxLength: 4 })), (given) => {
        const bytes = given instanceof Uint8Array ? given : Uint8Array.from(right);
        if (!(given instanceof Uint8Array)) for (const { at, to } of given) bytes[at] = to;
        const part = readPart(bytes);
        if (part) new Assembly().take(part, 1);
      }),
    );
  });
});

describe("what was heard of a log", () => {
  const step = (before: number, count: number, epoch = "abcdefgh") => {
    const said = Array.from({ length: count }, () => ({ topics: ["x"], bytes: new Uint8Array(1) }));
    const [bytes = new Uint8Array()] = writeParts({ ...STEP, epoch, before }, said, 3_000);
    const part = readPart(bytes);
    if (!part) throw new Error("no part");
    return part;
  };

  it.each([
    ["begins anywhere", [[7, 2]], ["added"]],
    [
      "goes on",
      [
        [7, 2],
        [9, 1],
        [10, 3],
      ],
      ["added", "added", "added"],
    ],
    [
      "has a hole",
      [
        [7, 2],
        [10, 1],
      ],
      ["added", "gap"],
    ],
    [
      "comes once more",
      [
        [7, 2],
        [7, 2],
        [9, 1],
      ],
      ["added", undefined, "added"],
    ],
    [
      "has a new epoch",
      [
        [7, 2],
        [9, 0, "ABCDEFGH"],
        [9, 1, "ABCDEFGH"],
      ],
      ["added", "added", "added"],
    ],
    [
      "begins anew",
      [
        [7, 2],
        [0, 0, "ABCDEFGH"],
      ],
      ["added", "gap"],
    ],
  ] as const)("%s", (_name, steps, expected) => {
    const tail = new LiveTail();
    const got = steps.map(([before, count, epoch], seq) => tail.take(step(before, count, epoch), seq + 1));
    expect(got.map((each) => (typeof each === "object" ? "added" : each))).toEqual(expected);
  });

  it("stays within a bound, and what was read before it comes before it", () => {
    const tail = new LiveTail();
    const large = (before: number) => {
      const [bytes = new Uint8Array()] = writeParts(
        { ...STEP, before },
        [{ topics: ["x"], bytes: new Uint8Array(300_000) }],
        1e6,
      );
      const part = readPart(bytes);
      return part && tail.take(part, before + 1);
    };
    const added = Array.from({ length: 9 }, (_, n) => large(n));
    expect(tail.steps.map(({ before }) => before)).toEqual([6, 7, 8]);
    tail.prepend(added.slice(2, 6) as never);
    tail.prepend(added.slice(0, 3) as never);
    expect(tail.steps).toHaveLength(3);
    tail.clear();
    expect(tail.steps).toEqual([]);
  });
});
