// The bus of a node of a trial. Runs on the built packages.
import { connect, headers } from "@nats-io/transport-node";
import { nats } from "@sockeye/bus-nats";
import { postgres } from "@sockeye/bus-postgres";
import { processBus } from "@sockeye/bus-process";
import { redis } from "@sockeye/bus-redis";
import pg from "pg";
import { createClient } from "redis";

const host = "127.0.0.1";
const BUSES = {
  process: () => processBus(),
  redis: (port) => redis(createClient({ socket: { host, port, reconnectStrategy: 50 } })),
  postgres: (port) => postgres(new pg.Pool({ host, port, user: "sockeye", database: "postgres" })),
  nats: (port, keeps) =>
    nats(connect, { servers: `${host}:${port}` }, keeps ? { jetStream: { headers } } : {}),
};

/** @param keeps is a log needed? */
export function makeBus({ BUS, ENGINE_PORT }, keeps = false) {
  return BUSES[BUS](Number(ENGINE_PORT), keeps);
}
