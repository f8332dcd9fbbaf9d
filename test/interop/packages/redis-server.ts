import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/free-port.js";
import { within } from "../../support/wait.js";

/** The program that REDIS_SERVER_PATH names, or the one in PATH. Sharded channels came with Redis 7. */
export function findRedis(): string | undefined {
  const program = process.env["REDIS_SERVER_PATH"] ?? "redis-server";
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return Number(/v=(\d+)/.exec(stdout ?? "")?.[1]) >= 7 ? program : undefined;
}

/** A Redis of the tests' own: a free port, nothing on disk. */
export interface Redis {
  readonly port: number;
  stop(): Promise<void>;
  /** It dies without keeping anything: the next one has what this one began with. */
  crash(): Promise<void>;
}

/**
 * @param wanted the port; default: any that is free
 * @param kept a folder: what it holds when it is stopped is there for the next one
 */
export async function startRedis(program: string, wanted?: number, kept?: string): Promise<Redis> {
  const port = wanted ?? (await freePort());
  const folder = kept ?? mkdtempSync(join(tmpdir(), "sockeye-redis-"));
  const args = [
    "--port",
    `${port}`,
    "--bind",
    "127.0.0.1",
    "--save",
    kept === undefined ? "" : "3600 1000000",
    "--dir",
    folder,
  ];
  const redis = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  await within(ready(redis), "Redis to start");
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = new Promise((resolve) => redis.once("exit", resolve));
    redis.kill(signal);
    await within(ended, "Redis to end");
    if (kept === undefined) rmSync(folder, { recursive: true, force: true });
  };
  return { port, stop: () => end("SIGTERM"), crash: () => end("SIGKILL") };
}

function ready(redis: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    redis.stdout?.on("data", (chunk) => {
      said += String(chunk);
      if (said.includes("Ready to accept connections")) resolve();
    });
    redis.once("error", reject);
    redis.once("exit", () => reject(new Error(`Redis has ended: ${said}`)));
  });
}
