import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { freePort } from "./free-port.js";
import { within } from "./wait.js";

/** The program that NATS_SERVER_PATH names, the one in PATH, or Debian's, which is where only root looks. */
export function findNats(): string | undefined {
  const named = process.env["NATS_SERVER_PATH"];
  const programs = named ? [named] : ["nats-server", "/usr/sbin/nats-server"];
  return programs.find((program) => spawnSync(program, ["--version"]).status === 0);
}

/** A NATS of the tests' own: a free port, nothing on disk. */
export interface Nats {
  readonly port: number;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  stop(): Promise<void>;
}

/** @param wanted the port; default: any that is free */
export async function startNats(program: string, wanted?: number, more: string[] = []): Promise<Nats> {
  const port = wanted ?? (await freePort());
  const server = spawn(program, ["-a", "127.0.0.1", "-p", `${port}`, ...more], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await within(ready(server), "NATS to start");
  return {
    port,
    signal: (signal) => void server.kill(signal),
    stop: async () => {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGKILL");
      await within(ended, "NATS to end");
    },
  };
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    server.stderr?.on("data", (chunk) => {
      if (said.length < 10_000) said += String(chunk);
      if (said.includes("Server is ready")) resolve();
    });
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`NATS has ended: ${said}`)));
  });
}
