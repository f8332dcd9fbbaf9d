import { describe, expect, it } from "vitest";
import { SessionSecrets } from "../../src/server/secrets.js";

describe("the secrets of sessions", () => {
  const secrets = new SessionSecrets();

  it("have 128 bits and are the same whenever they are asked for", () => {
    expect(secrets.of("sid", 0)).toMatch(/^[\w-]{22}$/);
    expect(secrets.of("sid", 0)).toBe(secrets.of("sid", 0));
  });

  it("differ by session, by generation and by process", () => {
    const all = [secrets.of("a", 0), secrets.of("a", 1), secrets.of("b", 0), new SessionSecrets().of("a", 0)];
    // Ids of an app may be anything: neither part runs into the other.
    all.push(secrets.of("1.a", 1), secrets.of("a", 11), secrets.of(".a", 1));
    expect(new Set(all).size).toBe(all.length);
  });

  it.each([
    ["the right one", secrets.of("sid", 3), true],
    ["that of the generation before", secrets.of("sid", 2), false],
    ["that of another session", secrets.of("other", 3), false],
    ["nothing", "", false],
    ["one character less", secrets.of("sid", 3).slice(1), false],
    ["one character more", `${secrets.of("sid", 3)}A`, false],
    ["as many characters beyond ASCII", "é".repeat(11), false],
    ["half of a surrogate pair", "\ud800".repeat(22), false],
  ])("fit: %s", (_what, secret, fits) => {
    expect(secrets.fits("sid", 3, secret)).toBe(fits);
  });
});
