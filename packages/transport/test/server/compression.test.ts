import { gunzipSync, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { acceptedEncoding, compressBody, type Encoding } from "../../src/server/request/compression.js";

describe("acceptedEncoding", () => {
  it.each([
    [undefined, undefined],
    ["", undefined],
    ["identity", undefined],
    ["br", undefined],
    ["gzip", "gzip"],
    ["GZip", "gzip"],
    ["deflate", "deflate"],
    ["gzip, deflate, br", "gzip"],
    ["deflate, gzip", "gzip"],
    ["gzip;q=0.5, deflate;q=0.8", "deflate"],
    ["gzip;q=0, deflate", "deflate"],
    ["gzip;q=0", undefined],
    ["*", "gzip"],
    ["*;q=0", undefined],
    ["gzip;q=0, *", "deflate"],
    ["gzip;q=x", undefined],
    ["gzip;q=2", undefined],
    ["gzip ; Q = 1", "gzip"],
    [",;=,;;q", undefined],
  ])("%s", (header, expected) => {
    expect(acceptedEncoding(header)).toBe(expected);
  });
});

describe("compressBody", () => {
  it.each([
    ["gzip", gunzipSync],
    ["deflate", inflateSync],
  ] as const)("%s", async (encoding, decompress) => {
    const body = "ä".repeat(5000);
    const bytes = await compress(body, encoding, {});
    expect(bytes?.length).toBeLessThan(1000);
    expect(decompress(bytes as Buffer).toString()).toBe(body);
  });

  it("passes options on to zlib", async () => {
    const body = "ab".repeat(5000);
    const stored = await compress(body, "gzip", { level: 0, threshold: 1 });
    expect(stored?.length).toBeGreaterThan(body.length);
  });
});

function compress(body: string, encoding: Encoding, options: object): Promise<Buffer | undefined> {
  return new Promise((resolve) => compressBody(body, { encoding, options }, resolve));
}
