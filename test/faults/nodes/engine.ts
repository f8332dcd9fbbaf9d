// The engine below the nodes of a trial. It is stopped and started again, with what it had kept and without.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRedis, startRedis } from "../../interop/packages/redis-server.js";
import { findNats, startNats } from "../../support/nats-server.js";
import { findPostgres, startPostgres } from "../../support/postgres-server.js";

export const BUSES = ["process", "redis", "postgres", "nats"] as const;
export type BusName = (typeof BUSES)[number];

export interface Engine {
  readonly port: number;
  stop(): Promise<void>;
  /** It dies, and some of what it had is gone: with Redis what it has not written yet; others lose nothing by that. */
  crash(): Promise<void>;
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
  if (bus === "postgres") {
    const engine = await startPostgres(program);
    return { ...engine, crash: engine.stop };
  }
  return bus === "nats"
    ? startKeeping((port, folder) => startNats(program, port, ["-js", "-sd", folder]), "jetstream")
    : startKeeping((port, folder) => startRedis(program, port, folder), "dump.rdb");
}

type Running = { readonly port: number; stop(): Promise<void>; crash?(): Promise<void> };

/** One that can be started on a given port. @param kept what there is in its folder of what it has kept */
async function startKeeping(
  launchIn: (port: number | undefined, folder: string) => Promise<Running>,
  kept: string,
): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-faults-"));
  const launch = (port?: number): Promise<Running> => launchIn(port, folder);
  let running: Running | undefined = await launch();
  const { port } = running;
  const stop = async (isCrash = false): Promise<void> => {
    const was = running;
    running = undefined;
    await (isCrash && was?.crash ? was.crash() : was?.stop());
  };
  return {
    port,
    stop,
    crash: () => stop(true),
    start: async () => {
      running = await launch(port);
    },
    forget: async () => rmSync(join(folder, kept), { recursive: true, force: true }),
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
