import type { Bus } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";

/** The option `cluster`: this server is one node of many. */
export interface ClusterOptions {
  /** What carries messages between the nodes: of a package `@sockeye/bus-…`. */
  bus: Bus;
  /**
   * Of the cluster: 1 to 64 letters, digits, dots, hyphens or underscores. Apps with different names do not meet on one bus. Required with
   * `NODE_ENV=production`; otherwise `development` by default.
   */
  name?: string;
  /** The name of this node, for people and for queries that say who is missing. Default: the host's name and the process's number. */
  node?: string;
  /** Signs what goes over the bus. Default: none, and anything that can write to the bus is believed. The same for all nodes. */
  secret?: string;
  /**
   * Where this node listens for requests that others pass on, since the session is here. Only other nodes must reach it. Default: any free
   * port, on 127.0.0.1 if all nodes are processes of one machine, otherwise on an address of a private network. `false`: nothing is passed
   * on to this node, and a balancer must be sticky.
   */
  listen?: { host?: string; port?: number } | false;
  /** How others reach that listener, as `host:port`, if it is not by the address that it has. */
  address?: string;
  /**
   * What other nodes see of a socket's handshake: `public` leaves out cookies, authorization, `auth` and the query, `full` nothing.
   * Default `public`.
   */
  handshakes?: "public" | "full";
}

/** @throws UsageError `ERR_BAD_OPTION` */
export function clusterName({ name }: ClusterOptions): string {
  if (name !== undefined) return name;
  if (process.env["NODE_ENV"] !== "production") return "development";
  throw new UsageError(
    "ERR_BAD_OPTION",
    "The option cluster.name is missing. In production it must be there, since two apps on one bus without names are one cluster.",
  );
}
