import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

// Nothing that a client has to keep secret is in a log or in the text of an error. See secrets-program.mjs.

/** All secrets but those that the server makes hold it many times: a piece of one is a leak too. */
const MARK = "ZQ7";

describe("secrets", () => {
  let log: string[];
  let ids: string[];

  beforeAll(() => {
    const program = fileURLToPath(new URL("./secrets-program.mjs", import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, [program], {
      env: { ...process.env, DEBUG: "sockeye*", DEBUG_COLORS: "no" },
      encoding: "utf8",
      timeout: 60_000,
    });
    expect({ status, end: stdout.trimEnd().split("\n").at(-1), stderr: status === 0 ? "" : stderr }).toEqual({
      status: 0,
      end: "done",
      stderr: "",
    });
    const lines = stdout.split("\n");
    ids = lines.flatMap((line) => (line.startsWith("secret ") ? [line.slice("secret ".length)] : []));
    log = [...lines.filter((line) => !line.startsWith("secret ")), ...stderr.split("\n")];
  }, 90_000);

  test("have something to be in: all kinds of failures were told", () => {
    const all = log.join("\n").replaceAll(/ #\d+ /g, " "); // without the numbers of connections
    for (const told of [
      "sockeye:session:refuse 1 Session ID unknown",
      "sockeye:session:close parse error",
      "sockeye:limit",
      "sockeye:session:refuse 1 Session ID unknown CLAIM_REFUSED",
      "sockeye:session:suspend transport close",
      "sockeye:session:resume over websocket",
      "text: 4001",
      "sockeye:error fail in /",
      "the handler rejects",
      "the middleware fails",
      "the app refuses",
      "ERR_UNENCODABLE",
      "text: parse error",
      "text: transport close",
      "xhr poll error",
      "websocket error",
      "sockeye_",
      "a client of version 2 in /",
    ]) {
      expect(all).toMatch(new RegExp(told));
    }
    expect(ids.length).toBeGreaterThan(20);
  });

  test("of users are not told, not a piece of them", () => {
    expect(log.filter((line) => line.includes(MARK))).toEqual([]);
  });

  test("of sessions are not told", () => {
    expect(log.filter((line) => ids.some((id) => line.includes(id)))).toEqual([]);
  });
});
