// The engines that carry messages between nodes, each of a test's own.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, headers } from "@nats-io/transport-node";
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
  /** Starts it. @returns makes a bus for one more node */
  start(): Promise<() => Bus>;
}

const redisProgram = findRedis();
const postgresPrograms = findPostgres();
const natsProgram = findNats();

export const ENGINES: Readonly<Record<string, Engine>> = {
  memory: { isMissing: false, start: async () => memoryBuses() },
  process: {
    isMissing: false,
    start: async () => {
      const primary = new FakePrimary();
      relay({ primary });
      return () => processBus(primary.fork().port);
    },
  },
  postgres: {
    isMissing: postgresPrograms === undefined,
    start: async () => {
      const { port, remove } = await startPostgres(postgresPrograms ?? "");
      atEnd(remove);
      return () => postgres(new pg.Pool({ host: "127.0.0.1", port, user: "sockeye", database: "postgres" }));
    },
  },
  redis: {
    isMissing: redisProgram === undefined,
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
    start: async () => {
      const folder = mkdtempSync(join(tmpdir(), "sockeye-nats-"));
      const { port, stop } = await startNats(natsProgram ?? "", undefined, ["-js", "-sd", folder]);
      atEnd(async () => {
        await stop();
        rmSync(folder, { recursive: true, force: true });
      });
      return () => nats(connect, { servers: `127.0.0.1:${port}` }, { jetStream: { headers } });
    },
  },
};

for (const [name, { isMissing }] of Object.entries(ENGINES))
  if (isMissing) console.log(`cluster: no program for ${name}, so its part is skipped`);
