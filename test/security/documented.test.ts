import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

// docs/security.md is a promise; this holds it to the tests.

const document = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
const FAMILIES = [
  "admission",
  "handshake",
  "origins",
  "polling",
  "streams",
  "lanes",
  "websocket",
  "packets",
  "memory",
  "client",
  "peers",
  "resume",
  "costs",
  "parsers",
  "pieces",
  "batches",
] as const;
const sources = new Map(
  FAMILIES.map((name) => [
    name as string,
    readFileSync(new URL(`./${name}.test.ts`, import.meta.url), "utf8"),
  ]),
);

/** Those that stand beside what they attack. */
const ELSEWHERE = {
  machines: "../../packages/contract/test/stream-attacks.test.ts",
  calls: "../../packages/contract/test/call-attacks.test.ts",
  forwarding: "../cluster/forwarding.test.ts",
  servers: "../cluster/servers.test.ts",
  recovery: "../cluster/recovery.test.ts",
  log: "../../packages/conformance/src/comes-back.ts",
  nodes: "../../packages/cluster/test/cluster.test.ts",
  frames: "../../packages/cluster/test/wire.test.ts",
};
for (const [name, file] of Object.entries(ELSEWHERE))
  sources.set(name, readFileSync(new URL(file, import.meta.url), "utf8"));

/** Ids of the catalogue of advisories, in its families. */
const ROWS = [
  ["S", 25],
  ["W", 9],
  ["J", 4],
  ["P", 1],
  ["F", 3],
  ["D", 4],
  ["C", 1],
  ["X", 2],
] as const;

describe("docs/security.md", () => {
  const references = [...document.matchAll(/\| (\w+): `([^`]+)` +\|$/gm)].map(
    ([, family = "", name = ""]) => ({ family, name }),
  );

  it("refers to tests", () => {
    expect(references.length).toBeGreaterThan(60);
  });

  it.each(references)("$family has $name", ({ family, name }) => {
    expect(sources.get(family)).toContain(name);
  });

  const files = [
    ...new Set([...document.matchAll(/`(packages\/[^`]+\.test\.ts)`/g)].map(([, file = ""]) => file)),
  ];

  it.each(files)("names %s, which is there", (file) => {
    expect(existsSync(new URL(`../../${file}`, import.meta.url))).toBe(true);
  });

  it.each(ROWS.flatMap(([letter, count]) => Array.from({ length: count }, (_, n) => `${letter}${n + 1}`)))(
    "has row %s",
    (id) => {
      expect(document).toMatch(new RegExp(`^\\|[^|]*\\b${id}\\b`, "m"));
    },
  );
});
