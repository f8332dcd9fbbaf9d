import { call, contract, event, type Schema } from "@sockeye/contract";
import type { ContractError } from "@sockeye/protocol";
import type { IntakeOwner, RefusedEvent } from "@sockeye/socket";
import { type as ark } from "arktype";
import * as fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";

/** A contract at work, with what became of each event. */
function stage(parts: Parameters<typeof contract>[0], owner: Partial<IntakeOwner> = {}) {
  const delivered: unknown[][] = [];
  const refused: { error: ContractError; event: RefusedEvent }[] = [];
  const take = contract(parts).server.intake({
    deliver: (each) => delivered.push([...each]) > 0,
    refused: (error, each) => refused.push({ error, event: each }),
    hold: () => () => {},
    ...owner,
  });
  return { take, delivered, refused };
}

/** Settled by hand, in any order. */
function byHand() {
  const waiting: { value: unknown; settle: (isFine: boolean) => void }[] = [];
  const schema: Schema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        new Promise((resolve) =>
          waiting.push({
            value,
            settle: (isFine) => resolve(isFine ? { value } : { issues: [{ message: "no" }] }),
          }),
        ),
    },
  };
  return { schema, waiting };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const throwing: Schema = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: () => {
      throw new Error("a bug in the schema");
    },
  },
};

const ack = expect.any(Function);
const none = (): void => {};
const PARTS = {
  toServer: {
    say: event(z.string()),
    move: event(v.number(), v.optional(v.number(), 7)),
    leave: event(),
    7: event(ark("string")),
    rename: call(z.string().trim()),
    maybe: call(z.string().optional()),
    count: call(),
    broken: event(throwing),
  },
};

describe("what comes in", () => {
  it.each<[string, unknown[], unknown[] | undefined]>([
    ["as it was", ["say", "a"], ["say", "a"]],
    ["with what the schema gives", ["rename", " a ", none], ["rename", "a", ack]],
    ["with a default", ["move", 1], ["move", 1, 7]],
    ["without arguments", ["leave"], ["leave"]],
    ["by a name that is a number", [7, "a"], [7, "a"]],
    ["a call whose input may be missing", ["maybe", none], ["maybe", undefined, ack]],
    ["a call without input", ["count", none], ["count", ack]],
    ["an event with an acknowledgement, which no handler sees", ["say", "a", none], ["say", "a"]],
    ["Sockeye's own", ["sockeye:anything", 1], ["sockeye:anything", 1]],
    ["not: wrong", ["say", 1], undefined],
    ["not: missing", ["say"], undefined],
    ["not: one too many", ["say", "a", "b"], undefined],
    ["not: one too many, none declared", ["leave", 1], undefined],
    ["not: a call with a wrong input", ["rename", 1, none], undefined],
    ["not: undeclared", ["none", 1], undefined],
    ["not: a member of every object", ["constructor", 1], undefined],
    ["not: where the schema throws", ["broken", 1], undefined],
  ])("is told %s", (_, given, expected) => {
    const { take, delivered, refused } = stage(PARTS);
    take(given);
    expect(delivered).toEqual(expected === undefined ? [] : [expected]);
    expect(refused).toHaveLength(expected === undefined ? 1 : 0);
  });

  it.each<[unknown[], object]>([
    [
      ["say", 1, none],
      { code: "ERR_INVALID", data: { issues: [{ path: [], message: expect.any(String) }] } },
    ],
    [["none", none], { code: "ERR_UNDECLARED" }],
    [["broken", 1, none], { code: "ERR_INTERNAL", message: "internal error" }],
  ])("is answered if it is refused: %j", (given, error) => {
    const { take, refused } = stage(PARTS);
    const answer = vi.fn();
    take([...given.slice(0, -1), answer]);
    expect(answer.mock.calls).toEqual([[null, { $error: expect.objectContaining(error) }]]);
    expect(refused[0]?.event).toEqual({ name: given[0], answered: true });
  });

  it("is answered with nothing if it is an event that somebody waits for", () => {
    const answer = vi.fn();
    stage(PARTS).take(["say", "a", answer]);
    expect(answer.mock.calls).toEqual([[]]);
  });

  it("is answered if it is a call that nobody hears, and an event is not", () => {
    const { take } = stage(PARTS, { deliver: () => false });
    const answer = vi.fn();
    take(["count", answer]);
    expect(answer.mock.calls).toEqual([
      [null, { $error: expect.objectContaining({ code: "ERR_UNHANDLED" }) }],
    ]);
  });

  it("passes undeclared where the contract says so", () => {
    const { take, delivered } = stage({ ...PARTS, unknown: "pass" });
    take(["none", 1, none]);
    take(["say", 1]);
    expect(delivered).toEqual([["none", 1, ack]]);
  });

  it("says where, and not what", () => {
    const { take, refused } = stage({
      toServer: {
        login: event(
          z.number(),
          v.object({ list: v.array(v.object({ secret: v.pipe(v.string(), v.email()) })) }),
        ),
      },
    });
    take(["login", 1, { list: [{ secret: "pa55word" }] }]);
    expect(refused[0]?.error.issues).toMatchObject([{ path: [1, "list", 0, "secret"] }]);
    expect(JSON.stringify(refused[0]?.error.issues)).not.toContain("pa55word");
    expect(refused[0]?.error.message).toBe('"login" does not keep to the contract at /1/list/0/secret');
  });

  it("says no more than a bound, however much is wrong", () => {
    const { take, refused } = stage({ toServer: { x: event(z.array(z.string())) } });
    take(["x", Array.from({ length: 10_000 }, () => 1)]);
    expect(refused[0]?.error.issues).toHaveLength(20);
    take(["y".repeat(10_000)]);
    expect(refused[1]?.error.message.length).toBeLessThan(300);
  });
});

describe("an asynchronous schema", () => {
  const parts = (slow: Schema) => ({ toServer: { slow: event(slow), fast: event(z.string()) } });

  it("holds later events behind it, in order, and gives back what it held", async () => {
    const { schema, waiting } = byHand();
    let held = 0;
    const { take, delivered, refused } = stage(parts(schema), {
      hold: () => {
        held += 1;
        return () => {
          held -= 1;
        };
      },
    });
    take(["fast", "0"]);
    take(["slow", 1]);
    take(["fast", "2"]);
    take(["slow", 3]);
    take(["fast", 4]);
    expect([delivered, held]).toEqual([[["fast", "0"]], 4]);
    waiting[0]?.settle(true);
    await turn();
    expect([delivered.length, waiting.length, held]).toEqual([3, 2, 2]);
    waiting[1]?.settle(false);
    await turn();
    expect(delivered).toEqual([
      ["fast", "0"],
      ["slow", 1],
      ["fast", "2"],
    ]);
    expect(refused.map(({ event: { name } }) => name)).toEqual(["slow", "fast"]);
    expect(held).toBe(0);
    take(["fast", "5"]);
    expect(delivered.at(-1)).toEqual(["fast", "5"]);
  });

  it("is not asked, and nothing waits, where the owner holds no more", async () => {
    const { schema, waiting } = byHand();
    const { take, delivered } = stage(parts(schema), { hold: () => undefined });
    take(["slow", 1]);
    take(["fast", "2"]);
    waiting[0]?.settle(true);
    await turn();
    expect(delivered).toEqual([]);
    take(["fast", "3"]);
    expect(delivered).toEqual([["fast", "3"]]);
  });

  it("that rejects refuses", async () => {
    const rejecting: Schema = {
      "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new Error("a bug")) },
    };
    const { take, delivered, refused } = stage(parts(rejecting));
    take(["slow", 1]);
    take(["fast", "2"]);
    await turn();
    expect(delivered).toEqual([["fast", "2"]]);
    expect(refused[0]?.error).toMatchObject({ code: "ERR_INTERNAL", cause: new Error("a bug") });
  });

  it("holds 10,000 events at the most, and tells of those beyond", () => {
    const { schema } = byHand();
    const { take, refused } = stage(parts(schema));
    for (let i = 0; i <= 10_002; i++) take(["slow", i]);
    expect(refused.map(({ error }) => error.code)).toEqual(["ERR_TOO_MANY_EVENTS", "ERR_TOO_MANY_EVENTS"]);
  });
});

describe("whatever a stranger sends", () => {
  const Payload = {
    text: z.string().max(10),
    tags: z.array(z.number()).max(3),
    at: z.object({ x: z.number(), y: z.number() }),
  };
  const SCHEMAS = {
    zod: z.strictObject(Payload),
    valibot: v.strictObject({
      text: v.pipe(v.string(), v.maxLength(10)),
      tags: v.pipe(v.array(v.number()), v.maxLength(3)),
      at: v.object({ x: v.number(), y: v.number() }),
    }),
    arktype: ark({
      "+": "reject",
      text: "string <= 10",
      tags: "number[] <= 3",
      at: { x: "number", y: "number" },
    }),
  };
  const { z: at } = {
    z: fc.record({ x: fc.float({ noNaN: true, noDefaultInfinity: true }), y: fc.integer() }),
  };
  const valid = fc.record({
    text: fc.string({ maxLength: 10 }),
    tags: fc.array(fc.integer(), { maxLength: 3 }),
    at,
  });
  /** One thing wrong with a payload that is right otherwise, or something else altogether. */
  const invalid = fc.oneof(
    fc
      .tuple(
        valid,
        fc.constantFrom("text", "tags", "at"),
        fc.oneof(fc.constant(null), fc.boolean(), fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 })),
      )
      .map(([right, key, wrong]) => ({ ...right, [key]: wrong })),
    fc
      .tuple(valid, fc.constantFrom("text", "tags", "at"))
      .map(([right, key]) => Object.fromEntries(Object.entries(right).filter(([name]) => name !== key))),
    valid.map((right) => ({ ...right, more: 1 })),
    valid.map((right) => ({ ...right, tags: ["1"] })),
    valid.map((right) => ({ ...right, text: "more than ten" })),
    fc.jsonValue(),
    fc.constant(undefined),
  );
  /** `INVALID_PAYLOADS=1000000` for the long run. */
  const runs = Number(process.env["INVALID_PAYLOADS"] ?? 6000);

  it.each(Object.entries(SCHEMAS))(
    "%s: an invalid payload reaches no handler, and each call is answered",
    (_, schema) => {
      const { take, delivered } = stage({ toServer: { event: event(schema), call: call(schema) } });
      fc.assert(
        fc.property(invalid, fc.boolean(), (payload, isCall) => {
          let answers = 0;
          let refusal: unknown;
          const answer = (value: unknown, second: { $error: { code: string } }): void => {
            answers += 1;
            refusal = value === null && second.$error.code;
          };
          take([isCall ? "call" : "event", payload, ...(isCall ? [answer] : [])]);
          expect(delivered).toEqual([]);
          if (isCall) expect([answers, refusal]).toEqual([1, "ERR_INVALID"]);
        }),
        { numRuns: Math.ceil(runs / 3) },
      );
    },
    600_000,
  );

  it.each(Object.entries(SCHEMAS))("%s: a valid payload is delivered as it is", (_, schema) => {
    const { take, delivered, refused } = stage({ toServer: { event: event(schema) } });
    fc.assert(
      fc.property(valid, (payload) => {
        take(["event", payload]);
        expect(delivered.splice(0)).toEqual([["event", payload]]);
        expect(refused).toEqual([]);
      }),
    );
  });
});
