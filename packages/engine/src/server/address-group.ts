import { isIPv4, isIPv6 } from "node:net";
import { UsageError } from "@sockeye/protocol";
import { ownText } from "./own-text.js";

/** Bits of an IPv6 address that one customer has at least. */
export const DEFAULT_IPV6_PREFIX = 64;

const BITS_OF_GROUP = 16;
const GROUPS = 8;

/** @throws UsageError `ERR_BAD_OPTION` */
export function requirePrefix(bits: unknown): asserts bits is number {
  if (typeof bits === "number" && Number.isInteger(bits) && bits >= 1 && bits <= 128) return;
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option ipv6Prefix must be a whole number from 1 to 128, not ${String(bits)}.`,
  );
}

/**
 * The name under which a client is counted. All spellings of an IP address have the same, without port, brackets and zone; an
 * IPv4 address within IPv6 is that IPv4 address; all IPv6 addresses of a network are one. Any other text stands for itself. It is a copy: counts outlive the header that an address was cut out of.
 */
export function addressGroup(text: string, ipv6Prefix: number): string {
  if (!text.includes(":")) return ownText(text);
  const address = withoutPort(text);
  if (isIPv4(address)) return ownText(address);
  const [bare = ""] = address.split("%", 1);
  if (!isIPv6(bare)) return ownText(text);
  const groups = groupsOf(bare);
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  return isMapped ? lastAsIPv4(groups) : network(groups, ipv6Prefix);
}

/** Some proxies write it behind the address. */
function withoutPort(text: string): string {
  const [, inBrackets] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text) ?? [];
  const [, v4] = /^([\d.]{7,15}):\d{1,5}$/.exec(text) ?? [];
  return inBrackets ?? v4 ?? text;
}

/** The eight groups of a valid address. */
function groupsOf(address: string): number[] {
  const [left = "", right] = address.split("::");
  const head = groupsIn(left);
  if (right === undefined) return head;
  const tail = groupsIn(right);
  return [...head, ...new Array<number>(GROUPS - head.length - tail.length).fill(0), ...tail];
}

function groupsIn(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function lastAsIPv4(groups: readonly number[]): string {
  return groups
    .slice(6)
    .map((group) => `${group >> 8}.${group & 255}`)
    .join(".");
}

function network(groups: readonly number[], bits: number): string {
  const kept = groups.map((group, index) => {
    const own = Math.min(Math.max(bits - index * BITS_OF_GROUP, 0), BITS_OF_GROUP);
    return (group & (0xffff << (BITS_OF_GROUP - own))).toString(16);
  });
  return `${kept.join(":")}/${bits}`;
}
