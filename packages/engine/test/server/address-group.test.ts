import { describe, expect, it } from "vitest";
import { addressGroup, requirePrefix } from "../../src/server/address-group.js";

/** All spellings of one client, and others that are none. */
const SAME: readonly (readonly [what: string, prefix: number, ...texts: string[]])[] = [
  [
    "an IPv4 address, also within IPv6",
    64,
    "1.2.3.4",
    "::ffff:1.2.3.4",
    "::FFFF:1.2.3.4",
    "::ffff:102:304",
    "0:0:0:0:0:ffff:0102:0304",
    "1.2.3.4:5678",
    "[::ffff:1.2.3.4]:5678",
  ],
  [
    "a network of 64 bits",
    64,
    "2001:db8:1:2::1",
    "2001:db8:1:2::2",
    "2001:0DB8:0001:0002:ffff:ffff:ffff:ffff",
    "[2001:db8:1:2::3]:443",
    "[2001:db8:1:2::3]",
    "2001:db8:1:2:0:0:1.2.3.4",
  ],
  ["an address of a link, with its zone", 64, "fe80::1%eth0", "fe80::2%eth1", "fe80::3"],
  ["a network of 48 bits", 48, "2001:db8:1:2::1", "2001:db8:1:ffff::1"],
  ["a network of 56 bits", 56, "2001:db8:1:1200::1", "2001:db8:1:12ff::1"],
  ["a network of 1 bit", 1, "8000::", "ffff::1"],
  ["a whole address", 128, "2001:db8::1", "2001:db8:0:0:0:0:0:1"],
  ["this machine", 64, "::1", "0:0:0:0:0:0:0:1"],
];

describe("a client is counted under one name, whatever the spelling", () => {
  it.each(SAME.map(([what, prefix, ...texts]) => ({ what, prefix, texts })))("$what", ({ prefix, texts }) => {
    expect(new Set(texts.map((text) => addressGroup(text, prefix))).size).toBe(1);
  });
});

describe("others have other names", () => {
  it.each([
    [64, "2001:db8:1:2::1", "2001:db8:1:3::1"],
    [128, "2001:db8::1", "2001:db8::2"],
    [56, "2001:db8:1:1200::1", "2001:db8:1:1300::1"],
    [64, "1.2.3.4", "1.2.3.5"],
    [64, "::ffff:1.2.3.4", "::ffff:1.2.3.5"],
    [64, "user:7", "user:8"],
    [64, "::ffff:1.2.3.4", "0:0:0:0:1:ffff:1.2.3.4"],
    [64, "__proto__:1", "constructor:1"],
    [64, "not:an:address", "not:another"],
    [64, "1.2.3.4:x", "1.2.3.4:y"],
    [64, "1.2.3.4:5", "1.2.3.5:5"],
  ])("%i bits: %s, %s", (prefix, one, other) => {
    expect(addressGroup(one, prefix)).not.toBe(addressGroup(other, prefix));
  });

  it("an app's own names stay as they are", () => {
    for (const name of ["", "user:7", "::nonsense::", "[x]:1", "%"])
      expect(addressGroup(name, 64)).toBe(name);
  });
});

it.each([0, 129, 1.5, -1, Number.NaN, "64", null])("%s is no length of a prefix", (bits) => {
  expect(() => requirePrefix(bits)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
});
