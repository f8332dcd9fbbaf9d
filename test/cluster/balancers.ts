// Balancers of the world, each as an unprivileged child on a free port: they know nothing of sessions, and each request goes to the next node.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, isListening, NGINX, startNginx } from "../paths/nginx.js";
import { findProgram } from "../support/programs.js";
import { eventually } from "../support/wait.js";

export interface Balancer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Absent: the tests that need it are skipped. */
const HAPROXY = findProgram({
  variable: "HAPROXY_PATH",
  commands: ["haproxy", "../sbin/haproxy"],
  users: "tests of nodes behind HAProxy",
});

/** `start` is absent where the program is. */
export const BALANCERS: readonly {
  readonly name: string;
  readonly start: ((ports: readonly number[]) => Promise<Balancer>) | undefined;
}[] = [
  { name: "nginx", start: NGINX === undefined ? undefined : behindNginx.bind(undefined, NGINX) },
  { name: "HAProxy", start: HAPROXY === undefined ? undefined : behindHaproxy.bind(undefined, HAPROXY) },
];

async function behindNginx(program: string, upstream: readonly number[]): Promise<Balancer> {
  const directives = [
    "proxy_http_version 1.1;",
    "proxy_set_header Host $http_host;",
    "proxy_set_header Upgrade $http_upgrade;",
    "proxy_set_header Connection $connection_of_hop;",
  ];
  const { ports, stop } = await startNginx(program, [{ upstream, directives }]);
  return { port: ports[0] ?? 0, stop };
}

const NOBODY = 65_534;

async function behindHaproxy(program: string, ports: readonly number[]): Promise<Balancer> {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-haproxy-"));
  const port = await freePort();
  const file = join(folder, "haproxy.cfg");
  writeFileSync(
    file,
    `global
  maxconn 200
defaults
  mode http
  option http-no-delay
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend front
  bind 127.0.0.1:${port}
  default_backend nodes
backend nodes
  balance roundrobin
${ports.map((each) => `  server node${each} 127.0.0.1:${each}`).join("\n")}
`,
  );
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (user.uid !== undefined) chownSync(folder, NOBODY, NOBODY);
  const child = spawn(program, ["-db", "-f", file], { ...user, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => (said += text.toString()));
  const over = once(child, "exit");
  // Whatever becomes of this process.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    kill();
    await over;
    process.off("exit", kill);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`haproxy has ended: ${said}`);
      return isListening(port);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
}
