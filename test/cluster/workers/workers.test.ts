// Real processes: Node's cluster deals out the connections, and a poll of a session often lands at a worker that does not have it.
import { type ChildProcess, fork } from "node:child_process";
import { Agent } from "node:http";
import { fileURLToPath } from "node:url";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClientName, loadClient, optionsFor } from "../../support/servers.js";
import { once, until } from "../../support/wait.js";

const PRIMARY = fileURLToPath(new URL("./primary.mjs", import.meta.url));
const CLIENTS = 8;

let primary: ChildProcess;
let port = 0;
let workers: string[] = [];
const clients: ClientSocket[] = [];
const refused: unknown[] = [];

beforeAll(async () => {
  // Without the conditions of the tests: as apps run it, from the built packages.
  primary = fork(PRIMARY, { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [told] = (await once(primary, "message", 30_000)) as [{ port: number; workers: string[] }];
  ({ port, workers } = told);
}, 40_000);
afterAll(() => {
  for (const client of clients) client.disconnect();
  primary.disconnect();
});

const PEERS: readonly (readonly [ClientName, "websocket" | "polling"])[] = [
  ["sockeye", "websocket"],
  ["sockeye", "polling"],
  ["socket.io-client 4", "websocket"],
  ["socket.io-client 4", "polling"],
];

/**
 * Asks again and again, until the first answer is this. A request that Node's primary was handing to a worker as that was killed gets no answer and no
 * end: its client notices by the heartbeat, after 45 s. So others are asked, too.
 */
async function answers(asked: readonly ClientSocket[], question: string, answer: unknown): Promise<void> {
  const end = Date.now() + 60_000;
  const ask = (): Promise<unknown> => Promise.any(asked.map((client) => client.emitWithAck(question)));
  for (let got: unknown; got !== answer; got = await ask()) {
    if (Date.now() > end) throw new Error(`${question}: ${got} instead of ${answer}`);
  }
}

async function dial(name: ClientName, way: "websocket" | "polling"): Promise<ClientSocket> {
  const { io } = await loadClient(name);
  // A connection for each request, so that Node deals each of them out.
  const agent = new Agent({ keepAlive: false });
  const client = io(`http://127.0.0.1:${port}`, {
    ...optionsFor(way),
    forceNew: true,
    agent: agent as never,
  });
  clients.push(client);
  client.on("connect_error", (error) => refused.push([name, way, error]));
  await once(client, "connect", 10_000);
  return client;
}

describe("three workers of Node's cluster", () => {
  it("are one server for all clients, over each transport, without sticky sessions", async () => {
    const got = new Map<ClientSocket, unknown[]>();
    for (let n = 0; n < CLIENTS; n++) {
      const [name, way] = PEERS[n % PEERS.length] as (typeof PEERS)[number];
      const client = await dial(name, way);
      got.set(client, []);
      client.on("said", (text) => got.get(client)?.push(text));
      client.on("disconnect", (reason, details) => refused.push([name, way, reason, details]));
    }
    const where = await Promise.all(clients.map((client) => client.emitWithAck("where")));
    expect(new Set(where).size).toBeGreaterThan(1);
    await answers(clients, "count", CLIENTS);
    for (const [n, client] of clients.entries()) client.emit("say", n);
    await until(
      () => [...got.values()].every((texts) => texts.length === CLIENTS),
      "all texts at all",
      10_000,
    );
    for (const texts of got.values()) expect([...texts].sort()).toEqual(clients.map((_client, n) => n));
    expect(refused).toEqual([]);
  }, 40_000);

  it("that is killed is gone from the others at once, and its clients come back elsewhere", async () => {
    const where = await Promise.all(clients.map((client) => client.emitWithAck("where")));
    const victim = String(where[0]);
    expect(workers).toContain(victim);
    const lost = clients.filter((_client, n) => String(where[n]) === victim);
    const others = clients.filter((_client, n) => String(where[n]) !== victim);
    primary.send({ kill: victim });
    await answers(others, "nodes", 2);
    await until(() => lost.every(({ connected }) => connected), "its clients", 50_000);
    await answers(others, "count", CLIENTS);
  }, 150_000);
});
