// @socket.io/cluster-adapter and @socket.io/sticky: a server on two workers of Node's cluster, behind one port.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Socket as ClientSocket, io as dial } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ServerName } from "../../support/servers.js";
import { optionsFor, WAYS, type Way } from "../../support/servers.js";
import { collect, once, until, within } from "../../support/wait.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const app = fileURLToPath(new URL("./cluster-app.ts", import.meta.url));

/** The second is there to prove the tests: what they expect is what Socket.IO does. */
const SERVERS: readonly ServerName[] = ["sockeye", "socket.io 4"];

/**
 * Socket.IO's server answers a handshake before it tells @socket.io/sticky of the session, so under load a client's next
 * requests reach a worker that does not know it, and its first attempt ends with 400. Ours tells before it answers, so its
 * clients get one attempt only.
 */
const ATTEMPTS: Record<ServerName, number> = { sockeye: 0, "socket.io 4": 20 };

describe.each(SERVERS)("%s on two workers", (server) => {
  let primary: ChildProcess;
  let url: string;

  beforeAll(async () => {
    primary = spawn(process.execPath, ["--import", "tsx", app], {
      cwd: root,
      env: { ...process.env, SERVER: server, TSX_TSCONFIG_PATH: `${root}tsconfig.json` },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const port = new Promise((resolve, reject) => {
      primary.stdout?.once("data", (line) => resolve(Number(line)));
      primary.once("exit", () => reject(new Error("the primary has ended")));
    });
    url = `http://127.0.0.1:${await within(port, "two workers", 15_000)}`;
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => primary.once("exit", resolve));
    primary.stdin?.end();
    await within(ended, "the end of the primary");
  });

  async function enter(way: Way): Promise<ClientSocket> {
    const reconnectionAttempts = ATTEMPTS[server];
    const client = dial(url, {
      ...optionsFor(way),
      reconnection: reconnectionAttempts > 0,
      reconnectionAttempts,
    });
    onTestFinished(() => void client.disconnect());
    await once(client, "connect");
    if (way === "polling, then websocket") {
      await until(() => client.io.engine.transport.name === "websocket", "the upgrade");
    }
    return client;
  }

  /** Two clients in a room, one on each worker: a request that got lost takes a turn of the round robin. */
  async function enterBoth(way: Way, room: string): Promise<{ clients: ClientSocket[]; pids: number[] }> {
    const ofPid = new Map<number, ClientSocket>();
    for (let tries = 0; ofPid.size < 2 && tries < 2 + ATTEMPTS[server]; tries++) {
      const client = await enter(way);
      const pid = (await client.emitWithAck("pid")) as number;
      if (ofPid.has(pid)) client.disconnect();
      else ofPid.set(pid, client);
    }
    expect(ofPid.size).toBe(2);
    const clients = [...ofPid.values()];
    await Promise.all(clients.map((client) => client.emitWithAck("join", room)));
    return { clients, pids: [...ofPid.keys()] };
  }

  test.each(WAYS)("clients of different workers, %s", async (way) => {
    // Of its own: who has just left another test may not be gone yet.
    const room = `the room of ${way}`;
    const { clients, pids } = await enterBoth(way, room);
    const [ann, ben] = clients as [ClientSocket, ClientSocket];

    const heard = Promise.all(clients.map((client) => collect(client, "told", 2)));
    ann.emit("tell", room, 1, Buffer.from([1, 2]));
    ann.emit("tell", ben.id, "Ben");
    ann.emit("tell", ann.id, "Ann");
    expect(await heard).toEqual([
      [[1, Buffer.from([1, 2])], ["Ann"]],
      [[1, Buffer.from([1, 2])], ["Ben"]],
    ]);

    for (const [index, client] of clients.entries()) client.on("who?", (answer) => answer(index));
    expect((await ann.emitWithAck("ask all", room)).sort()).toEqual([0, 1]);

    const sockets = (await ben.emitWithAck("sockets", room)) as [string, number, string[]][];
    expect(sockets.sort()).toEqual(clients.map(({ id }, index) => [id, pids[index], [id, room]]).sort());

    expect(await ann.emitWithAck("other pids")).toEqual([pids[1]]);

    const moved = once(ben, "told");
    ann.emit("move", ben.id, "elsewhere");
    ann.emit("tell", "elsewhere", "moved");
    expect(await moved).toEqual(["moved"]);
  });

  test("a body of many chunks goes to the worker of its session", async () => {
    const client = await enter("polling");
    const long = "ü".repeat(150_000);
    const told = once(client, "told");
    client.emit("tell", client.id, long);
    expect((await told)[0]).toBe(long);
  });
});
