// @socket.io/mongo-adapter on a collection in memory (mongo-collection.ts): what crosses nodes, also in a cluster of both kinds, and recovery.
import { describe, expect, test } from "vitest";
import { loadMongo, type MongoTools } from "../../mongo/tools.js";
import type { ClientName, ServerName } from "../../support/servers.js";
import { clusterTests, type MakeAdapter } from "./cluster.js";
import { MongoCollection } from "./mongo-collection.js";
import { recoveryTests } from "./recovery.js";

const tools = loadMongo();

test.runIf(process.env["CI"] === "true")("there is an adapter where nothing may be skipped", () => {
  expect(tools).toBeDefined();
});

const NODES: readonly (readonly [ServerName, ServerName])[] = [
  ["socket.io 4", "socket.io 4"],
  ["sockeye", "sockeye"],
  ["sockeye", "socket.io 4"],
  ["socket.io 4", "sockeye"],
];
const ENDS: readonly (readonly [ServerName, ServerName, ClientName])[] = [
  ["sockeye", "sockeye", "socket.io-client 4"],
  ["sockeye", "sockeye", "sockeye"],
  ["socket.io 4", "socket.io 4", "socket.io-client 4"],
  ["socket.io 4", "sockeye", "socket.io-client 4"],
  ["sockeye", "socket.io 4", "socket.io-client 4"],
];

describe.skipIf(tools === undefined)("@socket.io/mongo-adapter", () => {
  /** A cluster of its own. */
  function cluster(): MakeAdapter {
    const { createAdapter, bson } = tools as MongoTools;
    const collection = new MongoCollection(bson);
    return async () => createAdapter(collection, { heartbeatInterval: 1000 });
  }

  describe.each(NODES)("between %s and %s", (...nodes) => {
    clusterTests({ nodes, makeAdapter: tools ? cluster() : async () => undefined as never });
  });

  describe.each(ENDS)("recovery of a connection to %s, then %s, of %s", (one, other, name) => {
    recoveryTests({ servers: [one, other], name, cluster, forgets: false });
  });
});
