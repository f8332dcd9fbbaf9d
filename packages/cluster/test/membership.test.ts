import { describe, expect, it } from "vitest";
import { DOWN_MS, FORGET_MS, Membership, type NodeFacts, SUSPECT_MS } from "../src/membership.js";

const facts = (id: string, tag = "tag1"): NodeFacts => ({
  id,
  tag,
  name: `node ${id}`,
  address: undefined,
  key: "k",
});
const idle = { sessions: 0, draining: false };

describe("a node that falls silent", () => {
  it.each<[silentMs: number, state: string | undefined]>([
    [0, "up"],
    [SUSPECT_MS - 1, "up"],
    [SUSPECT_MS, "suspect"],
    [DOWN_MS - 1, "suspect"],
    [DOWN_MS, "down"],
    [FORGET_MS - 1, "down"],
    [FORGET_MS, undefined],
  ])("is, after %i ms, %s", (silentMs, state) => {
    const members = new Membership();
    members.introduced(facts("a"), idle, 0);
    for (let now = 0; now <= silentMs; now += 1000) members.look(now, 1000);
    members.look(silentMs, 1000);
    expect(members.get("a")?.state).toBe(state);
  });

  it("is told of once each time, and again when it is back", () => {
    const members = new Membership();
    const told: string[] = [`${members.introduced(facts("a"), idle, 0)?.change}`];
    for (let now = 1000; now <= 12_000; now += 1000)
      told.push(...members.look(now, 1000).map(({ change }) => `${change} ${now}`));
    told.push(
      `${members.heard("a", undefined, 12_500)?.change}`,
      `${members.heard("a", undefined, 12_600)?.change}`,
    );
    expect(told).toEqual(["joined", "suspected 5000", "lost 10000", "returned", "undefined"]);
  });

  it("is not accused by a process that stood still itself", () => {
    const members = new Membership();
    members.introduced(facts("a"), idle, 0);
    members.look(1000, 1000);
    expect(members.look(61_000, 1000)).toEqual([]);
    expect(members.get("a")?.state).toBe("up");
  });
});

describe("the other nodes", () => {
  it("are found by their tags as long as they are live", () => {
    const members = new Membership();
    members.introduced(facts("a", "aaaa"), idle, 0);
    expect(members.byTag("aaaa")?.id).toBe("a");
    expect(members.byTag("bbbb")).toBeUndefined();
    members.introduced(facts("a", "bbbb"), idle, 0);
    expect([members.byTag("aaaa"), members.byTag("bbbb")?.id]).toEqual([undefined, "a"]);
    members.suspect("a");
    expect(members.byTag("bbbb")).toBeUndefined();
    members.heard("a", undefined, 1);
    members.left("a");
    expect([members.byTag("bbbb"), members.size]).toEqual([undefined, 0]);
  });

  it("are asked for their sessions while their silence says nothing", () => {
    const members = new Membership();
    members.introduced(facts("a", "aaaa"), idle, 0);
    const may = (hearsSince: number | undefined, now: number) => members.mayAnswer("a", hearsSince, now);
    expect([may(0, 4_000), members.mayAnswer("b", undefined, 0)]).toEqual([true, false]);
    for (let now = 1_000; now <= 6_000; now += 1_000) members.look(now, 1_000);
    expect(members.get("a")?.state).toBe("suspect");
    // This node has heard all the time; it does not hear at all; it hears again since lately, and for long enough.
    expect([may(0, 6_000), may(undefined, 6_000), may(5_500, 6_000), may(5_500, 10_500)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    members.suspect("a");
    expect([may(undefined, 6_000), may(5_500, 6_000)]).toEqual([false, false]);
    members.heard("a", undefined, 6_100);
    expect(may(0, 6_200)).toBe(true);
  });

  it("say themselves that they leave", () => {
    const members = new Membership();
    members.introduced(facts("a"), idle, 0);
    members.heard("a", { sessions: 3, draining: true }, 1);
    expect(members.all()).toMatchObject([{ state: "draining", sessions: 3 }]);
    expect(members.live()).toEqual(["a"]);
    expect(members.left("a")?.change).toBe("left");
    expect(members.left("a")).toBeUndefined();
    expect(members.heard("a", idle, 2)).toBeUndefined();
  });
});
