import type { IncomingMessage } from "node:http";
import { addressGroup, DEFAULT_IPV6_PREFIX } from "./address-group.js";
import type { ClientAddress } from "./addresses.js";
import type { ErrorBoundary } from "./error-boundary.js";

/** Who came: the request as the app may read it, made only if it does, and the address of the connection. */
export interface Client {
  readonly req: IncomingMessage;
  /** Empty if it is not known any more. */
  readonly address: string;
}

export interface GroupOptions {
  readonly clientAddress?: ClientAddress | undefined;
  readonly ipv6Prefix?: number | undefined;
}

/**
 * Where a client is, for what is counted per address: what the option `clientAddress` says, or the address of the connection.
 * `undefined`: it is not counted.
 */
export function clientGroup(
  client: Client,
  { clientAddress, ipv6Prefix = DEFAULT_IPV6_PREFIX }: GroupOptions,
  boundary: ErrorBoundary,
): string | undefined {
  if (clientAddress === undefined)
    return client.address === "" ? undefined : addressGroup(client.address, ipv6Prefix);
  try {
    const address: unknown = clientAddress(client.req);
    if (typeof address === "string") return addressGroup(address, ipv6Prefix);
    // An `async` function cannot be used here, and must do no harm.
    Promise.resolve(address).catch((error: unknown) => boundary.reportError(error, "clientAddress"));
    return undefined;
  } catch (error) {
    boundary.reportError(error, "clientAddress");
    return undefined;
  }
}
