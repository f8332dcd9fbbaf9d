// Several Redis servers of the tests' own: a Redis Cluster, or a master and a replica that Sentinel watches. A master can be killed, and comes back.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import { freePort } from "./free-port.js";
import { eventually, within } from "./wait.js";

const HOST = "127.0.0.1";
/** Servers find each other, or notice that one is dead, within seconds; a busy machine takes longer. */
const PATIENCE_MS = 60_000;

export interface RedisGroup {
  /** Of servers or Sentinels to begin with. */
  readonly ports: readonly number[];
  /** Kills the server that has the slots in question. Comes back once another one has taken over. */
  failOver(): Promise<void>;
  /** The one that was killed comes back as a replica, which has everything. */
  comesBack(): Promise<void>;
  stop(): Promise<void>;
}

/** One server in a folder of its own. */
class Server {
  readonly #folder = mkdtempSync(join(tmpdir(), "sockeye-redis-"));
  #process: ChildProcess | undefined;

  private constructor(
    readonly program: string,
    readonly port: number,
    readonly args: readonly string[],
  ) {}

  static async start(program: string, args: readonly string[], conf?: readonly string[]): Promise<Server> {
    const server = new Server(program, await freePort(), args);
    if (conf) writeFileSync(join(server.#folder, "conf"), conf.join("\n"));
    await server.launch();
    return server;
  }

  async launch(): Promise<void> {
    const common = ["--port", `${this.port}`, "--bind", HOST, "--dir", this.#folder];
    const isSentinel = this.args.includes("--sentinel");
    const args = isSentinel
      ? [join(this.#folder, "conf"), ...common, ...this.args]
      : [...common, "--save", "", ...this.args];
    const child = spawn(this.program, args, { stdio: ["ignore", "ignore", "inherit"] });
    this.#process = child;
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`Redis has ended with ${child.exitCode}`);
      return this.ask("PING").then(
        () => true,
        () => false,
      );
    }, PATIENCE_MS);
  }

  async ask(...command: string[]): Promise<string> {
    const client = createClient({ socket: { host: HOST, port: this.port, reconnectStrategy: false } });
    client.on("error", () => {});
    await client.connect();
    try {
      return String(await client.sendCommand(command));
    } finally {
      client.destroy();
    }
  }

  async has(info: string, ...command: string[]): Promise<boolean> {
    return (await this.ask(...command).catch(() => "")).includes(info);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await within(ended, "Redis to end");
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Three masters, and a replica of the one that has this slot. */
export async function startRedisCluster(program: string, slot: number): Promise<RedisGroup> {
  const clustered = async (): Promise<Server> => {
    const more = {
      "cluster-enabled": "yes",
      "cluster-port": `${await freePort()}`,
      "cluster-node-timeout": "1000",
    };
    return Server.start(program, argsOf({ ...more, "cluster-replica-validity-factor": "0" }));
  };
  const servers = [await clustered(), await clustered(), await clustered(), await clustered()] as const;
  const [first, second, third, replica] = servers;
  const masters = [first, second, third];
  const bounds = [0, 5461, 10_923, 16_384];
  for (const [index, server] of servers.entries()) {
    await server.ask("CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`);
    if (index < 3)
      await server.ask("CLUSTER", "ADDSLOTSRANGE", `${bounds[index]}`, `${(bounds[index + 1] ?? 0) - 1}`);
    if (server !== first)
      await server.ask(
        "CLUSTER",
        "MEET",
        HOST,
        `${first.port}`,
        `${first.args[first.args.indexOf("--cluster-port") + 1]}`,
      );
  }
  const allKnow = (text: string): Promise<void> =>
    eventually(async () => {
      const known = await Promise.all(servers.map((server) => server.has(text, "CLUSTER", "INFO")));
      return known.every(Boolean);
    }, PATIENCE_MS);
  await allKnow("cluster_known_nodes:4");
  await allKnow("cluster_state:ok");
  let owner: Server = masters.find((_, index) => slot < (bounds[index + 1] ?? 0)) ?? first;
  let other: Server = replica;
  await replica.ask("CLUSTER", "REPLICATE", await owner.ask("CLUSTER", "MYID"));
  const linked = (): Promise<void> =>
    eventually(() => other.has("master_link_status:up", "INFO", "replication"), PATIENCE_MS);
  await linked();
  return {
    ports: servers.map(({ port }) => port),
    failOver: async () => {
      await owner.kill();
      await eventually(() => other.has("role:master", "INFO", "replication"), PATIENCE_MS);
      [owner, other] = [other, owner];
    },
    comesBack: async () => {
      await other.launch();
      await linked();
    },
    stop: async () => void (await Promise.all(servers.map((server) => server.remove()))),
  };
}

/** The name of the master, for its clients. */
export const MASTER = "shop";

export async function startSentinel(program: string): Promise<RedisGroup> {
  let master = await Server.start(program, []);
  let replica = await Server.start(program, ["--replicaof", HOST, `${master.port}`]);
  const linked = (): Promise<void> =>
    eventually(() => replica.has("master_link_status:up", "INFO", "replication"), PATIENCE_MS);
  await linked();
  const sentinel = await Server.start(
    program,
    ["--sentinel"],
    [
      `sentinel monitor ${MASTER} ${HOST} ${master.port} 1`,
      `sentinel down-after-milliseconds ${MASTER} 1000`,
      `sentinel failover-timeout ${MASTER} 5000`,
    ],
  );
  const knowsReplica = (): Promise<void> =>
    eventually(() => sentinel.has("slaves=1,sentinels=1", "INFO", "sentinel"), PATIENCE_MS);
  await knowsReplica();
  return {
    ports: [sentinel.port],
    failOver: async () => {
      await master.kill();
      await eventually(() => replica.has("role:master", "INFO", "replication"), PATIENCE_MS);
      [master, replica] = [replica, master];
    },
    comesBack: async () => {
      await replica.launch();
      await eventually(() => replica.has("role:slave", "INFO", "replication"), PATIENCE_MS);
      await linked();
    },
    stop: async () => void (await Promise.all([master, replica, sentinel].map((server) => server.remove()))),
  };
}

function argsOf(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}
