import { UsageError } from "@sockeye/protocol";
import { type Dial, type DialLike, type Duplicable, dialIoRedis, dialNodeRedis } from "./connection.js";
import { RoutedConnection } from "./routed-connection.js";
import {
  type Servers,
  serversOfIoRedisCluster,
  serversOfNodeRedisCluster,
  serversOfNodeRedisSentinel,
} from "./servers.js";

/** A client of the package `redis`, version 5 or later: of `createClient`, `createSentinel` or `createCluster`. */
export interface NodeRedisLike {
  readonly isOpen: boolean;
  duplicate(...args: never[]): unknown;
}

/** A client of the package `ioredis`, version 5 or later: a `Redis`, for one server or for Sentinel, or a `Cluster`. */
export interface IoRedisLike {
  readonly status: string;
  duplicate(...args: never[]): unknown;
}

/** What a client leads to, and how. */
export interface Way {
  readonly dial: Dial;
  readonly isSharded: boolean;
}

/** @param sharded by the commands of sharded pub/sub @throws UsageError `ERR_BAD_OPTION` */
export function wayOf(client: NodeRedisLike | IoRedisLike, sharded: boolean | undefined): Way {
  if (!("status" in client || "isOpen" in client))
    throw new UsageError("ERR_BAD_OPTION", "redis() takes a client of the package redis or ioredis.");
  const isSharded = sharded ?? isCluster(client);
  const dialOne = "status" in client ? dialIoRedis : dialNodeRedis;
  const like: DialLike = (one) => dialOne(one, isSharded);
  const routed = (find: (client: Duplicable, like: DialLike) => Servers): Way => ({
    dial: (sink) => new RoutedConnection(() => find(client, like), sink),
    isSharded,
  });
  if (isCluster(client)) {
    // What servers tell each other of classic channels may be lost, and nobody would know.
    if (!isSharded)
      throw new UsageError(
        "ERR_BAD_OPTION",
        "A Redis Cluster takes sharded pub/sub alone: leave sharded out.",
      );
    return routed("status" in client ? serversOfIoRedisCluster : serversOfNodeRedisCluster);
  }
  if ("getSentinelNode" in client) return routed(serversOfNodeRedisSentinel);
  return { dial: like(client), isSharded };
}

function isCluster(client: object): boolean {
  return "nodeClient" in client || ("isCluster" in client && client.isCluster === true);
}
