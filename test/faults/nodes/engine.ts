// The engine below the nodes of a trial. It is stopped and started again, with what it had kept and without.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRedis, startRedis } from "../../interop/packages/redis-server.js";
import { findNats, startNats } from "../../support/nats-server.js";
import { findPostgres, startPostgres } from "../../support/postgres-server.js";

/** The buses that keep a log, and those that keep none. */
export const LOGGED_BUSES = ["process", "redis", "postgres"] as const;
export const BUSES = [...LOGGED_BUSES, "nats"] as const;
export type BusName = (typeof BUSES)[number];

export interface Engine {
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** While it is stopped: what it has kept is gone. */
  forget(): Promise<void>;
  /** It is stopped, and nothing of it stays on disk. */
  remove(): Promise<void>;
}

const FIND: Readonly<Record<BusName, () => string | undefined>> = {
  process: () => "node",
  redis: findRedis,
  postgres: findPostgres,
  nats: findNats,
};

/** Is the program there that this bus needs? */
export function hasEngine(bus: BusName): boolean {
  return FIND[bus]() !== undefined;
}

/** Nothing for a bus that needs no engine. */
export async function startEngine(bus: BusName): Promise<Engine | undefined> {
  if (bus === "process") return undefined;
  const program = FIND[bus]();
  if (program === undefined) throw new Error(`there is no ${bus} on this machine`);
  if (bus === "postgres") return startPostgres(program);
  return bus === "nats" ? startLight((port) => startNats(program, port)) : startKeeping(program);
}

async function startKeeping(program: string): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-faults-"));
  const engine = await startLight((port) => startRedis(program, port, folder));
  const removed = async (): Promise<void> => {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const forget = async (): Promise<void> => rmSync(join(folder, "dump.rdb"), { force: true });
  return { ...engine, forget, remove: removed };
}

type Running = { readonly port: number; stop(): Promise<void> };

/** One that can be started on a given port, and keeps nothing. */
async function startLight(launch: (port?: number) => Promise<Running>): Promise<Engine> {
  let running: Running | undefined = await launch();
  const { port } = running;
  const stop = async (): Promise<void> => {
    const was = running;
    running = undefined;
    await was?.stop();
  };
  return {
    port,
    stop,
    start: async () => {
      running = await launch(port);
    },
    forget: async () => {},
    remove: stop,
  };
}
