import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Presence, PresenceList } from "../src/presence-list.js";

const here = (key: string, value: unknown): Presence => ({ key, value, state: "here" });

describe("who is in a room", () => {
  it("tells who came, changed, is away and went, once each", () => {
    const list = new PresenceList();
    list.set("s1", "ann", 1);
    list.set("s2", "bob", 1);
    expect(list.takeChange()).toEqual({
      joined: [here("ann", 1), here("bob", 1)],
      updated: [],
      away: [],
      left: [],
    });
    list.set("s1", "ann", 2);
    list.setAway("s2", true);
    expect(list.takeChange()).toEqual({ joined: [], updated: [here("ann", 2)], away: ["bob"], left: [] });
    list.setAway("s2", false);
    list.remove("s1");
    expect(list.takeChange()).toEqual({ joined: [], updated: [here("bob", 1)], away: [], left: ["ann"] });
    expect(list.takeChange()).toBeUndefined();
  });

  it("folds the tabs of one person: the last to be set counts, away only if all are", () => {
    const list = new PresenceList();
    list.set("tab1", "ann", "one");
    list.set("tab2", "ann", "two");
    expect(list.page(10)).toEqual([here("ann", "two")]);
    list.setAway("tab2", true);
    expect(list.page(10)).toEqual([here("ann", "two")]);
    list.remove("tab2");
    expect(list.page(10)).toEqual([here("ann", "one")]);
    list.setAway("tab1", true);
    expect(list.page(10)).toEqual([{ key: "ann", value: "one", state: "away" }]);
    expect(list.count).toBe(1);
  });

  it("says nothing of whoever came and went in between", () => {
    const list = new PresenceList();
    list.set("s1", "ann", 1);
    list.remove("s1");
    expect(list.takeChange()).toBeUndefined();
  });

  it("a socket that becomes somebody else has left as who it was", () => {
    const list = new PresenceList();
    list.set("s1", "ann", 1);
    list.takeChange();
    list.set("s1", "bob", 1);
    expect(list.takeChange()).toEqual({ joined: [here("bob", 1)], updated: [], away: [], left: ["ann"] });
  });

  it("pages in the order of keys, each once", () => {
    const list = new PresenceList();
    for (let n = 0; n < 25; n++) list.set(`s${n}`, `k${n}`, n);
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = list.page(10, after);
      if (page.length === 0) break;
      seen.push(...page.map(({ key }) => key));
    }
    expect(seen).toEqual([...seen].sort());
    expect(new Set(seen).size).toBe(25);
  });

  it("whoever applies all changes has the list, whenever they were taken", () => {
    const act = fc.record({
      socket: fc.constantFrom("a", "b", "c", "d"),
      key: fc.constantFrom("ann", "bob"),
      kind: fc.constantFrom("set", "away", "back", "remove", "take"),
      value: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        const list = new PresenceList();
        const mine = new Map<string, Presence>();
        const take = (): void => {
          const change = list.takeChange();
          for (const each of change?.joined ?? []) {
            expect(mine.has(each.key)).toBe(false);
            mine.set(each.key, each);
          }
          for (const each of change?.updated ?? []) mine.set(each.key, each);
          for (const key of change?.away ?? [])
            mine.set(key, { ...(mine.get(key) as Presence), state: "away" });
          for (const key of change?.left ?? []) expect(mine.delete(key)).toBe(true);
        };
        for (const { kind, socket, key, value } of acts) {
          if (kind === "set") list.set(socket, key, value);
          else if (kind === "remove") list.remove(socket);
          else if (kind === "take") take();
          else list.setAway(socket, kind === "away");
        }
        take();
        const sorted = [...mine.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
        expect(sorted).toEqual(list.page(100));
      }),
    );
  });
});

describe("of very many", () => {
  it("a page is in the order of the keys, whoever comes and goes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.string({ maxLength: 3 }))), fc.nat(5), (acts, limit) => {
        const list = new PresenceList();
        const there = new Set<string>();
        for (const [comes, key] of acts) {
          if (comes) list.set(`of ${key}`, key, 1);
          else list.remove(`of ${key}`);
          if (comes) there.add(key);
          else there.delete(key);
        }
        const sorted = [...there].sort();
        for (const after of [undefined, "", "a", ...sorted]) {
          const expected = sorted.filter((key) => after === undefined || key > after).slice(0, limit);
          expect(list.page(limit, after).map(({ key }) => key)).toEqual(expected);
        }
      }),
    );
  });

  it("so many changes are told at once as are asked for, and the others then", () => {
    const list = new PresenceList();
    for (let n = 0; n < 5; n++) list.set(`s${n}`, `k${n}`, n);
    expect(list.takeChange(2)?.joined.map(({ key }) => key)).toEqual(["k0", "k1"]);
    expect(list.changed).toBe(true);
    expect(list.takeChange(9)?.joined.map(({ key }) => key)).toEqual(["k2", "k3", "k4"]);
    expect(list.changed).toBe(false);
  });

  it("bytes are those of the values that are shown", () => {
    const list = new PresenceList();
    list.set("tab1", "ann", "old", 100);
    list.set("tab2", "ann", "new", 7);
    expect(list.bytesOf(list.page(10))).toBe("ann".length + 7);
  });
});
