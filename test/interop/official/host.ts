import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ServerName } from "../../support/servers.js";
import { within } from "../../support/wait.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const app = fileURLToPath(new URL("./app.ts", import.meta.url));
const STARTED_MS = 30_000;

/** Those of the engine differ in the revisions that they take: 4, or 3 as well. */
export type Kind = "engine 4" | "engine 3" | "sockets";

/** `suite`: those of the public suites. `default`: nothing ends by itself. `short connect`: only the time to join a namespace is short. */
export type Heartbeats = "suite" | "default" | "short connect";

/** A server in a process of its own: what its peer reads in one piece is then the network's to say. */
export class Host {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(server: ServerName, kind: Kind, heartbeats: Heartbeats): Promise<Host> {
    const child = spawn(process.execPath, ["--import", "tsx", app, server, kind, heartbeats], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: `${root}tsconfig.json` },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const said = new Promise<string>((resolve, reject) => {
      child.stdout.once("data", (line) => resolve(String(line)));
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    });
    return new Host(child, Number(await within(said, "the server's port", STARTED_MS)));
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}
