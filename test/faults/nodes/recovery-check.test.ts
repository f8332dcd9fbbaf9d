import { expect, test } from "vitest";
import { Heard, untold } from "./recovery-check.js";

/** A conversation as text: `=id` connects, `+id` comes back recovered, `@node` says where; `n` is said then. */
function heard(script: string): Heard {
  const it = new Heard("it");
  let id = "";
  for (const [at, word] of script.split(" ").entries()) {
    const rest = word.slice(1);
    if (word[0] === "@") it.at(rest);
    else if (word[0] === "=" || word[0] === "+") {
      id = rest;
      it.connected(rest, word[0] === "+");
    } else it.got(id, "key", { n: Number(word), at: at * 1_000 });
  }
  return it;
}

test.each([
  ["=a @x 5 6 7", []],
  ["=a @x 5 6 =b @y 9 10", []],
  ["=a @x 5 6 +a @y 7 8", []],
  ["=a @x 5 6 6", ["it at x: 6 after 6 of key"]],
  ["=a @x 5 6 5", ["it at x: 5 after 6 of key"]],
  ["=a @x 5 6 +a @y 6", ["it at y: 6 after 6 of key"]],
  ["=a @x 5 +b @y 6", ["it is recovered as b and was a"]],
  ["=a @x 5 7", ["it at x: 7 after 5 of key"]],
  ["=a @x 5 +a @y 7 8", ["it at y: 7 after 5 of key, and it was told `recovered`"]],
] as const)("%s", (script, violations) => {
  const { violations: found, holes } = heard(script);
  expect([...found, ...untold(holes, [])]).toEqual(violations);
});

test.each([
  [[], 1],
  [[{ node: "x", at: 3_000 }], 0],
  [[{ node: "x", at: 17_000 }], 0],
  [[{ node: "x", at: 60_000 }], 1],
  [[{ node: "other", at: 3_000 }], 1],
])("a hole of which a node was told, by %j", (gaps, count) => {
  expect(untold(heard("=a @x 5 7").holes, gaps)).toHaveLength(count);
});
