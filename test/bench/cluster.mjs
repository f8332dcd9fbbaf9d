// npm run bench:cluster [rounds]            after a build: what several nodes cost, beside socket.io with its redis-adapter
// npm run bench:cluster -- [rounds] --log   what a log on Redis costs, beside socket.io with its redis-streams-adapter
//
//                                           --profile DIR writes V8 CPU profiles of Sockeye's nodes, --parts prints whose the CPU time was
//
// Rows 1 and 2, and those of the log: three nodes in processes of their own over a Redis of this command's own (redis-server in PATH, or REDIS_SERVER_PATH), and a load that costs
// next to nothing. Row 3: long-polling at the node that has the session, and at the other one. What counts is the CPU time of all nodes and of
// Redis. The rest is counted in one process, over the bus in memory. Medians, and from the lowest to the highest of all rounds.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "redis";
import { Child } from "./child.mjs";
import { median } from "./stats.mjs";

const rounds = Number(process.argv.slice(2).find((each) => /^\d+$/.test(each)) ?? 5);
const onlyLog = process.argv.includes("--log");
const showsParts = process.argv.includes("--parts");
const profile = process.argv.includes("--profile")
  ? process.argv[process.argv.indexOf("--profile") + 1]
  : undefined;
/** Cold code, and what optimizes it, takes a third of the CPU time of the first seconds. */
const WARM_MS = 5000;
const SETTLE_MS = 1000;
const WINDOW_MS = 2000;
const RECEIVERS = 201;
const KEPT = 5000;
const CONTENDERS = ["socketio", "sockeye"];
const program = process.env.REDIS_SERVER_PATH ?? "redis-server";

console.log(`Node.js ${process.version}, ${cpus().length} CPUs, ${rounds} rounds: medians (from – to)\n`);
console.log("| what | socket.io | Sockeye | Sockeye ÷ socket.io |");
console.log("| ---- | --------- | ------- | ------------------- |");
if (spawnSync(program, ["--version"]).status !== 0)
  console.log(`| not measured: there is no ${program} | | | |`);
else if (onlyLog) await withLog();
else await overRedis();
if (!onlyLog) await inMemory();

async function overRedis() {
  for (const underWay of [4, 1]) {
    const load = ["broadcast", { connections: RECEIVERS, underWay }];
    const [theirs, ours] = await inTurns(
      CONTENDERS.map((contender) => () => measure({ contender, nodes: 3, load })),
    );
    const what = `broadcast over 3 nodes on Redis to ${RECEIVERS}, ${underWay} under way`;
    row(`${what}: CPU of a delivery, µs`, theirs, ours, ({ cost }) => cost);
    if (underWay === 1)
      row(`${what}: time of a broadcast, µs`, theirs, ours, ({ rate }) => (RECEIVERS / rate) * 1e6);
  }
  const load = ["polling", { connections: 50, perPost: 1 }];
  const poll = (at) => () => measure({ contender: "sockeye", nodes: 2, load, at });
  const [direct, forwarded] = await inTurns([poll([0, 0]), poll([0, 1])]);
  const costs = (runs) => runs.map(({ cost }) => cost);
  console.log("\n| what | at the owner | at another node | ratio |");
  console.log("| ---- | ------------ | --------------- | ----- |");
  console.log(
    `| an echo over long-polling (a POST and a GET): CPU of both nodes, µs | ${shown(costs(direct))} | ${shown(costs(forwarded))} | ${shown(ratios(costs(forwarded), costs(direct)))} |`,
  );
}

async function withLog() {
  const pair = (how) => inTurns(CONTENDERS.map((contender) => () => how({ contender, nodes: 3, log: true })));
  for (const underWay of [4, 1]) {
    const load = ["broadcast", { connections: RECEIVERS, underWay, logged: true }];
    const [theirs, ours] = await pair((terms) => measure({ ...terms, load }));
    const what = `logged broadcast over 3 nodes on Redis to ${RECEIVERS}, ${underWay} under way`;
    row(`${what}: CPU of an event, µs`, theirs, ours, ({ cost }) => cost * RECEIVERS);
  }
  // To whoever asks alone, so that what is measured is the log and not the deliveries.
  const load = ["latency", { connections: 30, everyMs: 10 }];
  const [theirs, ours] = await pair((terms) => measure({ ...terms, load }));
  row(
    "a logged event to one socket, up to 3,000 a second over 3 nodes on Redis: CPU, µs",
    theirs,
    ours,
    ({ cost }) => cost,
  );
  const lone = ["latency", { connections: 3, everyMs: 50 }];
  const [slow, quick] = await pair((terms) => measure({ ...terms, load: lone }));
  row("a lone logged event and back to its client: p50, µs", slow, quick, ({ p50 }) => p50);
  const kept = await pair(keep);
  row("memory of Redis for a kept event of 64 bytes, bytes", ...kept, (bytes) => bytes);
}

/** What a kept event takes in Redis. */
async function keep({ contender, log }) {
  const redis = await startRedis();
  const node = new Child("./contenders/cluster-node.mjs", {
    contender,
    redisPort: redis.port,
    name: "node",
    log,
  });
  try {
    await node.ready;
    await until(async () => (await node.ask("nodes")) === 1);
    await node.ask("emit", 100);
    await sleep(SETTLE_MS);
    const before = await redis.memory();
    await node.ask("emit", KEPT);
    await sleep(SETTLE_MS);
    return ((await redis.memory()) - before) / KEPT;
  } finally {
    await node.end();
    await redis.stop();
  }
}

/** @param at the nodes where sessions begin and where requests go; left out: all nodes */
async function measure({ contender, nodes: count, load: [load, params], at, log }) {
  const redis = await startRedis();
  const nodes = Array.from(
    { length: count },
    (_, n) =>
      new Child(
        "./contenders/cluster-node.mjs",
        { contender, redisPort: redis.port, name: `node ${n}`, log },
        profile && contender === "sockeye" ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [],
      ),
  );
  let running;
  try {
    const ports = await Promise.all(nodes.map(({ ready }) => ready));
    for (const node of nodes) await until(async () => (await node.ask("nodes")) === count);
    running = new Child("./load/main.mjs", [load, at ? at.map((n) => ports[n]) : ports, params]);
    await running.ready;
    await running.ask("start");
    await sleep(WARM_MS);
    const look = async () => ({
      ...cpuOf(await Promise.all(nodes.map((node) => node.ask("usage"))), redis.cpu()),
      done: await running.ask("count"),
      at: performance.now(),
    });
    if (load === "latency") await running.ask("roundTrips");
    const from = await look();
    await sleep(WINDOW_MS);
    const to = await look();
    const done = to.done - from.done;
    if (!(done > 0)) throw new Error("nothing was done in the window");
    const p50 = load === "latency" ? median(await running.ask("roundTrips")) : undefined;
    if (showsParts)
      console.log(
        `${contender} ${load} ${JSON.stringify(params)}: ${["user", "system", "redis"]
          .map((part) => `${part} ${((to[part] - from[part]) / done).toFixed(2)}`)
          .join(", ")} µs, ${Math.round((done / (to.at - from.at)) * 1000)} a second`,
      );
    await running.ask("stop");
    await sleep(200);
    return { cost: (to.cpu - from.cpu) / done, rate: (done / (to.at - from.at)) * 1000, p50 };
  } finally {
    await running?.end();
    await Promise.all(nodes.map((node) => node.end()));
    await redis.stop();
  }
}

function cpuOf(nodes, redis) {
  const sum = (part) => nodes.reduce((total, usage) => total + usage[part], 0);
  const [user, system] = [sum("user"), sum("system")];
  return { user, system, redis, cpu: user + system + redis };
}

/** Round by round, so that a slow moment of the machine hits all alike. */
async function inTurns(ways) {
  const runs = ways.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [n, way] of ways.entries()) runs[n].push(await way());
  return runs;
}

async function startRedis() {
  const port = await freePort();
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"];
  const redis = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    redis.stdout.on("data", (chunk) => `${chunk}`.includes("Ready to accept") && resolve());
    redis.once("exit", () => reject(new Error("Redis has ended")));
  });
  return {
    port,
    /** In µs. Linux alone tells it of another process; elsewhere Redis is left out. */
    cpu() {
      try {
        return Number(readFileSync(`/proc/${redis.pid}/schedstat`, "utf8").split(" ")[0]) / 1000;
      } catch {
        return 0;
      }
    },
    /** In bytes, of all that is kept. */
    async memory() {
      const client = createClient({ url: `redis://127.0.0.1:${port}` });
      await client.connect();
      const [, bytes] = /used_memory_dataset:(\d+)/.exec(await client.info("memory")) ?? [];
      await client.close();
      return Number(bytes);
    },
    async stop() {
      const ended = once(redis, "exit");
      redis.kill();
      await ended;
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(holds) {
  for (const end = performance.now() + 15_000; performance.now() < end; await sleep(50))
    if (await holds()) return;
  throw new Error("the nodes do not find each other");
}

async function inMemory() {
  const memory = new Child("./contenders/cluster-memory.mjs", {}, ["--expose-gc"]);
  memory.patienceMs = 120_000;
  await memory.ready;
  const heap = [];
  for (let round = 0; round < rounds; round++) heap.push(await memory.ask("heap"));
  const reached = await memory.ask("reached");
  console.log("\n| in one process, over the bus in memory | |");
  console.log("| -------------------------------------- | - |");
  console.log(`| a room of 10 on 100 nodes: nodes that a message for it reaches | ${reached.room} |`);
  console.log(`| a message for one socket | ${reached.socket} |`);
  console.log(
    `| heap of a room that is subscribed to, bytes, over one of a single server | ${shown(heap.map(({ room }) => room))} |`,
  );
  console.log(`| the same of a socket's own room | ${shown(heap.map(({ own }) => own))} |`);
  for (const [what, ask, sizes] of [
    ["nodes, room on 2 of them", "byNodes", [2, 10, 50, 100]],
    ["rooms of the receiving node", "byRooms", [10, 1000, 100_000]],
  ]) {
    const found = [];
    for (const size of sizes) {
      const runs = [];
      for (let round = 0; round < rounds; round++) runs.push(await memory.ask(ask, size));
      found.push(`${size.toLocaleString("en")}: ${shown(runs)}`);
    }
    console.log(`| an emit by ${what}: CPU of all nodes, µs | ${found.join(" · ")} |`);
  }
  await memory.end();
}

function row(what, theirs, ours, figure) {
  const [a, b] = [theirs.map(figure), ours.map(figure)];
  console.log(`| ${what} | ${shown(a)} | ${shown(b)} | ${shown(ratios(b, a))} |`);
}

function ratios(values, base) {
  return values.map((value, at) => value / base[at]);
}

function shown(values) {
  const digits = (value) => (Math.abs(value) < 10 ? value.toFixed(2) : `${Math.round(value)}`);
  return `${digits(median(values))} (${digits(Math.min(...values))} – ${digits(Math.max(...values))})`;
}
