import { afterEach, expect, it, vi } from "vitest";
import { reportAppError } from "../src/report-error.js";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function printed(error: unknown): unknown {
  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  reportAppError(error);
  return print.mock.calls[0]?.[0];
}

/** What a server says may be quoted by what the app's code throws: by JSON.parse, for one. */
const HOSTILE = "\x1b]0;title\x07\x9b31m\u202e\r\nSockeye: forged\0";

it.each<[how: string, error: unknown]>([
  ["a message", new Error(HOSTILE)],
  ["a name", Object.assign(new Error("x"), { name: HOSTILE })],
  ["a cause", new Error("x", { cause: new Error(HOSTILE) })],
  ["several errors", new AggregateError([new Error(HOSTILE)], "x")],
  ["data of a refusal", Object.assign(new Error("x"), { data: { [HOSTILE]: HOSTILE } })],
  ["a text", HOSTILE],
  ["an object", { text: HOSTILE }],
  ["something that throws when it is looked at", new Proxy(new Error(HOSTILE), { get: () => expect.fail() })],
])("%s of an error that a terminal would act on is quoted", (_how, error) => {
  const text = String(printed(error));
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(text).not.toMatch(/\n(?![\s\])}])/);
});

it("what does no harm is printed as it is, and what is endless is cut", () => {
  const plain = new Error("x");
  expect(printed(plain)).toBe(plain);
  vi.restoreAllMocks();
  expect(String(printed(new Error("x".repeat(100_000)))).length).toBeLessThan(10_100);
});

it("where the platform reports errors, it does", () => {
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  expect(printed("x")).toBe(undefined);
  expect(report).toHaveBeenCalledWith("x");
});
