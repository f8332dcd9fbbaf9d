import type { RoomEvent } from "@sockeye/rooms/client";
import { expect, test } from "vitest";
import { Reader, Stored, There } from "./rooms-check.js";

/** What one reader gets, as text: `e.1` is an event, `?e.3` a join that says something is missing, `!e.3` one that says nothing is. */
function read(script: string): readonly string[] {
  const stored = new Stored();
  const reader = new Reader("it", stored);
  for (const word of script.split(" ")) {
    if (word.startsWith("?")) reader.joined({ complete: false, position: word.slice(1) });
    else if (word.startsWith("!")) reader.joined({ complete: true, position: word.slice(1) });
    else reader.got(event(word));
  }
  return [...reader.violations, ...stored.check("room")];
}

function event(position: string, args: readonly unknown[] = [], id?: string): RoomEvent {
  return { position, event: args.length > 0 ? "said" : "told", args, ...(id === undefined ? {} : { id }) };
}

test.each([
  ["!e.0 e.1 e.2", []],
  ["!e.4 e.3 e.4 e.5", []],
  ["e.1 e.3", ["it: a hole (e.1; e.3)"]],
  ["e.1 !e.3 e.3", ["it: a hole (e.1; joined up to e.3; e.3)"]],
  ["e.1 ?e.3 e.3 e.4", []],
  ["e.1 ?e.5 e.3 e.5 e.6", []],
  ["e.1 ?e.3 e.3 e.6", ["it: a hole (e.1; joined, some are missing up to e.3; e.3; e.6)"]],
  ["e.1 e.2 e.2", ["it: had it, or one after it, up to 2 (e.1; e.2; e.2)"]],
  [
    "e.2 ?e.4 e.2 e.3",
    ["it: had it, or one after it, up to 2 (e.2; joined, some are missing up to e.4; e.2)"],
  ],
  ["e.1 f.1", ["it: another epoch, and nothing was told (e.1; f.1)"]],
  ["e.1 ?f.1 f.1 f.2", []],
])("%s", (script, violations) => {
  expect(read(script)).toEqual(violations);
});

test.each([
  [[event("e.1", ["n", 0]), event("e.2", ["n", 1])], []],
  [[event("e.1", ["n", 0]), event("e.2", ["n", 0])], ["room: at e.2 is 0 of n, after 0"]],
  [[event("e.1", ["n", 0]), event("e.2", ["n", 2])], ["room: at e.2 is 2 of n, after 0"]],
  // What nobody has seen may have been what is missing.
  [[event("e.1", ["n", 0]), event("e.3", ["n", 2])], []],
  [[event("e.1", ["n", 1]), event("f.1", ["n", 0])], []],
  [[event("e.1", [], "x"), event("e.2", [], "x")], ["room: x is stored at e.1 and e.2"]],
  [[event("e.1", [], "x"), event("f.1", [], "x")], []],
  [
    [event("e.1", ["n", 1], "x"), event("e.1", ["n", 2], "y")],
    ['it: e.1 is ["said",["n",2],"y",null], and was ["said",["n",1],"x",null]'],
  ],
])("what is stored, %#", (events, violations) => {
  const stored = new Stored();
  for (const each of events) stored.note(each, "it");
  expect(stored.check("room")).toEqual(violations);
});

test("who is there makes sense of what was told before", () => {
  const there = new There("it", true);
  const nothing = { joined: [], updated: [], away: [], left: [] };
  const ann = { key: "ann", value: 1, state: "here" } as const;
  there.apply({ ...nothing, joined: [ann] });
  there.apply({ ...nothing, away: ["ann"] });
  there.apply({ ...nothing, updated: [ann] });
  expect([...there]).toEqual([["ann", { value: 1, state: "here" }]]);
  expect(there.violations).toEqual([]);
  there.apply({ ...nothing, joined: [ann], left: ["bob"] });
  expect(there.violations).toEqual(["it: ann joins twice", "it: bob leaves, and was not there"]);
});
