import { resumeTerms } from "@sockeye/engine/server";
import { Server, type ServerOptions } from "@sockeye/server";
import { describe, expect, it } from "vitest";

const DEFAULTS = { window: 30_000, bytes: 1_048_576 };

describe("the option resume", () => {
  it.each<[ServerOptions["resume"], unknown]>([
    [undefined, DEFAULTS],
    [true, DEFAULTS],
    [{}, DEFAULTS],
    [{ windowMs: 1 }, { ...DEFAULTS, window: 1 }],
    [{ maxBytes: 0.5 }, { ...DEFAULTS, bytes: 0.5 }],
    [false, undefined],
  ])("%j", (resume, terms) => {
    expect(resumeTerms(resume)).toEqual(terms);
  });

  it.each<[unknown, string]>([
    ["yes", "The option resume must be a boolean or an object, not yes."],
    [30_000, "The option resume must be a boolean or an object, not 30000."],
    [{ windowMs: 0 }, "The option resume.windowMs must be a finite number above 0, not 0."],
    [{ windowMs: Number.POSITIVE_INFINITY }, "resume.windowMs"],
    [{ windowMs: "30s" }, "resume.windowMs"],
    [{ maxBytes: -1 }, "resume.maxBytes"],
    [{ maxBytes: Number.NaN }, "resume.maxBytes"],
  ])("refuses %j", (resume, message) => {
    expect(() => new Server({ resume: resume as boolean }).engine).toThrow(message);
  });

  it("takes null for none, as every option", () => {
    expect(() => new Server({ resume: null as never }).engine).not.toThrow();
  });
});
