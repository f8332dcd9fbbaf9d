import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ERROR_TABLE } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { packages, ROOT, read, sources } from "./imports.js";

// Rules that hold for the whole house, and are told in CONTRIBUTING.md.

const files = packages()
  .flatMap(({ folder }) => sources(folder))
  .filter((file) => !file.endsWith("error-table.ts"));
const texts = new Map(files.map((file) => [file, read(file)] as const));

describe("error codes", () => {
  it("are each used by some source", () => {
    const all = [...texts.values()].join("\n");
    expect(Object.keys(ERROR_TABLE).filter((code) => !all.includes(`"${code}"`))).toEqual([]);
  });

  it("are each in the table", () => {
    const unknown = [...texts].flatMap(([file, text]) =>
      [...text.matchAll(/"(ERR_[A-Z0-9_]+)"/g)].flatMap(([, code = ""]) =>
        code in ERROR_TABLE ? [] : [`${file}: ${code}`],
      ),
    );
    // Codes of Node.js that are compared with.
    expect(
      unknown.filter(
        (line) =>
          !/ERR_(HTTP|STREAM|SERVER_NOT_RUNNING|INVALID|MODULE|SSL|TLS|REQUIRE|SOCKET|BUFFER)/.test(line),
      ),
    ).toEqual([]);
  });
});

describe("PROTOCOL.md", () => {
  it("has in its contents what it has as headings, in order", () => {
    const text = read("PROTOCOL.md");
    const slug = (heading: string): string =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-");
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(
      ([, heading = ""], at) => `${at + 1}. [${heading}](#${slug(heading)})`,
    );
    const contents = [...text.matchAll(/^\d+\. \[[^\]]+\]\(#[\w-]+\)/gm)].map(([line]) => line);
    expect(headings.length).toBeGreaterThan(15);
    expect(contents).toEqual(headings);
  });
});

describe("invariants of ARCHITECTURE.md", () => {
  const without = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");

  // growing-bytes.ts is of the server and of Node.js alone, beside what is shared.
  it("18: what a browser gets never names Buffer or process", () => {
    // Builds for Node.js choose files named node.ts.
    const browser = [...texts].filter(([file]) =>
      /^packages\/(client|session|socket|protocol)\/src|^packages\/engine\/src\/client|^packages\/transport\/src\/client\/(?!node)|^packages\/transport\/src\/shared\/(?!growing)/.test(
        file,
      ),
    );
    expect(browser.length).toBeGreaterThan(80);
    const named = browser
      .filter(([file]) => !file.endsWith("/node.ts"))
      .flatMap(([file, text]) =>
        [...without(text).matchAll(/(?<![.\w"`])(?:Buffer|process)\b(?=[.(])/g)].map(
          ([word]) => `${file}: ${word}`,
        ),
      );
    expect(named).toEqual([]);
  });
});

describe("a test of docs/parity.md", () => {
  /** What fails if Socket.IO, or we, do otherwise. */
  const CHECKS = /\bexpect|\b(?:once|until|refused|withServer)\(|scene\.(?:join|pair)\(/;

  it("expects something", () => {
    const files = readdirSync(join(ROOT, "test/parity")).filter((file) => file.endsWith(".test.ts"));
    let seen = 0;
    const idle = files.flatMap((file) => {
      const tests = read(`test/parity/${file}`).matchAll(/^ {2}test\("([^"]+)"[\s\S]*?^ {2}\}\);/gm);
      return [...tests].flatMap(([body, title]) => {
        seen++;
        return CHECKS.test(body) ? [] : [`${file}: ${title}`];
      });
    });
    expect(seen).toBeGreaterThan(200);
    expect(idle).toEqual([]);
  });
});
