import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../support/programs.js";
import { eventually } from "../support/wait.js";

/** One server of nginx, in front of one of ours, or of several by turns. */
export interface Front {
  readonly upstream: number | readonly number[];
  /** What stands in its `location`, besides the address. */
  readonly directives: readonly string[];
}

export interface Nginx {
  /** Where each front listens, in their order. */
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/** Absent: the tests that need it are skipped. Debian keeps it where only root looks. */
export const NGINX: string | undefined = findProgram({
  variable: "NGINX_PATH",
  commands: ["nginx", "../sbin/nginx"],
  users: "tests of paths through nginx",
});

/** `nobody`, on every Linux: a proxy that tests start has no business as root. */
const NOBODY = 65_534;

export async function startNginx(program: string, fronts: readonly Front[]): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-nginx-"));
  const ports = await Promise.all(fronts.map(freePort));
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configOf(folder, fronts, ports));
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (user.uid !== undefined) chownSync(folder, NOBODY, NOBODY);
  const child = spawn(program, ["-p", folder, "-c", file, "-e", "stderr"], {
    ...user,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    said += text.toString();
  });
  const over = once(child, "exit");
  // Whatever becomes of this process.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await over;
    process.off("exit", kill);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`nginx has ended: ${said}`);
      return (await Promise.all(ports.map(isListening))).every(Boolean);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { ports, stop };
}

function configOf(folder: string, fronts: readonly Front[], ports: readonly number[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ")}
  map $http_upgrade $connection_of_hop { default upgrade; "" ""; }
  ${fronts
    .map(
      ({ upstream, directives }, n) => `
  upstream front${n} { ${[upstream]
    .flat()
    .map((port) => `server 127.0.0.1:${port};`)
    .join(" ")} }
  server {
    listen 127.0.0.1:${ports[n]};
    location / {
      ${[...directives, `proxy_pass http://front${n};`].join("\n      ")}
    }
  }`,
    )
    .join("")}
}
`;
}

/** A port that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** Does anybody listen there? */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
