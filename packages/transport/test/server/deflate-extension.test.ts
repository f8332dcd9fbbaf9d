import { describe, expect, it } from "vitest";
import { DeflateExtension } from "../../src/server/websocket/deflate-extension.js";

const NONE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

function answer(offer: string | undefined, perMessageDeflate: true | Record<string, unknown> = true) {
  const agreed = new DeflateExtension({ maxPayload: 1e6, perMessageDeflate }).negotiate(offer);
  return typeof agreed === "object" ? agreed.response : agreed;
}

describe("DeflateExtension, negotiating", () => {
  it.each<[offer: string | undefined, expected: string | undefined]>([
    [undefined, undefined],
    ["", undefined],
    ["x-webkit-deflate-frame", undefined],
    ["permessage-deflate", NONE],
    ["permessage-deflate; client_max_window_bits", NONE],
    ["permessage-deflate; client_max_window_bits=9", NONE],
    ["permessage-deflate; client_max_window_bits=8", NONE],
    ["permessage-deflate; server_no_context_takeover; client_no_context_takeover", NONE],
    ...[9, 10, 11, 12, 13, 14, 15].map((bits): [string, string] => [
      `permessage-deflate; server_max_window_bits=${bits}`,
      `${NONE}; server_max_window_bits=${bits}`,
    ]),
    ['permessage-deflate; server_max_window_bits="10"', `${NONE}; server_max_window_bits=10`],
    // The first that can be taken.
    [
      "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9, permessage-deflate",
      `${NONE}; server_max_window_bits=9`,
    ],
    ["permessage-bzip2, permessage-deflate; unknown, permessage-deflate", NONE],
    // RFC 7692, section 7.1: to be declined.
    ["permessage-deflate; server_max_window_bits=8", undefined],
    ["permessage-deflate; server_max_window_bits=16", undefined],
    ["permessage-deflate; server_max_window_bits=99999999999", undefined],
    ["permessage-deflate; server_max_window_bits=010", undefined],
    ["permessage-deflate; server_max_window_bits=1e1", undefined],
    ["permessage-deflate; server_max_window_bits", undefined],
    ["permessage-deflate; client_max_window_bits=7", undefined],
    ["permessage-deflate; server_no_context_takeover=1", undefined],
    ["permessage-deflate; client_no_context_takeover; client_no_context_takeover", undefined],
    ["permessage-deflate; __proto__", undefined],
    // No header at all.
    ["permessage-deflate; ;", "malformed"],
  ])("answers %j with %j", (offer, expected) => {
    expect(answer(offer)).toBe(expected);
  });

  it.each<[options: Record<string, unknown>, offer: string, expected: string | undefined]>([
    [{ serverMaxWindowBits: 10 }, "", `${NONE}; server_max_window_bits=10`],
    [{ serverMaxWindowBits: 10 }, "server_max_window_bits=12", `${NONE}; server_max_window_bits=10`],
    [{ serverMaxWindowBits: 10 }, "server_max_window_bits=9", undefined],
    [{ serverMaxWindowBits: false }, "server_max_window_bits=12", undefined],
    [{ serverMaxWindowBits: false }, "", NONE],
    [{ clientMaxWindowBits: 10 }, "", undefined],
    [{ clientMaxWindowBits: 10 }, "client_max_window_bits", `${NONE}; client_max_window_bits=10`],
    [{ clientMaxWindowBits: 10 }, "client_max_window_bits=12", `${NONE}; client_max_window_bits=10`],
    [{ clientMaxWindowBits: 10 }, "client_max_window_bits=9", undefined],
    [{ serverNoContextTakeover: true, clientNoContextTakeover: true }, "", NONE],
  ])("with %j answers %j with %j", (options, offer, expected) => {
    expect(answer(offer === "" ? "permessage-deflate" : `permessage-deflate; ${offer}`, options)).toBe(
      expected,
    );
  });

  it("gives all connections with the same parameters the same objects", () => {
    const extension = new DeflateExtension({ maxPayload: 1e6, perMessageDeflate: true });
    const [a, b, c] = ["", "; client_max_window_bits", "; server_max_window_bits=10"].map((rest) =>
      extension.negotiate(`permessage-deflate${rest}`),
    );
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });
});

describe("DeflateExtension, options", () => {
  it.each([
    { threshold: -1 },
    { threshold: "1kb" },
    { concurrencyLimit: 0 },
    { serverMaxWindowBits: 16 },
    { serverMaxWindowBits: 9.5 },
    { clientMaxWindowBits: 7 },
    { zlibDeflateOptions: 9 },
    { zlibDeflateOptions: { level: 99 } },
    { zlibDeflateOptions: { memLevel: "much" } },
    { zlibInflateOptions: { chunkSize: 1 } },
  ])("refuses %j", (perMessageDeflate) => {
    expect(() => new DeflateExtension({ maxPayload: 1, perMessageDeflate })).toThrowError(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
  });

  it("does not do what needs a context or the smallest window", () => {
    for (const demand of [
      { serverNoContextTakeover: false },
      { clientNoContextTakeover: false },
      { serverMaxWindowBits: 8 },
    ]) {
      expect(DeflateExtension.isBeyond(demand)).toBe(true);
    }
    for (const fine of [true, {}, { serverNoContextTakeover: true }, { threshold: 0 }]) {
      expect(DeflateExtension.isBeyond(fine)).toBe(false);
    }
  });
});
