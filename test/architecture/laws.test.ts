import { existsSync, readdirSync } from "node:fs";
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

/** Who asks the platform for time, and why not a `Clock`. */
const TIME: { readonly [file: string]: string } = {
  "engine/src/server/memory-budget.ts": "looks again at the end of the task, whatever the clock",
  "engine/src/client/failed-transport.ts": "a failure is told after the call that dials",
  "engine/src/client/page-round-trip.ts": "compares with the times of the page",
  "server/src/not-listening.ts": "a warning for developers",
  "server/src/histogram.ts": "measures",
  "server/src/peer-acks.ts": "measures",
  "server/src/connection.ts": "measures",
  "server/src/selection.ts": "answers after the call that asks",
  "server/src/socket.ts": "`handshake.issued` is the time of day",
  "session/src/clock.ts": "is the clock",
  "protocol/src/native.ts": "is the platform",
  "cluster/src/forward/link/carrier.ts": "one write a turn of the event loop",
  "transport/src/server/gate/attach.ts":
    "closes upgrades that nobody takes, on servers that have other owners",
  "transport/src/server/turns/turns.ts": "turns are those of the event loop",
  "transport/src/server/websocket/own-handshakes.ts": "one write a turn of the event loop",
  "transport/src/server/websocket/late-listener.ts": "some ms between two packets",
  "transport/src/memory/pair.ts": "a pipe for tests",
  "transport/src/shared/webtransport-pipe.ts": "the platform's own streams have no clock",
  "transport/src/client/node/cookie-jar.ts": "cookies end at a time of day",
  "transport/src/client/node/http.ts": "a request's own time limit",
  "transport/src/client/http-request.ts": "a request's own time limit",
  "transport/src/client/streamed-response.ts": "sees that a page slept, by the time of day",
  "transport/src/client/early-dial.ts": "takes up what the page has dialled, after the call",
  "transport/src/client/webtransport.ts": "a failure is told after the call that dials",
  "transport/src/client/websocket.ts": "browsers do not tell when they have written",
  "transport/src/client/sse.ts": "a failure is told after the call that dials",
  "transport/src/client/xhr-stream.ts": "a failure is told after the call that dials",
  "transport/src/client/iframe.ts": "a frame is taken off the page after its own events",
};

describe("pages", () => {
  it("name files of the sources that are there", () => {
    const pages = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
    const named = [
      "ARCHITECTURE.md",
      "PROTOCOL.md",
      "CONTRIBUTING.md",
      ...pages.map((name) => `docs/${name}`),
    ].flatMap((page) =>
      [...read(page).matchAll(/`(?:packages\/)?([a-z-]+\/src\/[\w/.-]+\.ts)`/g)].map(([, file]) => ({
        page,
        file,
      })),
    );
    expect(named.length).toBeGreaterThan(25);
    expect(named.filter(({ file }) => !existsSync(join(ROOT, `packages/${file}`)))).toEqual([]);
  });
});

describe("invariants of ARCHITECTURE.md", () => {
  const without = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");

  const code = [...texts].map(([file, text]) => [file.replace("packages/", ""), without(text)] as const);

  it("are numbered, each said once", () => {
    const [, section = ""] =
      /^## Invariants\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(read("ARCHITECTURE.md")) ?? [];
    const rules = [...section.matchAll(/^(\d+)\. (.{20})/gm)];
    expect(rules.map(([, number]) => Number(number))).toEqual(rules.map((_, index) => index + 1));
    expect(new Set(rules.map(([, , text]) => text)).size).toBe(rules.length);
    expect(rules.length).toBeGreaterThan(15);
  });

  it("3: transport and session say nothing of events, rooms and namespaces", () => {
    const saying = code.filter(
      ([file, text]) => /^(transport|session)\/src/.test(file) && /\b(nsp|namespaces?|rooms?)\b/i.test(text),
    );
    expect(saying.map(([file]) => file)).toEqual([]);
  });

  it("17: who asks the platform for time has a reason", () => {
    const asks =
      /\b(?:startTimer|deferTask|afterTurn)\(|\bDate\.now\(|\bperformance\.now\(|\bnew Date\(\)|\b(?:set(?:Timeout|Interval|Immediate)|nextTick)\((?!0\))/;
    const house =
      /^(?:protocol|codec|session|socket|adapter|transport|engine|server|client|rooms|contract|cluster)\/src\/(?!browser)/;
    const asking = code.filter(([file, text]) => house.test(file) && asks.test(text)).map(([file]) => file);
    expect(asking.sort()).toEqual(Object.keys(TIME).sort());
  });

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
