import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import type { ClientName, ServerName } from "../support/servers.js";
import { within } from "../support/wait.js";
import { clientsDiffer, differs, ends, serve } from "./differ.js";

// Rows of docs/differences.md about the end of a process: each case runs in a process of its own.

const root = fileURLToPath(new URL("../../", import.meta.url));
const app = fileURLToPath(new URL("./process-app.ts", import.meta.url));
const STARTED_MS = 20_000;

interface Case {
  readonly server?: ServerName;
  readonly client?: ClientName;
  readonly url?: string;
}

/** `said` resolves with its first line, if it comes to that; `code` with its end. */
function run(
  what: string,
  { server = "socket.io 4", client = "socket.io-client 4", url = "" }: Case,
): { readonly said: Promise<string>; readonly code: Promise<number | null> } {
  const child = spawn(process.execPath, ["--import", "tsx", app, what, server, client, url], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: `${root}tsconfig.json` },
    stdio: ["ignore", "pipe", "ignore"],
  });
  ends.push(() => child.kill("SIGKILL"));
  const said = new Promise<string>((resolve) =>
    child.stdout.once("data", (line) => resolve(String(line).trim())),
  );
  const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { said, code };
}

async function outcome(what: string, ends: Case): Promise<string> {
  const { said, code } = run(what, ends);
  const ended = code.then((each) => (each === 0 ? said : "ends the process"));
  return within(Promise.race([said, ended]), `an outcome of ${what}`, STARTED_MS);
}

describe("the app's own errors", { timeout: 2 * STARTED_MS }, () => {
  for (const what of [
    "a handler that throws",
    "a handler that rejects",
    "a middleware that throws",
    "a middleware that rejects",
    "a middleware of events that rejects",
    "a middleware that throws after next()",
    "a middleware of events that throws after next()",
    "a function of namespaces that rejects",
    "a header that HTTP does not allow",
    "a listener for requests that was added later and answers them all",
  ]) {
    differs(what, { stock: "ends the process", sockeye: "goes on" }, (server) => outcome(what, { server }));
  }
  for (const what of ["a handler of the client that throws", "a handler of the client that rejects"]) {
    clientsDiffer(what, { stock: "ends the process", sockeye: "goes on" }, (client) =>
      outcome(what, { client }),
    );
  }
});

/** Does a process that is connected to this one end, although the connection lives? One that does not is given a second. */
async function endsBeingConnected(what: string, client: ClientName): Promise<string> {
  const site = await serve("socket.io 4");
  const { said, code } = run(what, { client, url: site.url });
  await within(said, "a connection", STARTED_MS);
  return Promise.race([
    code.then(() => "ends"),
    new Promise<string>((resolve) => setTimeout(resolve, 1000, "waits")),
  ]);
}

describe("a process that is connected", { timeout: 2 * STARTED_MS }, () => {
  clientsDiffer("and has not said autoUnref", { stock: "waits", sockeye: "waits" }, (client) =>
    endsBeingConnected("connected", client),
  );
  clientsDiffer("autoUnref over a WebSocket", { stock: "ends", sockeye: "ends" }, (client) =>
    endsBeingConnected("autoUnref", client),
  );
  clientsDiffer("autoUnref after an upgrade", { stock: "ends", sockeye: "ends" }, (client) =>
    endsBeingConnected("autoUnref after an upgrade", client),
  );
});

/** What a client that cannot connect writes to stderr, in a process of its own. */
function linesOfDebug(client: ClientName): string {
  const name = client === "sockeye" ? "@sockeye/client" : "socket.io-client";
  const program = `import { io } from "${name}"; io("http://127.0.0.1:1", { reconnection: false }).on("connect_error", () => process.exit())`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
    env: { ...process.env, DEBUG: "*" },
    encoding: "utf8",
    timeout: STARTED_MS,
  });
  return stderr.includes("socket.io-client") ? "lines" : stderr;
}

// They run the built packages.
describe("a process with DEBUG=*", { timeout: 2 * STARTED_MS }, () => {
  clientsDiffer("lines of the client", { stock: "lines", sockeye: "" }, async (client) =>
    linesOfDebug(client),
  );
});
