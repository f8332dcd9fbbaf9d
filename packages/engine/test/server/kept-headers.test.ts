import fc from "fast-check";
import { expect, it } from "vitest";
import { keepHeaders, rawHeadersOf } from "../../src/server/kept-headers.js";

const CHROME = ["Host", "a.example", "User-Agent", "Chrome", "Origin", "https://a.example"];

it("gives all headers back as they came, whatever their names and values", () => {
  const name = fc.oneof(
    fc.constantFrom("Host", "host", "HOST", "Cookie", "User-Agent", "user-agent", "__proto__", ""),
    fc.string(),
  );
  const header = fc.tuple(name, fc.string()).map((pair) => pair.map((text) => text.replaceAll("\0", "")));
  fc.assert(
    fc.property(fc.array(header), (headers) => {
      expect(rawHeadersOf(keepHeaders(headers.flat()))).toEqual(headers.flat());
    }),
  );
});

it.each<[string, string[]]>([
  ["the key of its WebSocket", ["Sec-WebSocket-Key", "one"]],
  ["cookies", ["Cookie", "sid=1"]],
  ["an address behind a proxy", ["X-Forwarded-For", "192.0.2.1"]],
  ["a header that nobody knows", ["X-Request-Id", "7"]],
])("keeps %s apart from what many clients say", (_what, [name = "", value = ""]) => {
  const kept = keepHeaders([...CHROME, name, value]);
  expect(kept.own).toBe(value);
  expect(kept.common).toBe(keepHeaders([...CHROME, name, "another"]).common);
});

it("is not kept from its work by clients that all say something else", () => {
  for (let client = 0; client < 1000; client++) keepHeaders(["User-Agent", `${client}`]);
  expect(rawHeadersOf(keepHeaders(CHROME))).toEqual(CHROME);
});
