import { describe, expect, it } from "vitest";
import { RuleTable } from "../src/rule-table.js";

describe("the rule of a room", () => {
  const table = new RuleTable<string>();
  const rules = ["doc:#", "doc:+", "doc:7", "sensor/+/temperature", "#general", "doc:+:notes"];
  for (const rule of rules) table.add(rule, rule);
  table.add(/^user-\d+$/g, "a user");
  table.add(/^user/, "another user");

  it.each([
    ["doc:7", "doc:7"],
    ["doc:8", "doc:+"],
    ["doc:8:notes", "doc:+:notes"],
    ["doc:8:log", "doc:#"],
    ["doc:a/b", "doc:#"],
    ["doc:", undefined],
    ["doc", undefined],
    ["sensor/a/temperature", "sensor/+/temperature"],
    ["sensor/a/b/temperature", undefined],
    ["sensor//temperature", undefined],
    ["sensor/a/temperature/", undefined],
    ["#general", "#general"],
    ["general", undefined],
    ["user-1", "a user"],
    ["user-x", "another user"],
    ["xdoc:7", undefined],
    ["doc:8\nx", "doc:+"],
  ])("%j: %s", (room, rule) => {
    for (let times = 0; times < 3; times++) expect(table.find(room)?.rule).toBe(rule);
  });

  it.each([
    ["doc:7", []],
    ["doc:8", ["8"]],
    ["doc:8:notes", ["8"]],
    ["doc:a/b", ["a/b"]],
    ["sensor/a/temperature", ["a"]],
    ["#general", []],
    ["team-7-x", ["7", "x"]],
    ["team-7", ["7", ""]],
  ])("%j stands for these levels: %j", (room, params) => {
    const more = new RuleTable<string>();
    for (const rule of rules) more.add(rule, rule);
    more.add(/^team-(\d+)(?:-(\w+))?$/, "a team");
    for (let times = 0; times < 2; times++) expect(more.find(room)?.params).toEqual(params);
  });

  it.each([
    ["#:doc", "at the end only"],
    ["doc:+", "neither of them is more specific"],
    ["+:7", undefined],
    ["doc/+", undefined],
    ["doc:7", "has a rule already"],
    ["", "empty"],
    ["sensor/a/+", undefined],
    ["sensor/+/+", undefined],
    ["+/+/temperature", undefined],
  ])("a rule for %j is taken, or says why not: %s", (rooms, why) => {
    const fresh = new RuleTable<string>();
    for (const rule of rules) fresh.add(rule, rule);
    const add = (): void => fresh.add(rooms, "new");
    if (why === undefined) expect(add).not.toThrow();
    else
      expect(add).toThrow(
        expect.objectContaining({ code: "ERR_BAD_OPTION", message: expect.stringContaining(why) }),
      );
  });

  it("is ambiguous between two that differ in words only and mean the same room", () => {
    const fresh = new RuleTable<string>();
    fresh.add("+:b", "one");
    expect(() => fresh.add("+:c", "other")).not.toThrow();
    expect(() => fresh.add("+:+", "all")).not.toThrow();
    expect(fresh.find("a:b")?.rule).toBe("one");
    expect(fresh.find("a:d")?.rule).toBe("all");
  });

  it("takes names of expressions as they stand", () => {
    const fresh = new RuleTable<string>();
    fresh.add("a.b(c)*:+", "rule");
    expect(fresh.find("a.b(c)*:x")?.rule).toBe("rule");
    expect(fresh.find("axb(c)*:x")?.rule).toBeUndefined();
  });
});
