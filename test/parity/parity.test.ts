import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { claim, type Outcome, readDifferences, type Status, shownBy, unshown, writeParity } from "./check.js";
import { PARITY } from "./rows.js";
import { SHOWN } from "./shown.js";

// docs/parity.md and docs/differences.md are true (reporter.ts sees to that, at the end of a run) and complete (this file sees
// to that). The former is written of rows.ts: `npx vitest run test/parity/parity.test.ts -u`.

const root = fileURLToPath(new URL("../../", import.meta.url));
const claims = PARITY.flatMap(({ title, claims }) =>
  claims.map((each) => ({ ...each, section: title.split(" ")[0] ?? "" })),
);
const differences = readDifferences(readFileSync(`${root}docs/differences.md`, "utf8"), SHOWN);
const SECTIONS = Array.from({ length: 31 }, (_, index) => `1.${index + 1}`);

describe("docs/parity.md", () => {
  it("is what rows.ts says", async () => {
    const [intro = ""] = readFileSync(`${root}docs/parity.md`, "utf8").split("\n## ");
    await expect(writeParity(intro, PARITY)).toMatchFileSnapshot(`${root}docs/parity.md`);
  });

  it("has every section, in order", () => {
    expect([...new Set(claims.map(({ section }) => section))]).toEqual(SECTIONS);
  });

  it("names files that exist", () => {
    const files = new Set(claims.flatMap(({ evidence }) => evidence.map(({ file }) => file)));
    expect([...files].filter((file) => !existsSync(root + file))).toEqual([]);
  });

  it("names rows of docs/differences.md that exist", () => {
    const rows = new Set(differences.map(({ feature }) => feature));
    const named = claims.filter(({ status }) => status === "different").map(({ note }) => note);
    expect(named.filter((row) => !rows.has(row))).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });

  it("says each thing once", () => {
    const rows = claims.map(({ section, feature }) => `${section} ${feature}`);
    expect(rows.filter((row, index) => rows.indexOf(row) !== index)).toEqual([]);
  });
});

describe("docs/differences.md", () => {
  it("has a test for each row", () => {
    expect(differences.filter(({ evidence }) => evidence.length === 0)).toEqual([]);
    expect(differences.length).toBeGreaterThan(70);
  });

  it("has a row for each of the tests", () => {
    const known = Object.entries(SHOWN).flatMap(([section, rows]) =>
      Object.keys(rows).map((feature) => `${section}: ${feature}`),
    );
    const told = differences.map(({ section, feature }) => `${section}: ${feature}`);
    expect(known.filter((row) => !told.includes(row))).toEqual([]);
    expect(told.filter((row, index) => told.indexOf(row) !== index)).toEqual([]);
  });

  it("has tests in files that exist", () => {
    const files = new Set(differences.flatMap(({ evidence }) => evidence.map(({ file }) => file)));
    expect([...files].filter((file) => !existsSync(root + file))).toEqual([]);
  });
});

/** What Socket.IO's classes have and its documentation does not: its own insides. */
const INSIDE = new Set(
  `constructor addEventListener removeEventListener emitReserved emitUntyped extractFilename initEngine attachServe serve
   onconnection run dispatch newBroadcastOperator notifyOutgoingListeners registerAckCallback packet leaveAll buildHandshake
   onevent ack onack ondisconnect maybeReconnectOnOpen onopen onping ondata ondecoded onerror cleanup onclose reconnect
   onreconnect subEvents onpacket emitEvent onconnect emitBuffered destroy callbacks`.split(/\s+/),
);

/** The names of a class of Socket.IO, without those that it inherits. */
function namesOf(Class: { readonly prototype: object }): string[] {
  return Object.getOwnPropertyNames(Class.prototype).filter(
    (name) => !name.startsWith("_") && !INSIDE.has(name),
  );
}

describe("docs/parity.md has every name", () => {
  it.each(["Server", "Namespace", "Socket"] as const)("of Socket.IO's server: %s", async (name) => {
    const section = { Server: "1.3", Namespace: "1.4", Socket: "1.5" }[name];
    const { [name]: Class } = await import("socket.io");
    expect(missing(namesOf(Class), [section])).toEqual([]);
  });

  it.each(["Manager", "Socket"] as const)("of Socket.IO's client: %s", async (name) => {
    const { [name]: Class } = await import("socket.io-client");
    expect(missing(namesOf(Class), [name === "Manager" ? "1.14" : "1.15"])).toEqual([]);
  });

  it("of Socket.IO's adapter", async () => {
    const { Adapter } = await import("socket.io-adapter");
    const inside = ["apply", "computeExceptSids"];
    expect(missing(namesOf(Adapter), ["1.9"]).filter((name) => !inside.includes(name))).toEqual([]);
  });

  it("that the client's module exports", async () => {
    const names = Object.keys(await import("socket.io-client"));
    // What Socket.IO exports without a word about it.
    const inside = ["installTimerFunctions", "nextTick", "transports", "lookup", "parse"];
    expect(missing(names, ["1.13", "1.16"]).filter((name) => !inside.includes(name))).toEqual([]);
  });
});

/** Those of the names that no row of these sections has. */
function missing(names: readonly string[], sections: readonly string[]): string[] {
  const told = claims.filter(({ section }) => sections.includes(section)).map(({ feature }) => feature);
  return names.filter(
    (name) => !told.some((feature) => new RegExp(`(^|[^\\w$])${name}([^\\w$]|$)`).test(feature)),
  );
}

describe("a row", () => {
  const good = ["a: suite > it | works", "b: else"];
  const page = [{ title: "1.1 Options", claims: [claim("yes", "`path`", "", good)] }];

  it("is written", () => {
    expect(writeParity("# Parity", page)).toBe(
      [
        "# Parity",
        "",
        "## 1.1 Options",
        "",
        "| feature | status | test                                                    |",
        "| ------- | ------ | ------------------------------------------------------- |",
        "| `path`  | yes    | `a.test.ts` `suite > it \\| works`<br>`b.test.ts` `else` |",
        "",
      ].join("\n"),
    );
  });

  it("of docs/differences.md is read, and finds its tests", () => {
    const evidence = [{ file: "a.test.ts", title: "x" }];
    const text =
      "## The wire\n\n| what | a | b |\n| --- | --- | --- |\n| ● `x` | 1 | 2 |\n| what `y` | 1 | 2 |\n";
    expect(readDifferences(text, { "The wire": { "`x`": evidence } })).toEqual([
      { place: "docs/differences.md:5", section: "The wire", feature: "`x`", evidence },
      { place: "docs/differences.md:6", section: "The wire", feature: "what `y`", evidence: [] },
    ]);
  });

  it.each<readonly [Status, string, string, readonly string[], string]>([
    ["yes", "`path`", "", [], "names no test"],
    ["yes", "`path`", "", ["a.test.ts, x"], 'no "file: title"'],
    ["different", "`path`", "x", [], "names no test"],
    ["different", "`path`", "", ["a: x"], "names no row of docs/differences.md"],
    ["no", "`path`", "", [], "gives no reason"],
    ["yes", "", "", ["a: x"], "names nothing"],
  ])("that makes no sense is refused: %s %s %s %s", (status, feature, note, tests, complaint) => {
    expect(() => claim(status, feature, note, tests)).toThrow(complaint);
  });

  const test = (title: string, state: Outcome["state"]): Outcome => ({ file: "a.test.ts", title, state });
  it.each<{ outcomes: readonly Outcome[]; fault: string | undefined }>([
    { outcomes: [test("suite > it | works", "passed")], fault: undefined },
    { outcomes: [test("all > suite > it | works > well", "passed")], fault: undefined },
    {
      outcomes: [test("suite > it | works", "passed"), test("x > suite > it | works", "skipped")],
      fault: undefined,
    },
    {
      outcomes: [test("suite > it | works", "passed"), test("x > suite > it | works", "failed")],
      fault: "fails",
    },
    { outcomes: [test("suite > it | works", "skipped")], fault: "is skipped" },
    { outcomes: [test("suite > it | works now", "passed")], fault: "does not exist" },
    { outcomes: [], fault: "does not exist" },
  ])("is shown by its tests or not: $fault", ({ outcomes, fault }) => {
    const found = unshown(shownBy(page), outcomes, new Set(["a.test.ts"]));
    expect(found.map(({ text }) => text)).toEqual(
      fault ? [`docs/parity.md: 1.1 \`path\`: a.test.ts, "suite > it | works" ${fault}`] : [],
    );
  });
});
