import type { PublishVerdict, RoomRule } from "@sockeye/rooms";
import { beforeEach, describe, expect, it } from "vitest";
import { type Client, Refused, Site } from "./site.js";

type OnPublish = NonNullable<RoomRule<Client>["onPublish"]>;

let site: Site;
let says: OnPublish;
let seen: unknown[];
beforeEach(() => {
  site = new Site();
  says = () => true;
  seen = [];
  site.rooms.declare("doc:+", {
    keep: { count: 5 },
    authorize: () => true,
    onPublish: (socket, publication) => {
      seen.push(publication);
      return says(socket, publication);
    },
  });
});

const PUBLICATION = { room: "doc:1", event: "edit", args: [1], id: "x" };
const publish = (client: Client, more: object = {}): Promise<unknown> =>
  client.ask("sockeye:publish", { ...PUBLICATION, ...more });
const kept = (): unknown[] => site.rooms.history("doc:1").map(({ args }) => args);

/** Answers that are given one by one. */
function slow(): { says: OnPublish; decide: (verdict: PublishVerdict) => void } {
  const waiting: ((verdict: PublishVerdict) => void)[] = [];
  return {
    says: () => new Promise<PublishVerdict>((resolve) => waiting.push(resolve)),
    decide: (verdict) => waiting.shift()?.(verdict),
  };
}

async function settle(): Promise<void> {
  for (let n = 0; n < 20; n++) await Promise.resolve();
}

const thrown = (error: unknown) => () => {
  throw error;
};

describe("onPublish", () => {
  it("sees what is published, with what stands for the levels of the pattern", async () => {
    await publish(site.enter("a"));
    expect(seen).toEqual([{ ...PUBLICATION, params: ["1"] }]);
  });

  const VERDICTS: readonly (readonly [string, OnPublish, answer: unknown, kept: unknown[]])[] = [
    ["true: as it is", () => true, { room: "doc:1", position: "epoch1.1" }, [[1]]],
    [
      "a list: instead of the arguments",
      () => ["by", 2],
      { room: "doc:1", position: "epoch1.1" },
      [["by", 2]],
    ],
    ["an empty list", () => [], { room: "doc:1", position: "epoch1.1" }, [[]]],
    ["false", () => false, "ERR_ROOM_FORBIDDEN", []],
    ["nothing", () => undefined as never, "ERR_ROOM_FORBIDDEN", []],
    ["a text", () => "yes" as never, "ERR_ROOM_FORBIDDEN", []],
    ["what cannot be sent", () => [1n], "ERR_ROOM_REQUEST", []],
    ["a refusal of the app's", thrown(new Refused("TOO_FAST", 7)), "TOO_FAST", []],
  ];
  it.each(VERDICTS)("%s, at once or later", async (_what, verdict, answer, stored) => {
    for (const way of [verdict, async (...args: Parameters<OnPublish>) => verdict(...args)]) {
      site.rooms.clear("doc:1");
      says = way;
      const answered = (await publish(site.enter("a"))) as { position?: string };
      expect(typeof answered === "object" ? { ...answered, position: "epoch1.1" } : answered).toEqual(answer);
      expect(kept()).toEqual(stored);
    }
    expect(site.errors).toEqual([]);
  });

  it("whatever else it throws is the app's to know, and the client's not", async () => {
    says = thrown(new Error("no database"));
    expect(await publish(site.enter("a"))).toBe("ERR_INTERNAL");
    expect(site.errors).toMatchObject([{ message: "no database" }]);
  });

  it("is not asked about what was stored before, and what is tried again meanwhile is stored once", async () => {
    const { says: later, decide } = slow();
    says = later;
    const client = site.enter("a");
    const tries = [publish(client), publish(client), publish(site.enter("b"))];
    await settle();
    // The second of the same socket waits behind the first; that of the other socket does not.
    expect(seen).toHaveLength(2);
    decide(["first"]);
    decide(["second"]);
    expect(await Promise.all(tries)).toEqual([
      { room: "doc:1", position: "epoch1.1" },
      { room: "doc:1", position: "epoch1.1", repeated: true },
      { room: "doc:1", position: "epoch1.1", repeated: true },
    ]);
    expect(await publish(client)).toMatchObject({ repeated: true });
    expect(seen).toHaveLength(2);
    expect(kept()).toEqual([["first"]]);
  });

  it("keeps the order of one socket, however long it takes for each", async () => {
    const { says: later, decide } = slow();
    says = (socket, publication) => (publication.args[0] === 1 ? later(socket, publication) : true);
    const client = site.enter("a");
    const all = [1, 2, 3].map((n) => publish(client, { args: [n], id: undefined }));
    await settle();
    expect(kept()).toEqual([]);
    decide(true);
    await Promise.all(all);
    expect(kept()).toEqual([[1], [2], [3]]);
    // Nothing waits any more: the next is stored at once.
    void publish(client, { args: [4], id: undefined });
    expect(kept()).toHaveLength(4);
  });

  it("comes too late for a client that has gone, and what waited behind is not shown", async () => {
    const { says: later, decide } = slow();
    says = later;
    const client = site.enter("a");
    const all = [publish(client), publish(client, { id: "y" })];
    client.go();
    decide(true);
    expect(await Promise.all(all)).toEqual(["ERR_ROOM_FORBIDDEN", "ERR_ROOM_FORBIDDEN"]);
    expect([seen.length, kept().length]).toEqual([1, 0]);
  });
});

describe("the contract", () => {
  const invalid = (): never => {
    throw new Refused("ERR_INVALID", { issues: [] });
  };
  it.each<[string, Site["check"], unknown, unknown[]]>([
    ["refuses", invalid, "ERR_INVALID", []],
    ["refuses later", async () => invalid(), "ERR_INVALID", []],
    ["reads the arguments", ([name]) => [name, "read"], { room: "doc:1", position: "epoch1.1" }, [["read"]]],
    [
      "reads them later",
      async ([name]) => [name, "read"],
      { room: "doc:1", position: "epoch1.1" },
      [["read"]],
    ],
  ])("%s before onPublish sees anything", async (_what, check, answer, stored) => {
    site.check = check;
    expect(await publish(site.enter("a"))).toEqual(answer);
    expect(kept()).toEqual(stored);
    expect(seen.map((each) => (each as { args: unknown }).args)).toEqual(stored);
  });
});

it("a request that waits for the app is one that is held", async () => {
  const { says: later, decide } = slow();
  says = later;
  let over = false;
  const held = site.rooms.request(site.enter("a"), ["sockeye:publish", PUBLICATION]);
  void held?.then(() => {
    over = true;
  });
  await settle();
  expect(over).toBe(false);
  decide(true);
  await held;
  expect(over).toBe(true);
});
