import type { BroadcastOptions } from "@sockeye/protocol";
import type { RoomRule } from "@sockeye/rooms";
import { beforeEach, describe, expect, it } from "vitest";
import { Client, Site } from "./site.js";

const OPEN: RoomRule<Client> = {
  keep: { count: 5, age: "1h" },
  presence: ({ id }) => id.slice(0, 3),
  authorize: () => true,
};

let site: Site;
beforeEach(() => {
  site = new Site();
  site.rooms.declare("doc:+", OPEN);
  site.rooms.declare("last", { keep: "last", authorize: () => true });
});

/** One that the adapter lets in after a while, or at once, and says so after a while. */
class Late extends Client {
  readonly #atOnce: boolean;

  constructor(at: Site, atOnce: boolean) {
    super("late", at);
    this.#atOnce = atOnce;
  }

  override async join(rooms: string[]): Promise<void> {
    if (this.#atOnce) super.join(rooms);
    await null;
    super.join(rooms);
  }
}

describe("an event to a room that keeps", () => {
  it("comes to plain members as it is and to members by the room protocol as one envelope", async () => {
    const [plain, member, both] = [site.enter("p"), site.enter("m"), site.enter("b")];
    plain.join(["doc:1"]);
    both.join(["doc:1", "other"]);
    await member.ask("sockeye:join", { room: "doc:1" });
    await both.ask("sockeye:join", { room: "doc:1" });
    site.send({ rooms: new Set(["doc:1", "other"]) }, "edit", 7);
    const envelope = { room: "doc:1", position: "epoch1.1", event: "edit", args: [7] };
    expect(plain.got).toEqual([["edit", 7]]);
    expect(member.got).toEqual([["sockeye:event", envelope]]);
    expect(both.got).toEqual([["sockeye:event", envelope]]);
  });

  it.each<[string, Partial<BroadcastOptions>]>([
    ["volatile", { flags: { volatile: true } }],
    ["local", { flags: { local: true } }],
    ["to all but some room", { except: new Set(["others"]) }],
    ["to all but several", { except: new Set(["s1", "s2"]) }],
  ])("is not kept if it is %s", (_what, options) => {
    site.send({ rooms: new Set(["doc:1"]), ...options }, "edit");
    expect(site.rooms.history("doc:1")).toEqual([]);
  });

  it("knows the socket that sent it", () => {
    site.enter("s1");
    site.send({ rooms: new Set(["doc:1"]), except: new Set(["s1"]) }, "edit");
    expect(site.rooms.history("doc:1")).toEqual([
      { position: "epoch1.1", event: "edit", args: [], from: "s1" },
    ]);
  });

  it("is what was sent, whatever the app does with it afterwards", () => {
    const change = { text: "a" };
    site.emit("doc:1", "edit", change);
    change.text = "b";
    expect(site.rooms.history("doc:1")).toMatchObject([{ args: [{ text: "a" }] }]);
  });

  it("a room without a rule is as ever", () => {
    const plain = site.enter("p");
    plain.join(["free"]);
    site.emit("free", "edit");
    expect(plain.got).toEqual([["edit"]]);
    expect(site.rooms.position("free")).toBeUndefined();
  });
});

describe("joining", () => {
  it("gives what was missed, in order, and then what comes", async () => {
    for (let n = 1; n <= 3; n++) site.emit("doc:1", "edit", n);
    const client = site.enter("a");
    expect(await client.ask("sockeye:join", { room: "doc:1", since: "epoch1.1" })).toMatchObject({
      complete: true,
      position: "epoch1.3",
    });
    site.emit("doc:1", "edit", 4);
    expect(client.positions).toEqual(["epoch1.2", "epoch1.3", "epoch1.4"]);
  });

  it.each([
    ["too long ago", "epoch1.1"],
    ["another epoch", "other.1"],
    ["the future", "epoch1.z"],
  ])("is not complete since a position of %s", async (_what, since) => {
    for (let n = 1; n <= 7; n++) site.emit("doc:1", "edit", n);
    expect(await site.enter("a").ask("sockeye:join", { room: "doc:1", since })).toMatchObject({
      complete: false,
    });
  });

  it.each([
    ["at once, and says so later", true],
    ["only later", false],
  ])(
    "gives what was missed before what comes, where the adapter lets a client in %s",
    async (_when, atOnce) => {
      for (let n = 1; n <= 3; n++) site.emit("doc:1", "edit", n);
      const client = site.admit(new Late(site, atOnce));
      const joining = client.ask("sockeye:join", { room: "doc:1", since: "epoch1.1" });
      site.emit("doc:1", "edit", 4);
      expect(await joining).toMatchObject({ complete: true, position: "epoch1.4" });
      site.emit("doc:1", "edit", 5);
      const seen = new Set<unknown>();
      const inOrder = client.positions.filter((position) => !seen.has(position) && seen.add(position));
      expect(inOrder).toEqual(["epoch1.2", "epoch1.3", "epoch1.4", "epoch1.5"]);
    },
  );

  it("is not complete if what was kept is lost while the adapter lets a client in", async () => {
    site.emit("doc:1", "edit", 1);
    const client = site.admit(new Late(site, false));
    const joining = client.ask("sockeye:join", { room: "doc:1", since: "epoch1.1" });
    for (let n = 2; n <= 9; n++) site.emit("doc:1", "edit", n);
    expect(await joining).toMatchObject({ complete: false, position: "epoch1.9" });
  });

  it("gives the last value to whoever asks for nothing, until it is cleared", async () => {
    site.emit("last", "temperature", 20);
    site.emit("last", "temperature", 21);
    const client = site.enter("a");
    await client.ask("sockeye:join", { room: "last" });
    expect(client.envelopes).toMatchObject([{ event: "temperature", args: [21] }]);
    site.rooms.clear("last");
    const late = site.enter("b");
    await late.ask("sockeye:join", { room: "last" });
    expect(late.envelopes).toEqual([]);
  });

  it("ends when the server puts the client out, which is told", async () => {
    const client = site.enter("a");
    await client.ask("sockeye:join", { room: "doc:1" });
    client.leave("doc:1");
    site.emit("doc:1", "edit");
    expect(client.got).toEqual([["sockeye:left", { room: "doc:1" }]]);
    expect([...client.joined]).toEqual(["a"]);
  });

  it("ends by the client's wish, which is not told", async () => {
    const client = site.enter("a");
    await client.ask("sockeye:join", { room: "doc:1" });
    expect(await client.ask("sockeye:leave", { room: "doc:1" })).toEqual({ room: "doc:1" });
    expect(client.got).toEqual([]);
    expect([...client.joined]).toEqual(["a"]);
  });
});

describe("publishing", () => {
  it("comes to all members with who it is from, and is kept once however often it is tried", async () => {
    const [one, other] = [site.enter("a"), site.enter("b")];
    for (const client of [one, other]) await client.ask("sockeye:join", { room: "doc:1" });
    const publication = { room: "doc:1", event: "edit", args: [1], id: "x1" };
    expect(await one.ask("sockeye:publish", publication)).toEqual({ room: "doc:1", position: "epoch1.1" });
    expect(await one.ask("sockeye:publish", publication)).toEqual({
      room: "doc:1",
      position: "epoch1.1",
      repeated: true,
    });
    expect(other.envelopes).toEqual([
      { room: "doc:1", position: "epoch1.1", event: "edit", args: [1], id: "x1", from: "a" },
    ]);
    expect(site.rooms.history("doc:1")).toHaveLength(1);
  });

  it.each(["connect", "disconnect", "sockeye:event", "sockeye:left"])(
    "an event may not be called %s",
    async (event) => {
      expect(await site.enter("a").ask("sockeye:publish", { room: "doc:1", event, args: [] })).toBe(
        "ERR_ROOM_REQUEST",
      );
    },
  );
});

describe("permission", () => {
  const ACTS: readonly (readonly [string, object])[] = [
    ["sockeye:join", {}],
    ["sockeye:publish", { event: "edit", args: [] }],
    ["sockeye:history", {}],
    ["sockeye:presence", { set: 1 }],
    ["sockeye:presence", { clear: true }],
    ["sockeye:presence", {}],
  ];

  it.each(ACTS)(
    "%s %j is refused alike where there is no rule, no authorize, or a no",
    async (event, argument) => {
      site.rooms.declare("closed", { keep: "last" });
      site.rooms.declare("no", { authorize: () => false });
      site.rooms.declare("never", { authorize: () => Promise.resolve(false) });
      site.rooms.declare("odd", { authorize: () => "yes" as never });
      const client = site.enter("a");
      for (const room of ["unknown", "closed", "no", "never", "odd"])
        expect(await client.ask(event, { room, ...argument })).toBe("ERR_ROOM_FORBIDDEN");
      expect([...client.joined]).toEqual(["a"]);
      expect(site.errors).toEqual([]);
    },
  );

  it("is asked once for a socket, room and action, until it is revoked", async () => {
    const asked: unknown[] = [];
    site.rooms.declare("asked", { authorize: (_socket, request) => asked.push(request) > 0 });
    const client = site.enter("a");
    for (let n = 0; n < 2; n++) await client.ask("sockeye:join", { room: "asked" });
    await client.ask("sockeye:history", { room: "asked" });
    expect(asked).toEqual([
      { room: "asked", action: "join", params: [] },
      { room: "asked", action: "history", params: [] },
    ]);
    site.rooms.revoke("asked", "a");
    expect([...client.joined]).toEqual(["a"]);
    await client.ask("sockeye:join", { room: "asked" });
    expect(asked).toHaveLength(3);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no database");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no database"))],
  ])("whose check %s is refused, and the app is told", async (_what, authorize) => {
    site.rooms.declare("broken", { authorize });
    expect(await site.enter("a").ask("sockeye:join", { room: "broken" })).toBe("ERR_INTERNAL");
    expect(site.errors).toMatchObject([{ message: "no database" }]);
  });

  it("is kept for no more than 1,000 rooms of a socket: then it is asked again", async () => {
    let asked = 0;
    site.rooms.declare("many:+", { authorize: () => ++asked < 0 });
    const client = site.enter("a");
    for (let n = 0; n < 1001; n++) await client.ask("sockeye:join", { room: `many:${n}` });
    await client.ask("sockeye:join", { room: "many:0" });
    expect(asked).toBe(1002);
  });

  it("comes too late for a client that has gone", async () => {
    let decide: (yes: boolean) => void = () => {};
    site.rooms.declare("slow", {
      authorize: () =>
        new Promise<boolean>((resolve) => {
          decide = resolve;
        }),
    });
    const client = site.enter("a");
    const answer = client.ask("sockeye:join", { room: "slow" });
    client.go();
    decide(true);
    expect(await answer).toBe("ERR_ROOM_FORBIDDEN");
    expect([...client.joined]).toEqual(["a"]);
  });
});

describe("what makes no sense is refused", () => {
  const BAD: readonly (readonly [string, unknown])[] = [
    ["sockeye:join", undefined],
    ["sockeye:join", null],
    ["sockeye:join", "doc:1"],
    ["sockeye:join", []],
    ["sockeye:join", {}],
    ["sockeye:join", { room: "" }],
    ["sockeye:join", { room: 7 }],
    ["sockeye:join", { room: "x".repeat(256) }],
    ["sockeye:join", { room: "doc:1", since: "soon" }],
    ["sockeye:join", { room: "doc:1", since: {} }],
    ["sockeye:publish", { room: "doc:1", event: "", args: [] }],
    ["sockeye:publish", { room: "doc:1", event: "edit" }],
    ["sockeye:publish", { room: "doc:1", event: "edit", args: {} }],
    ["sockeye:publish", { room: "doc:1", event: "edit", args: [], id: 7 }],
    ["sockeye:history", { room: "doc:1", limit: 0 }],
    ["sockeye:history", { room: "doc:1", limit: 1.5 }],
    ["sockeye:history", { room: "doc:1", before: "first" }],
    ["sockeye:presence", { room: "doc:1", after: 7 }],
  ];
  it.each(BAD)("%s %j", async (event, argument) => {
    expect(await site.enter("a").ask(event, argument)).toBe("ERR_ROOM_REQUEST");
  });

  it("without an acknowledgement nobody is told, and nothing breaks", () => {
    const client = site.enter("a");
    for (const [event, argument] of BAD) site.rooms.request(client, [event, argument]);
    expect(site.errors).toEqual([]);
  });
});

describe("history", () => {
  it("comes page by page, and is empty for positions of another epoch", async () => {
    for (let n = 1; n <= 5; n++) site.emit("doc:1", "edit", n);
    const client = site.enter("a");
    const numbers = async (options: object): Promise<unknown> => {
      const answer = (await client.ask("sockeye:history", { room: "doc:1", ...options })) as {
        events: { args: unknown[] }[];
      };
      return answer.events.map(({ args }) => args[0]);
    };
    expect(await numbers({ limit: 2 })).toEqual([4, 5]);
    expect(await numbers({ limit: 2, before: "epoch1.4" })).toEqual([2, 3]);
    expect(await numbers({ limit: 2, after: "epoch1.1" })).toEqual([2, 3]);
    expect(await numbers({ after: "other.1" })).toEqual([]);
  });

  it("is bounded in what one client may be sent in ten seconds", async () => {
    site = new Site({ maxCatchUpBytes: 1000 });
    site.rooms.declare("doc:+", OPEN);
    site.emit("doc:1", "edit", "x".repeat(600));
    const client = site.enter("a");
    const ask = (): Promise<unknown> => client.ask("sockeye:join", { room: "doc:1", since: "last:5" });
    expect(await ask()).toMatchObject({ complete: true });
    expect(await ask()).toBe("ERR_ROOM_LIMIT");
    expect(client.envelopes).toHaveLength(1);
    site.clock.advance(10_000);
    expect(await ask()).toMatchObject({ complete: true });
  });

  it("is bounded in all: what was used longest ago is forgotten, and never in silence", async () => {
    site = new Site({ maxKeptBytes: 1000 });
    site.rooms.declare("doc:+", OPEN);
    site.emit("doc:1", "edit", "x".repeat(600));
    const position = site.rooms.position("doc:1");
    site.emit("doc:2", "edit", "x".repeat(600));
    expect(site.rooms.keptBytes).toBeLessThanOrEqual(1000);
    site.emit("doc:1", "edit", 2);
    const client = site.enter("a");
    expect(await client.ask("sockeye:join", { room: "doc:1", since: "last:2" })).toMatchObject({
      complete: false,
    });
    expect(await client.ask("sockeye:join", { room: "doc:1", since: position })).toMatchObject({
      complete: true,
    });
  });

  it("is bounded in rooms", () => {
    site = new Site({ maxKeptRooms: 100 });
    site.rooms.declare("doc:+", OPEN);
    for (let n = 0; n < 1000; n++) site.emit(`doc:${n}`, "edit");
    expect(site.rooms.history("doc:999")).toHaveLength(1);
    expect(site.rooms.history("doc:1")).toEqual([]);
    expect(site.rooms.keptBytes).toBeLessThan(100 * 500);
  });

  it("goes when it is too old, also where nobody looks", () => {
    site.emit("doc:1", "edit");
    site.clock.advance(3_600_000 + 60_000);
    expect(site.rooms.keptBytes).toBe(0);
    expect(site.clock.pendingTimers).toBe(0);
  });
});

describe("presence", () => {
  const members = (answer: unknown): unknown => (answer as { members: unknown }).members;

  it("is told in one message to all who are there, and to whoever joins", async () => {
    const [ann, bob] = [site.enter("ann"), site.enter("bob")];
    for (const client of [ann, bob]) {
      await client.ask("sockeye:join", { room: "doc:1" });
      expect(await client.ask("sockeye:presence", { room: "doc:1", set: { cursor: 1 } })).toMatchObject({
        key: client.id,
      });
    }
    expect(ann.got).toEqual([]);
    site.clock.advance(100);
    const joined = [
      { key: "ann", value: { cursor: 1 }, state: "here" },
      { key: "bob", value: { cursor: 1 }, state: "here" },
    ];
    const change = { room: "doc:1", joined, updated: [], away: [], left: [], count: 2 };
    expect(ann.got).toEqual([["sockeye:presence", change]]);
    const eve = site.enter("eve");
    expect(members(await eve.ask("sockeye:join", { room: "doc:1" }))).toEqual(joined);
    site.rooms.setAway("bob", true);
    ann.go();
    site.clock.advance(100);
    expect(eve.got).toEqual([
      [
        "sockeye:presence",
        { room: "doc:1", joined: [], updated: [], away: ["bob"], left: ["ann"], count: 1 },
      ],
    ]);
  });

  it.each([
    [
      "who is not in the room",
      async (client: Client) => client.ask("sockeye:presence", { room: "doc:1", set: 1 }),
    ],
    [
      "where nobody is shown",
      async (client: Client) => {
        await client.ask("sockeye:join", { room: "last" });
        return client.ask("sockeye:presence", { room: "last", set: 1 });
      },
    ],
  ])("is not for those %s", async (_who, act) => {
    expect(await act(site.enter("ann"))).toBe("ERR_ROOM_FORBIDDEN");
  });

  it("has small values", async () => {
    const client = site.enter("ann");
    await client.ask("sockeye:join", { room: "doc:1" });
    expect(await client.ask("sockeye:presence", { room: "doc:1", set: "x".repeat(5000) })).toBe(
      "ERR_ROOM_LIMIT",
    );
  });

  it("of 1,000 who come in a second costs each member no more than 1,000 entries", async () => {
    const watcher = site.enter("000");
    await watcher.ask("sockeye:join", { room: "doc:1" });
    for (let n = 0; n < 1000; n++) {
      const client = site.enter(`${n + 1}`.padStart(3, "0").concat("-tab"));
      client.join(["doc:1"]);
      await client.ask("sockeye:join", { room: "doc:1" });
      await client.ask("sockeye:presence", { room: "doc:1", set: n });
      site.clock.advance(1);
    }
    site.clock.advance(100);
    const told = watcher.got.filter(([event]) => event === "sockeye:presence");
    expect(told.length).toBeLessThanOrEqual(11);
    const entries = told.flatMap(
      ([, change]) => (change as { joined: unknown[]; updated: unknown[] }).joined,
    );
    expect(entries.length).toBeLessThanOrEqual(1000);
  });
});

describe("presence by the server", () => {
  const shown = (room = "doc:1"): unknown => site.rooms.presence(room)?.page(10);

  it("shows a plain member, which is away with its connection and gone with the room", () => {
    const plain = site.enter("bot");
    plain.join(["doc:1"]);
    site.rooms.setPresence("doc:1", plain, { busy: true });
    expect(shown()).toEqual([{ key: "bot", value: { busy: true }, state: "here" }]);
    site.rooms.setAway("bot", true);
    expect(shown()).toMatchObject([{ state: "away" }]);
    plain.leave("doc:1");
    expect(shown()).toEqual([]);
    // It is no member by the room protocol, and is told nothing.
    expect(plain.got).toEqual([]);
  });

  it("ends with the socket, or when the server says so; its bytes are free again", () => {
    const bot = site.enter("bot");
    for (let n = 0; n < 10; n++) {
      site.rooms.setPresence(`doc:${n}`, bot, "x".repeat(3000));
      expect(site.rooms.presence(`doc:${n}`)?.count).toBe(1);
      site.rooms.clearPresence(`doc:${n}`, "bot");
      expect(site.rooms.presence(`doc:${n}`)?.count).toBe(0);
    }
    site.rooms.setPresence("doc:1", bot, 1);
    bot.go();
    expect(shown()).toEqual([]);
  });

  it.each<[string, string, unknown]>([
    ["there is no rule", "elsewhere", 1],
    ["the rule shows nobody", "last", 1],
    ["the value is too big", "doc:1", "x".repeat(5000)],
    ["the value cannot be sent", "doc:1", 1n],
  ])("is an error of the app's if %s", (_why, room, value) => {
    expect(() => site.rooms.setPresence(room, site.enter("bot"), value)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
    expect(shown()).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["rejects", () => Promise.reject(new Error("mine"))],
    [
      "returns what rejects when it is asked",
      // biome-ignore lint/suspicious/noThenProperty: that is the attack
      () => ({ then: (_: unknown, no: (error: Error) => void) => no(new Error("mine")) }),
    ],
  ])("a listener that %s stops nobody, and is told of", async (_what, onPresence) => {
    site.rooms.declare("seen:+", {
      presence: ({ id }) => id,
      authorize: () => true,
      onPresence: onPresence as () => void,
    });
    const member = site.enter("ann");
    await member.ask("sockeye:join", { room: "seen:1" });
    for (const set of [1, 2]) {
      await member.ask("sockeye:presence", { room: "seen:1", set });
      site.clock.advance(100);
    }
    await Promise.resolve();
    expect(member.got).toHaveLength(2);
    expect(site.errors).toMatchObject([{ message: "mine" }, { message: "mine" }]);
  });

  it("is heard as the members hear it, many at once; what the listener throws stops nobody", async () => {
    const heard: unknown[] = [];
    site.rooms.declare("seen:+", {
      presence: ({ id }) => id,
      authorize: () => true,
      onPresence: (change, at) => {
        heard.push([at.room, change.joined.map(({ key }) => key), change.left]);
        throw new Error("mine");
      },
    });
    const [member, bot] = [site.enter("ann"), site.enter("bot")];
    await member.ask("sockeye:join", { room: "seen:1" });
    await member.ask("sockeye:presence", { room: "seen:1", set: 1 });
    site.rooms.setPresence("seen:1", bot, 2);
    site.clock.advance(100);
    bot.go();
    site.clock.advance(100);
    expect(heard).toEqual([
      ["seen:1", ["ann", "bot"], []],
      ["seen:1", [], ["bot"]],
    ]);
    expect(member.got.map(([event]) => event)).toEqual(["sockeye:presence", "sockeye:presence"]);
    expect(site.errors).toHaveLength(2);
  });

  it("keeps a room from being forgotten", () => {
    const small = new Site({ maxKeptRooms: 2 });
    small.rooms.declare("doc:+", OPEN);
    small.rooms.setPresence("doc:1", small.enter("bot"), 1);
    for (let n = 2; n < 9; n++) small.rooms.position(`doc:${n}`);
    expect(small.rooms.presence("doc:1")?.count).toBe(1);
  });
});

it("leaves nothing when it is closed", async () => {
  const client = site.enter("ann");
  await client.ask("sockeye:join", { room: "doc:1" });
  await client.ask("sockeye:presence", { room: "doc:1", set: 1 });
  site.emit("doc:1", "edit");
  expect(site.clock.pendingTimers).toBeGreaterThan(0);
  site.rooms.close();
  expect(site.clock.pendingTimers).toBe(0);
  expect(site.rooms.keptBytes).toBe(0);
});
