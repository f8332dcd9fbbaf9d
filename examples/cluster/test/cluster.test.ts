import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { io, type Socket } from "@sockeye/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findRedis, type Redis, startRedis } from "../../../test/interop/packages/redis-server.js";
import { until } from "../../../test/support/wait.js";

const SERVER = fileURLToPath(new URL("../server.js", import.meta.url));
interface Seen {
  readonly socket: Socket;
  readonly on: string[];
  readonly said: unknown[];
  nodes: string[];
}

const program = findRedis();
if (program === undefined)
  console.log("redis: no redis-server of version 7 or later, so the example over Redis is skipped");

test.runIf(process.env["CI"] === "true")("there is a Redis where nothing may be skipped", () => {
  expect(program).toBeDefined();
});

describe.each(["bus-process", "bus-redis"])("over %s", (bus) => {
  const skipped = bus === "bus-redis" && program === undefined;
  let redis: Redis | undefined;
  let server: ChildProcess | undefined;
  let url = "";
  const sockets: Socket[] = [];

  beforeAll(async () => {
    if (skipped) return;
    const env: NodeJS.ProcessEnv = { ...process.env, PORT: "0", NODE_OPTIONS: "" };
    delete env["REDIS_URL"];
    if (bus === "bus-redis") {
      redis = await startRedis(program ?? "");
      env["REDIS_URL"] = `redis://127.0.0.1:${redis.port}`;
    }
    server = spawn(process.execPath, [SERVER], { env, stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    server.stdout?.on("data", (text: Buffer) => {
      said += String(text);
    });
    await until(() => /http:\S+/.test(said), "the address", 30_000);
    url = /http:\S+/.exec(said)?.[0] ?? "";
  }, 40_000);

  afterAll(async () => {
    for (const socket of sockets) socket.disconnect();
    if (server?.exitCode === null) {
      const end = once(server, "exit");
      server.kill("SIGTERM");
      await end;
    }
    await redis?.stop();
  }, 20_000);

  function enter(transports: string[]): Seen {
    const socket = io(url, { forceNew: true, transports, reconnectionDelay: 50 });
    sockets.push(socket);
    const seen: Seen = { socket, on: [], said: [], nodes: [] };
    socket.on("node", (name: string) => void seen.on.push(name));
    socket.on("nodes", (names: string[]) => {
      seen.nodes = names;
    });
    socket.on("said", (what: unknown) => void seen.said.push(what));
    return seen;
  }

  test.skipIf(skipped)("the page is served, whichever node answers", async () => {
    for (let n = 0; n < 3; n++) expect(await (await fetch(url)).text()).toContain("<title>Cluster</title>");
    expect((await fetch(`${url}/socket.io/socket.io.js`)).status).toBe(200);
  });

  test.skipIf(skipped)(
    "clients are on different nodes and hear each other; one whose node is killed is soon on another",
    async () => {
      const ways = [["polling"], ["websocket"], ["websocket"], ["polling", "websocket"]];
      const all = ways.map(enter);
      await until(
        () => all.every(({ on, nodes }) => on.length === 1 && nodes.length === 3),
        "all to be in",
        20_000,
      );
      expect(new Set(all.flatMap(({ on }) => on)).size).toBeGreaterThan(1);
      const [victim] = all as [Seen];
      const [name] = victim.on;
      victim.socket.emit("say", "hello");
      await until(() => all.every(({ said }) => said.length === 1), "what one says at all");
      victim.socket.emit("kill");
      const lost = all.filter(({ on }) => on[0] === name);
      await until(() => lost.every(({ on }) => on.length === 2), "its clients to be back", 20_000);
      for (const { on } of lost) expect(on[1]).not.toBe(name);
      victim.socket.emit("say", "here again");
      await until(() => all.every(({ said }) => said.length === 2), "what it says at all", 20_000);
      // The node that was killed is started again.
      await until(() => all.every(({ nodes }) => nodes.length === 3), "the third node", 30_000);
    },
    90_000,
  );
});
