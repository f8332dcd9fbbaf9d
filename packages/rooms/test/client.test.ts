import { type Joined, type PresenceChange, RoomError, type RoomEvent } from "@sockeye/rooms/client";
import { beforeEach, describe, expect, it } from "vitest";
import { Follower } from "../src/client/follower.js";
import { drain, Link, settle } from "./link.js";
import { Site } from "./site.js";

let site: Site;
let link: Link;
let mayJoin: boolean;
beforeEach(() => {
  site = new Site();
  mayJoin = true;
  site.rooms.declare("doc:+", {
    keep: { count: 5, age: "1h" },
    presence: ({ id }) => id.split("-")[0],
    authorize: (_socket, { action }) => mayJoin || action !== "join",
  });
  site.rooms.declare("free", { presence: ({ id }) => id, authorize: () => true });
  link = new Link("ann", site.clock);
  link.connect(site);
});

async function settled<T>(promise: Promise<T>): Promise<T> {
  let result: { value: T } | { error: unknown } | undefined;
  promise.then(
    (value) => (result = { value }),
    (error: unknown) => (result = { error }),
  );
  while (result === undefined) await drain(link);
  if ("error" in result) throw result.error;
  return result.value;
}

describe("a room", () => {
  it("is the same for the same name", () => {
    expect(link.room("doc:1")).toBe(link.room("doc:1"));
    expect(link.room("doc:1")).not.toBe(link.room("doc:2"));
  });

  it("is joined: what was asked for comes before the promise resolves, and then what is new", async () => {
    for (let n = 1; n <= 3; n++) site.emit("doc:1", "said", n);
    const room = link.room("doc:1");
    const notes: unknown[] = [];
    room.onJoin((joined) => notes.push(joined));
    room.on("said", (n: number) => notes.push(n));
    const joined = await settled(room.join({ since: "last:2" }));
    expect(joined).toEqual({ complete: true, position: "epoch1.3" });
    expect(notes).toEqual([joined, 2, 3]);
    site.emit("doc:1", "said", 4);
    await drain(link);
    expect([notes.at(-1), room.position, room.joined]).toEqual([4, "epoch1.4", true]);
  });

  it.each([
    ["was cut off", 3, true],
    ["was cut off for more than is kept", 6, false],
  ])("that %s says whether something is missing", async (_, missed, complete) => {
    const room = link.room("doc:1");
    const joins: Joined[] = [];
    const heard: unknown[] = [];
    room.onJoin((joined) => joins.push(joined));
    room.onEvent(({ args }) => heard.push(args[0]));
    await settled(room.join());
    link.cut();
    for (let n = 1; n <= missed; n++) site.emit("doc:1", "said", n);
    link.connect(site);
    await drain(link);
    expect(joins.map((each) => each.complete)).toEqual([true, complete]);
    expect(heard).toEqual([1, 2, 3, 4, 5, 6].slice(0, missed).slice(-5));
  });

  it("that keeps nothing is never complete again after a cut", async () => {
    const room = link.room("free");
    const joins: boolean[] = [];
    room.onJoin(({ complete }) => joins.push(complete));
    await settled(room.join());
    link.cut();
    link.connect(site);
    await drain(link);
    expect(joins).toEqual([true, false]);
  });

  it("reads a snapshot, and what comes meanwhile comes behind it", async () => {
    const room = link.room("doc:1");
    const notes: unknown[] = [];
    room.on("said", (n: number) => notes.push(n));
    let loaded: (state: string) => void = () => {};
    const snapshot = room.snapshot(async () => {
      notes.push(await new Promise((resolve) => (loaded = resolve)));
      return notes.length;
    });
    await drain(link);
    site.emit("doc:1", "said", 1);
    await drain(link);
    expect(notes).toEqual([]);
    loaded("state");
    expect(await snapshot).toBe(1);
    site.emit("doc:1", "said", 2);
    await drain(link);
    expect(notes).toEqual(["state", 1, 2]);
  });

  it("that the server does not let in, or puts out, says so", async () => {
    mayJoin = false;
    const room = link.room("doc:1");
    await expect(settled(room.join())).rejects.toMatchObject({
      name: "RoomError",
      code: "ERR_ROOM_FORBIDDEN",
    });
    const outs: unknown[] = [];
    room.onPutOut((error) => outs.push(error));
    mayJoin = true;
    // The verdict was kept for the socket.
    site.rooms.revoke("doc:1", String(link.id));
    await settled(room.join());
    site.rooms.revoke("doc:1", String(link.id));
    await drain(link);
    expect([room.joined, outs]).toEqual([false, [undefined]]);
    await settled(room.join());
    mayJoin = false;
    link.cut();
    link.connect(site);
    await drain(link);
    expect([room.joined, outs[1]]).toEqual([false, expect.any(RoomError)]);
    expect(outs).toHaveLength(2);
  });

  it("that was left stays so, and tells who waits", async () => {
    const room = link.room("doc:1");
    const joining = room.join();
    room.leave();
    expect(await joining).toEqual({ complete: false, position: undefined });
    await settled(room.join());
    room.leave();
    site.emit("doc:1", "said", 1);
    await drain(link);
    link.cut();
    link.connect(site);
    await drain(link);
    expect([room.joined, site.sockets.get(String(link.id))?.joined.has("doc:1")]).toEqual([false, false]);
  });

  it("asks again in ten seconds for what the server could not give", async () => {
    const small = new Site({ maxCatchUpBytes: 100 }, site.clock);
    for (const name of ["one", "two"]) small.rooms.declare(name, { keep: {}, authorize: () => true });
    link.cut();
    link.connect(small);
    const [one, two] = [link.room("one"), link.room("two")];
    await settled(Promise.all([one.join(), two.join()]));
    link.cut();
    for (const name of ["one", "two"]) small.emit(name, "said", "x".repeat(90));
    link.connect(small);
    await drain(link);
    expect([one.joined, two.joined]).toEqual([true, false]);
    site.clock.advance(10_000);
    await drain(link);
    expect([one.joined, two.joined]).toEqual([true, true]);
  });
});

describe("publishing", () => {
  it("comes back to whoever is in the room, in the order of all", async () => {
    const room = link.room("doc:1");
    const heard: RoomEvent[] = [];
    room.onEvent((event) => heard.push(event));
    await settled(room.join());
    const published = await settled(room.publish("said", [1], { id: "mine" }));
    expect(published).toEqual({ position: "epoch1.1", repeated: false, id: "mine" });
    expect(heard).toEqual([{ position: "epoch1.1", event: "said", args: [1], id: "mine", from: link.id }]);
  });

  it("goes on after a cut, once", async () => {
    const room = link.room("doc:1");
    const publishing = room.publish("said", [1]);
    link.up();
    await settle();
    link.cut();
    link.connect(site);
    expect(await settled(publishing)).toMatchObject({ position: "epoch1.1", repeated: true });
    expect(site.rooms.history("doc:1")).toHaveLength(1);
  });

  it("rejects with what the server says, with the reason of a signal, and if too many wait", async () => {
    await expect(settled(link.room("elsewhere").publish("said", []))).rejects.toThrow(RoomError);
    await expect(settled(link.room("doc:1").publish("connect", []))).rejects.toMatchObject({
      code: "ERR_ROOM_REQUEST",
    });
    link.cut();
    const room = link.room("doc:1");
    const gaveUp = new AbortController();
    const waiting = room.publish("said", [1], { signal: gaveUp.signal });
    for (let n = 1; n < 1000; n++) void room.publish("said", [n]).catch(() => {});
    await expect(room.publish("said", [1])).rejects.toMatchObject({ code: "ERR_OUTBOUND_FULL" });
    gaveUp.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

it("history is read page by page", async () => {
  for (let n = 1; n <= 5; n++) site.emit("doc:1", "said", n);
  const room = link.room("doc:1");
  const first = await settled(room.history({ limit: 2 }));
  const second = await settled(room.history({ limit: 2, before: String(first.events[0]?.position) }));
  expect([second, first].map(({ events }) => events.map(({ args }) => args[0]))).toEqual([
    [2, 3],
    [4, 5],
  ]);
  expect(first.position).toBe("epoch1.5");
});

describe("presence", () => {
  it("is set once it is in, again after a cut, and updated in parts", async () => {
    const { presence } = link.room("doc:1");
    const set = presence.set({ name: "Ann", at: 1 });
    await settled(link.room("doc:1").join());
    await settled(set);
    await settled(presence.update({ at: 2 }));
    const shown = (): unknown => site.rooms.presence("doc:1")?.page(9);
    const ann = [{ key: "ann", value: { name: "Ann", at: 2 }, state: "here" }];
    expect(shown()).toEqual(ann);
    link.cut();
    expect(shown()).toEqual([]);
    link.connect(site);
    await drain(link);
    expect(shown()).toEqual(ann);
    await settled(presence.clear());
    expect(shown()).toEqual([]);
  });

  it("sends the newest of what changes faster than the server answers", async () => {
    const { presence } = link.room("doc:1");
    await settled(link.room("doc:1").join());
    const sets = [1, 2, 3].map((n) => presence.set(n));
    let asked = 0;
    while (link.up()) asked++;
    expect(asked).toBe(1);
    await settled(Promise.all(sets));
    expect(site.rooms.presence("doc:1")?.page(9)).toMatchObject([{ value: 3 }]);
  });

  it("of more than a page is read to its end, and a rejoin tells the difference alone", async () => {
    const people = Array.from({ length: 250 }, (_, n) => site.enter(`p${String(n).padStart(3, "0")}-1`));
    for (const person of people) {
      await person.ask("sockeye:join", { room: "doc:1" });
      await person.ask("sockeye:presence", { room: "doc:1", set: 1 });
    }
    site.clock.advance(500);
    const room = link.room("doc:1");
    const changes: PresenceChange[] = [];
    room.presence.on("change", (change) => changes.push(change));
    await settled(room.join());
    await drain(link);
    expect(changes.flatMap(({ joined }) => joined)).toHaveLength(250);
    expect([room.presence.count, room.presence.members.length]).toEqual([250, 250]);
    link.cut();
    people[0]?.go();
    await people[1]?.ask("sockeye:presence", { room: "doc:1", set: 2 });
    site.clock.advance(100);
    changes.length = 0;
    link.connect(site);
    await drain(link);
    expect(changes).toMatchObject([
      { joined: [], updated: [{ key: "p001", value: 2 }], away: [], left: [] },
      { joined: [], updated: [], away: [], left: ["p000"] },
    ]);
    expect(await settled(room.presence.list())).toHaveLength(249);
  });

  it("that is refused rejects, and is not tried again", async () => {
    const { presence } = link.room("doc:1");
    await settled(link.room("doc:1").join());
    await expect(settled(presence.set("x".repeat(5000)))).rejects.toMatchObject({ code: "ERR_ROOM_LIMIT" });
    link.cut();
    link.connect(site);
    await drain(link);
    expect(site.rooms.presence("doc:1")?.count).toBe(0);
  });
});

describe("presence of who is not let in", () => {
  const FORBIDDEN = { code: "ERR_ROOM_FORBIDDEN" };

  it("rejects with the refusal of the first join, and is hidden as it wished", async () => {
    mayJoin = false;
    const { presence } = link.room("doc:1");
    const set = presence.set(1);
    set.catch(() => {});
    await expect(settled(link.room("doc:1").join())).rejects.toMatchObject(FORBIDDEN);
    await expect(settled(set)).rejects.toMatchObject(FORBIDDEN);
    const hidden = presence.clear();
    await expect(settled(link.room("doc:1").join())).rejects.toMatchObject(FORBIDDEN);
    expect(await settled(hidden)).toBeUndefined();
  });

  it("rejects when it is not let in again, or is put out, and not when it leaves", async () => {
    const room = link.room("doc:1");
    await settled(room.join());
    const left = room.presence.set(1);
    room.leave();
    expect(await settled(left)).toBeUndefined();
    await settled(room.join());
    const put = room.presence.set(2);
    site.rooms.revoke("doc:1", String(link.id));
    await expect(settled(put)).rejects.toMatchObject(FORBIDDEN);
    await settled(room.join());
    link.cut();
    const cut = room.presence.set(3);
    mayJoin = false;
    link.connect(site);
    await expect(settled(cut)).rejects.toMatchObject(FORBIDDEN);
  });
});

describe("what a join brings and what flows", () => {
  const at = (position: string) => ({ position, event: "said", args: [] });
  const shown = (events: readonly { readonly position?: string }[]) => events.map(({ position }) => position);

  it.each<[string, string | undefined, string[], string, boolean, string[]]>([
    ["all of it", "e.1", ["e.2", "e.3"], "e.3", true, ["e.2", "e.3"]],
    ["live before kept, and twice", "e.1", ["e.3", "e.2", "e.3"], "e.3", true, ["e.2", "e.3"]],
    ["what was seen", "e.2", ["e.1", "e.2", "e.3"], "e.3", true, ["e.3"]],
    ["a hole", "e.1", ["e.2", "e.4"], "e.4", false, ["e.2", "e.4"]],
    ["the end is missing", "e.1", ["e.2"], "e.3", false, ["e.2"]],
    ["another life", "e.7", ["f.1"], "f.1", false, ["f.1"]],
    ["nothing since nowhere", undefined, [], "e.5", true, []],
    ["the last ones", undefined, ["e.4", "e.5"], "e.5", true, ["e.4", "e.5"]],
  ])("%s", (_, since, come, end, complete, expected) => {
    const follower = new Follower();
    follower.restart(since);
    follower.hold();
    for (const position of come) expect(follower.take(at(position))).toBe("drop");
    const caughtUp = follower.release(end, true);
    expect([caughtUp.complete, shown(caughtUp.events), follower.position]).toEqual([complete, expected, end]);
  });

  it.each([
    ["e.2", "show"],
    ["e.1", "drop"],
    ["e.3", "gap"],
    ["f.2", "gap"],
  ])("behind e.1, %s is %s", (position, verdict) => {
    const follower = new Follower();
    follower.restart("e.1");
    expect(follower.take(at(position))).toBe(verdict);
  });
});
