import { readFileSync } from "node:fs";
import { DEFAULT_LIMITS, ERROR_TABLE, LIMIT_BY_CODE } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";

const page = readFileSync(new URL("../../../docs/limits.md", import.meta.url), "utf8");

/** The rows of the page's table. */
const rows = [...page.matchAll(/^\| `(max\w+)` +\| (.+?) +\| .+? +\| `(ERR_\w+)` +\|$/gm)].map(
  ([, name = "", value = "", code = ""]) => ({ name, value, code }),
);

function shown(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "unlimited" : value.toLocaleString("en-US");
}

/** Defaults that a server works out. */
const ofServers: Readonly<Record<string, string>> = {
  maxBinaryEventBytes: "10 × maxMessageBytes",
  maxProcessBytes: "a quarter of memory",
};

/** What objects take at most for each byte of their JSON. */
const GROWTH = 20;

it("what one connection can hold at the defaults is what the page says", () => {
  const limits = DEFAULT_LIMITS;
  const held = {
    "a message that is not complete": 2 * limits.maxMessageBytes,
    "a binary event": limits.maxBinaryEventBytes,
    "what waits for a client": limits.maxOutboundBytes,
    "`auth` of all": limits.maxNamespacesPerConnection * limits.maxAuthBytes * GROWTH,
  };
  const all = Object.values(held).reduce((sum, bytes) => sum + bytes, 0);
  for (const [what, bytes] of Object.entries({ ...held, together: all })) {
    expect(page).toMatch(new RegExp(`^\\| ${what}.*\\| ${shown(bytes)} +\\|$`, "m"));
  }
});

describe("the table of limits", () => {
  it("is docs/limits.md, row by row and in the same order", () => {
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(DEFAULT_LIMITS));
  });

  it.each(Object.entries(DEFAULT_LIMITS))("%s has the default that the page says", (name, value) => {
    const row = rows.find((each) => each.name === name);
    // That of a server follows another limit, and comes to the same.
    const expected = ofServers[name] ?? shown(value);
    expect(row?.value).toBe(expected);
  });

  it("names codes that there are, and the limit of each", () => {
    for (const { name, code } of rows) {
      expect(ERROR_TABLE).toHaveProperty(code);
      // A name may be bad in more than one way.
      if (code !== "ERR_BAD_EVENT_NAME") expect(LIMIT_BY_CODE).toHaveProperty(code, name);
    }
    expect(Object.keys(LIMIT_BY_CODE)).toHaveLength(rows.length - 1);
  });
});
