// The engines that carry messages between nodes, each of a test's own.

import { connect } from "@nats-io/transport-node";
import { nats } from "@sockeye/bus-nats";
import { postgres } from "@sockeye/bus-postgres";
import { processBus, relay } from "@sockeye/bus-process";
import { redis } from "@sockeye/bus-redis";
import type { Bus } from "@sockeye/protocol";
import pg from "pg";
import { createClient } from "redis";
import { FakePrimary } from "../../packages/bus-process/test/fake-primary.js";
import { findRedis, startRedis } from "../interop/packages/redis-server.js";
import { findNats, startNats } from "../support/nats-server.js";
import { findPostgres, startPostgres } from "../support/postgres-server.js";
import { atEnd, memoryBuses } from "./site.js";

interface Engine {
  /** The program that it needs is not there. */
  readonly isMissing: boolean;
  readonly keeps: boolean;
  /** Starts it. @returns makes a bus for one more node */
  start(): Promise<() => Bus>;
}

const redisProgram = findRedis();
const postgresPrograms = findPostgres();
const natsProgram = findNats();

export const ENGINES: Readonly<Record<string, Engine>> = {
  memory: { isMissing: false, keeps: true, start: async () => memoryBuses() },
  process: {
    isMissing: false,
    keeps: true,
    start: async () => {
      const primary = new FakePrimary();
      relay({ primary });
      return () => processBus(primary.fork().port);
    },
  },
  postgres: {
    isMissing: postgresPrograms === undefined,
    keeps: true,
    start: async () => {
      const { port, remove } = await startPostgres(postgresPrograms ?? "");
      atEnd(remove);
      return () => postgres(new pg.Pool({ host: "127.0.0.1", port, user: "sockeye", database: "postgres" }));
    },
  },
  redis: {
    isMissing: redisProgram === undefined,
    keeps: true,
    start: async () => {
      const { port, stop } = await startRedis(redisProgram ?? "");
      atEnd(stop);
      return () =>
        redis(
          createClient({ socket: { host: "127.0.0.1", port } }) as unknown as Parameters<typeof redis>[0],
        );
    },
  },
  nats: {
    isMissing: natsProgram === undefined,
    keeps: false,
    start: async () => {
      const { port, stop } = await startNats(natsProgram ?? "");
      atEnd(stop);
      return () => nats(connect, { servers: `127.0.0.1:${port}` });
    },
  },
};

for (const [name, { isMissing }] of Object.entries(ENGINES))
  if (isMissing) console.log(`cluster: no program for ${name}, so its part is skipped`);
