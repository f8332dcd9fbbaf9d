import { shown, shownError } from "@sockeye/protocol";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openSession } from "../../../test/support/rawsocket.js";
import { until } from "../../../test/support/wait.js";
import { failureOf, printError } from "../src/print-error.js";
import { serve } from "./site.js";

/** What may not reach a log as it is: controls, escapes, bidirectional and invisible signs, line separators, lone surrogates. */
const RAW = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u;

const HOSTILE: readonly (readonly [string, string, string])[] = [
  ["a line end", "a\nforged line", "a\\nforged line"],
  ["carriage return", "a\rforged", "a\\rforged"],
  ["both", "a\r\nb", "a\\r\\nb"],
  ["an escape sequence", "\x1b[2J\x1b[31m", "\\u001b[2J\\u001b[31m"],
  ["a title for the terminal", "\x1b]0;title\x07", "\\u001b]0;title\\u0007"],
  ["a control sequence of one character", "\x9b31m", "\\u009b31m"],
  ["a next line", "a\x85b", "a\\u0085b"],
  ["NUL and DEL", "\0\x7f", "\\u0000\\u007f"],
  ["backspaces", "ab\b\bcd", "ab\\u0008\\u0008cd"],
  ["line and paragraph separators", "a\u2028b\u2029c", "a\\u2028b\\u2029c"],
  ["text from right to left", "a\u202eb\u2066c\u200f", "a\\u202eb\\u2066c\\u200f"],
  ["what has no width", "a\u200bb\u2060c\ufeff", "a\\u200bb\\u2060c\\ufeff"],
  ["letters of tags", "a\u{e0041}", "a\\u{e0041}"],
  ["half a pair", "a\ud800b", "a\\ud800b"],
  ["the end of a quotation", 'a" b \\', 'a\\" b \\\\'],
  ["plain text of any language", "größe 大小 👍 a%20b %s %O", "größe 大小 👍 a%20b %s %O"],
];

describe("a text from outside", () => {
  it.each(HOSTILE)("is shown without %s", (_name, text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it("is one short line without anything raw in it, whatever it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        expect(shown(text)).not.toMatch(RAW);
        expect(shown(text).length).toBeLessThanOrEqual(100 * 9 + 1);
      }),
    );
  });

  it("is cut, and what is cut off costs nothing", () => {
    expect(shown("x".repeat(101))).toBe(`${"x".repeat(100)}…`);
    expect(shown("\n".repeat(50_000_000))).toHaveLength(201);
    expect(shown("x".repeat(400), 300)).toHaveLength(301);
  });
});

describe("the text of an error", () => {
  it("keeps its lines, and none but the first begins where a line of the log does", () => {
    const error = new Error("bad\n2026-01-01 INFO all is well\r\x1b[2K\u2028x");
    const lines = shownError(String(error.stack)).split("\n");
    expect(lines[1]).toBe("    2026-01-01 INFO all is well\\r\\u001b[2K\\u2028x");
    expect(lines.slice(1).every((line) => line.startsWith("    "))).toBe(true);
  });

  it("is cut", () => {
    expect(shownError("x".repeat(1e6)).length).toBeLessThan(11_000);
  });
});

describe("what is printed of an event whose handler fails", () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  afterEach(() => printed.mockClear());

  it.each(HOSTILE)("is without %s in its name, or in the message of the error", async (_name, text) => {
    const { io, port } = await serve();
    io.on("connection", (socket) =>
      socket.onAny((event: string) => {
        JSON.parse(event);
      }),
    );
    const { wire } = await openSession(port);
    wire.send("40", `42${JSON.stringify([text])}`);
    await until(() => printed.mock.calls.length === 1, "the error");
    const [line, error] = printed.mock.calls[0] as [string, unknown];
    expect(line).not.toMatch(RAW);
    const whole = error instanceof Error ? String(error.stack) : String(error);
    expect(whole.replaceAll(/\n {4}/g, "")).not.toMatch(RAW);
    wire.end();
  });

  it.each(HOSTILE)("is without %s in the name of its namespace", async (_name, text) => {
    const { io, port } = await serve();
    io.of(/^\//).on("connection", () => {
      throw new Error("boom");
    });
    const { wire } = await openSession(port);
    wire.send(`40/${text},`);
    await until(() => printed.mock.calls.length === 1, "the error");
    expect(String(printed.mock.calls[0]?.[0])).not.toMatch(RAW);
    expect(String(printed.mock.calls[0]?.[0])).toContain("in namespace /");
    wire.end();
  });

  it("hands an error that is plain to the console as it is", () => {
    const error = new Error("boom");
    printError(failureOf("save", "/"), error);
    expect(printed.mock.calls).toEqual([['Sockeye: a handler of "save" in namespace / failed:', error]]);
  });
});
