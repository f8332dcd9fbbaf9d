import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "./free-port.js";
import { within } from "./wait.js";

const DEBIAN = "/usr/lib/postgresql";

/** The folder of PostgreSQL's programs: of the `postgres` that POSTGRES_PATH names, or where Debian has it, or in PATH. */
export function findPostgres(): string | undefined {
  const debian = existsSync(DEBIAN)
    ? readdirSync(DEBIAN).map((version) => `${DEBIAN}/${version}/bin/postgres`)
    : [];
  const inPath = (process.env["PATH"] ?? "").split(":").map((folder) => join(folder, "postgres"));
  const named = process.env["POSTGRES_PATH"];
  const program = (named ? [named] : [...debian, ...inPath]).find((file) => existsSync(file));
  return program && dirname(program);
}

/** A PostgreSQL of the tests' own: a free port, and a folder that goes with it. */
export interface Postgres {
  readonly port: number;
  /** It comes back with what it had. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** While it is stopped: what it had is gone. */
  forget(): Promise<void>;
  /** It stands still; `SIGCONT` lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  remove(): Promise<void>;
}

/** PostgreSQL refuses root: then it runs as nobody. */
const USER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** @param programs their folder */
export async function startPostgres(programs: string): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-postgres-"));
  if (USER.uid !== undefined) chownSync(folder, USER.uid, USER.gid);
  const data = join(folder, "data");
  const args = ["-D", data, "-U", "sockeye", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"];
  const begin = async (): Promise<void> => {
    const initdb = spawn(join(programs, "initdb"), args, {
      ...USER,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    initdb.stderr.on("data", (chunk) => {
      said += String(chunk);
    });
    const [status] = await once(initdb, "close");
    if (status !== 0) throw new Error(`initdb has failed: ${said}`);
  };
  await begin();
  const port = await freePort();
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const settings = { port, listen_addresses: "127.0.0.1", unix_socket_directories: "", fsync: "off" };
    const given = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const child = spawn(join(programs, "postgres"), ["-D", data, ...given], {
      ...USER,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    server = child;
    await within(ready(child), "PostgreSQL to start", 30_000);
  };
  const stop = async (): Promise<void> => {
    const child = server;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    // It ends at once, as when it crashes.
    child.kill("SIGQUIT");
    child.kill("SIGCONT");
    await within(ended, "PostgreSQL to end", 30_000);
  };
  await start();
  return {
    port,
    start,
    stop,
    forget: async () => {
      rmSync(data, { recursive: true, force: true });
      await begin();
    },
    signal: (signal) => {
      for (const pid of [server?.pid, ...childrenOf(server?.pid)])
        if (pid !== undefined) process.kill(pid, signal);
    },
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    server.stderr?.on("data", (chunk) => {
      if (said.length < 10_000) said += String(chunk);
      if (said.includes("ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`PostgreSQL has ended: ${said}`)));
  });
}

/** Each connection has a process of its own. Where there is no `/proc`, there is `ps`. */
function childrenOf(pid: number | undefined): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  const text = existsSync(file)
    ? readFileSync(file, "utf8")
    : spawnSync("pgrep", ["-P", `${pid}`], { encoding: "utf8" }).stdout;
  return text.split(/\s+/).map(Number).filter(Boolean);
}
