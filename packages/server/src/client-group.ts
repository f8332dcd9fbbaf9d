import { isIP } from "node:net";
import type { ErrorBoundary } from "@sockeye/socket";
import type { ClientAddress } from "./addresses.js";
import type { FirstRequest } from "./first-request.js";

/** How many of the eight parts of an IPv6 address name a network: whoever has one address of a /64 has them all. */
const NETWORK_PARTS = 4;
const ALL_PARTS = 8;

/**
 * Where a client is, for what is counted per address: what the option `clientAddress` says, or the address of the connection.
 * `undefined`: it is not counted.
 */
export function clientGroup(
  first: FirstRequest,
  clientAddress: ClientAddress | undefined,
  boundary: ErrorBoundary,
): string | undefined {
  if (clientAddress === undefined) return first.address === "" ? undefined : networkOf(first.address);
  try {
    const address: unknown = clientAddress(first.req);
    if (typeof address === "string") return networkOf(address);
    // An `async` function is no use here, and must do no harm.
    Promise.resolve(address).catch((error: unknown) => boundary.reportError(error, "clientAddress"));
    return undefined;
  } catch (error) {
    boundary.reportError(error, "clientAddress");
    return undefined;
  }
}

/** An IPv6 address as its /64, one that stands for an IPv4 address as that, and anything else as it is. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const parts = partsOf(address);
  const [high = 0, low = 0] = parts.slice(-2);
  const mapped = parts.slice(0, 5).every((part) => part === 0) && parts[5] === 0xffff;
  if (mapped) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
  const network = parts.slice(0, NETWORK_PARTS).map((part) => part.toString(16));
  return `${network.join(":")}::/64`;
}

/** The eight numbers of an IPv6 address that is one. */
function partsOf(address: string): number[] {
  const [bare = ""] = address.split("%", 1);
  const [head = [], tail] = bare.split("::", 2).map(numbersOf);
  if (tail === undefined) return head;
  return [...head, ...Array<number>(ALL_PARTS - head.length - tail.length).fill(0), ...tail];
}

function numbersOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((part) => {
    if (!part.includes(".")) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}
