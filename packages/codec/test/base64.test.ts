import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";

const VALID = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe.each(["Node", "a browser"])("base64 in %s", (platform) => {
  async function load(): Promise<typeof import("../src/base64.js")> {
    vi.resetModules();
    if (platform === "a browser") vi.stubGlobal("Buffer", undefined);
    const module = await import("../src/base64.js");
    vi.unstubAllGlobals();
    return module;
  }

  it("comes back", async () => {
    const { encodeBase64, decodeBase64, base64Length } = await load();
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(3), (bytes, skip) => {
        const part = bytes.subarray(skip);
        const text = encodeBase64(part);
        expect(text).toBe(Buffer.from(part).toString("base64"));
        expect(text).toHaveLength(base64Length(part.length));
        expect([...decodeBase64(text)]).toEqual([...part]);
      }),
    );
  });

  it("comes back when it is long", async () => {
    const { encodeBase64, decodeBase64 } = await load();
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
    expect(Buffer.from(decodeBase64(encodeBase64(bytes))).equals(bytes)).toBe(true);
  });

  it("is refused unless it has its one spelling", async () => {
    const { decodeBase64 } = await load();
    const unit = fc.constantFrom(..."AQgwZ09+/-_= \n\u20ac");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 9 }), (text) => {
        const isCanonical = VALID.test(text) && Buffer.from(text, "base64").toString("base64") === text;
        if (isCanonical) expect([...decodeBase64(text)]).toEqual([...Buffer.from(text, "base64")]);
        else
          expect(() => decodeBase64(text)).toThrow(expect.objectContaining({ code: "ERR_PACKET_MALFORMED" }));
      }),
      { numRuns: 3000 },
    );
  });
});
