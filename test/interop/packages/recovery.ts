// Connection state recovery with an adapter of npm's that keeps a log: the same for every adapter, and for every mixture of ends.
import { expect, onTestFinished, test } from "vitest";
import type { ClientName, ServerName, Site } from "../../support/servers.js";
import {
  loadClient,
  optionsFor,
  pullThePlug,
  serverHalf,
  startSite,
  UNCOUNTED,
} from "../../support/servers.js";
import { once, until } from "../../support/wait.js";
import type { MakeAdapter } from "./cluster.js";

/** Which ends. The client meets the second of the servers where it comes back to another node. */
export interface RecoveryTerms {
  readonly servers: readonly [ServerName, ServerName];
  readonly name: ClientName;
  /** Makes a cluster of its own for each test. */
  readonly cluster: () => MakeAdapter;
  /** Does the adapter itself forget sessions that are too old? */
  readonly forgets: boolean;
}

export function recoveryTests({ servers, name, cluster, forgets }: RecoveryTerms): void {
  const [server] = servers;
  async function start(
    makeAdapter: MakeAdapter,
    port = 0,
    { maxDisconnectionDuration = 60_000, of = server } = {},
  ): Promise<Site> {
    const site = await startSite(
      of,
      { ...UNCOUNTED, adapter: await makeAdapter(), connectionStateRecovery: { maxDisconnectionDuration } },
      port,
    );
    onTestFinished(() => site.end());
    return site;
  }

  async function enter(site: Site) {
    const { io } = await loadClient(name);
    const client = io(site.url, optionsFor("websocket"));
    onTestFinished(() => void client.disconnect());
    const got: unknown[] = [];
    client.on("news", (value) => got.push(value));
    await once(client, "connect");
    return { client, got };
  }

  test("on the same node", async () => {
    const site = await start(cluster());
    const { client, got } = await enter(site);
    const socket = await serverHalf(site, client);
    socket.join("room");
    site.io.emit("news", 1);
    await until(() => got.length === 1, "the first");
    const { id } = client;
    const back = once(client, "connect");
    await pullThePlug(site, socket);
    await once(client, "disconnect");
    site.io.to("room").emit("news", 2);
    site.io.to("elsewhere").emit("news", "not for it");
    await back;
    await until(() => got.length === 2, "what it missed");
    expect({ id: client.id, recovered: client.recovered, got }).toEqual({
      id,
      recovered: true,
      got: [1, 2],
    });
    expect((await serverHalf(site, client)).rooms.has("room")).toBe(true);
  });

  test("on another node, the first having gone away", async () => {
    const makeAdapter = cluster();
    const other = await start(makeAdapter);
    const first = await start(makeAdapter);
    const { client, got } = await enter(first);
    (await serverHalf(first, client)).data.who = "Ann";
    other.io.emit("news", 1);
    await until(() => got.length === 1, "the first");
    const { id } = client;
    const lost = once(client, "disconnect");
    await first.close();
    await lost;
    other.io.emit("news", 2);
    const back = once(client, "connect");
    const successor = await start(makeAdapter, first.port, { of: servers[1] });
    await back;
    await until(() => got.length === 2, "what it missed");
    expect({ id: client.id, recovered: client.recovered, got }).toEqual({
      id,
      recovered: true,
      got: [1, 2],
    });
    expect((await serverHalf(successor, client)).data).toEqual({ who: "Ann" });
  });

  if (!forgets) return;
  test("is refused if the session is forgotten, without a word to the app", async () => {
    const site = await start(cluster(), 0, { maxDisconnectionDuration: 1 });
    const errors: unknown[] = [];
    if (server === "sockeye") site.io.on("error" as never, ((error: unknown) => errors.push(error)) as never);
    const { client, got } = await enter(site);
    site.io.emit("news", 1);
    await until(() => got.length === 1, "the first");
    const { id } = client;
    const back = once(client, "connect");
    await pullThePlug(site, await serverHalf(site, client));
    await once(client, "disconnect");
    await back;
    expect({ recovered: client.recovered, errors }).toEqual({ recovered: false, errors: [] });
    expect(client.id).not.toBe(id);
  });
}
