// Makes sure that the programs are there that some tests need: the one that a variable names, the one in PATH, or, as root
// on a machine with apt-get, a freshly installed one. Prints one line each. Tests whose program is missing skip
// themselves; where that would hide something (CI=true) it is an error.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

const PROGRAMS = [
  {
    name: "browser",
    variable: "CHROMIUM_PATH",
    commands: ["chromium", "chromium-browser", "google-chrome"],
    packages: ["chromium"],
    users: "browser tests",
  },
  {
    name: "firefox",
    variable: "FIREFOX_PATH",
    commands: ["firefox-esr", "firefox"],
    packages: ["firefox-esr"],
    users: "tests in Firefox",
  },
  {
    name: "webkit",
    variable: "WEBKIT_DRIVER_PATH",
    commands: ["WebKitWebDriver"],
    packages: ["webkit2gtk-driver"],
    users: "tests in WebKit",
  },
  {
    name: "display",
    variable: "XVFB_PATH",
    commands: ["Xvfb"],
    packages: ["xvfb"],
    users: "tests in WebKit",
  },
  {
    name: "redis",
    variable: "REDIS_SERVER_PATH",
    commands: ["redis-server"],
    packages: ["redis-server"],
    users: "tests of the Redis adapter",
  },
  {
    name: "postgres",
    variable: "POSTGRES_PATH",
    commands: ["postgres"],
    // Debian keeps one for each version where nobody looks.
    folders: "/usr/lib/postgresql",
    packages: ["postgresql"],
    users: "tests of PostgreSQL as a bus",
  },
  {
    name: "nats",
    variable: "NATS_SERVER_PATH",
    commands: ["nats-server", "../sbin/nats-server"],
    packages: ["nats-server"],
    users: "tests of NATS as a bus",
  },
  {
    name: "duktape",
    variable: "DUKTAPE_PATH",
    commands: ["duk"],
    packages: ["duktape"],
    users: "tests in an engine of ECMAScript 5",
  },
  {
    name: "old webkit",
    variable: "WKHTMLTOIMAGE_PATH",
    commands: ["wkhtmltoimage"],
    packages: ["wkhtmltopdf"],
    users: "tests in an old WebKit",
  },
  {
    name: "xvfb",
    variable: "XVFB_RUN_PATH",
    commands: ["xvfb-run"],
    packages: ["xvfb", "xauth"],
    users: "tests in an old WebKit",
  },
  {
    name: "nginx",
    variable: "NGINX_PATH",
    // Debian keeps it where only root looks.
    commands: ["nginx", "../sbin/nginx"],
    packages: ["nginx"],
    users: "tests of paths through nginx",
  },
  {
    name: "haproxy",
    variable: "HAPROXY_PATH",
    commands: ["haproxy", "../sbin/haproxy"],
    packages: ["haproxy"],
    users: "tests of nodes behind HAProxy",
  },
  {
    name: "python-socketio",
    variable: "PYTHON_SOCKETIO_PATH",
    commands: ["python3"],
    // Debian's own python3 has Debian's packages; another one that stands in front of it in PATH has not.
    check: ["-c", "import socketio, aiohttp, msgpack"],
    packages: ["python3-socketio", "python3-aiohttp", "python3-msgpack"],
    users: "tests with python-socketio",
    isOptional: true,
  },
];

for (const program of PROGRAMS) {
  const { line, ok } = provide(program);
  console.log(`${program.name}: ${line}${ok ? "" : `; ${program.users} are skipped`}`);
  if (!ok && !program.isOptional && process.env.CI === "true") process.exitCode = 1;
}

function provide(program) {
  const found = find(program);
  if (found) return { ok: true, line: found };
  if (process.getuid?.() !== 0 || !which("apt-get")) {
    const line = `no ${program.commands[0]} in PATH and no apt-get to install it as root (or set ${program.variable})`;
    return { ok: false, line };
  }
  // Some packages bring a service, which nobody needs here: RUNLEVEL=1 says that none is to be started.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...program.packages]]) {
    const { status, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    const reason = (stderr ?? "").trim().split("\n").at(-1);
    if (status !== 0) return { ok: false, line: `apt-get ${args[0]} failed (${reason})` };
  }
  const installed = find(program);
  return installed
    ? { ok: true, line: `installed ${installed}` }
    : { ok: false, line: `apt-get installed no ${program.commands[0]}` };
}

function find({ variable, commands, check, folders }) {
  const named = process.env[variable];
  if (named) return isExecutable(named) ? named : undefined;
  if (folders && existsSync(folders)) {
    const files = readdirSync(folders).map((version) => join(folders, version, "bin", commands[0]));
    const file = files.find(isExecutable);
    if (file) return file;
  }
  return commands.map((command) => which(command, check)).find((path) => path !== undefined);
}

function which(command, check) {
  const candidates = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, command));
  return candidates.find(
    (file) => isExecutable(file) && (check === undefined || spawnSync(file, check).status === 0),
  );
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
