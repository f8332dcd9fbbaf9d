// One measurement: one contender's server in a process of its own, the load in another, both fresh. What a row costs is
// the CPU time of the server's process (user + system, garbage collection and helper threads included) between two
// moments, divided by what the load has counted between the same two moments.
import { setTimeout as sleep } from "node:timers/promises";
import { Child } from "./child.mjs";
import { median, percentile } from "./stats.mjs";

const WARM_MS = 700;
const WINDOW_MS = 1000;
/** Until nothing is under way any more and what is no longer needed is closed. */
const SETTLE_MS = 300;
const WARM_CONNECTIONS = 300;

/**
 * @param {object} row of rows.mjs
 * @param {string} contender
 * @param {{ profile?: string }} options `profile`: the directory for a CPU profile of the server
 * @returns its cost, and whatever else the row tells, in µs and bytes
 */
export async function measure(row, contender, { profile } = {}) {
  const profiling = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  if (row.measure === "client") return measureClient(row, contender, profiling);
  const server = new Child(`./contenders/${contender}.mjs`, row.server ?? {}, ["--expose-gc", ...profiling]);
  let load;
  try {
    const port = await server.ready;
    const before = row.withMemory ? await server.ask("memory") : undefined;
    load = new Child("./load/main.mjs", [row.load, port, row.params]);
    await load.ready;
    const figures = await WAYS[row.measure]({ row, server, load });
    if (before) figures.rss = ((await server.ask("memory")).rss - before.rss) / row.params.connections;
    return figures;
  } finally {
    // The load first: connections that end are a fault to it.
    await load?.end();
    await server.end();
  }
}

/** The same the other way round: the client is the contender, and the server the load. */
async function measureClient(row, contender, profiling) {
  const load = new Child("./load/main.mjs", [row.load, 0, row.params]);
  let client;
  try {
    await load.ready;
    const port = await load.ask("port");
    client = new Child(`./contenders/client-${contender}.mjs`, { port, ...row.params }, profiling);
    await client.ready;
    await client.ask("begin");
    await sleep(WARM_MS);
    return await through({ server: client, load, counter: client }, () => sleep(WINDOW_MS));
  } finally {
    await client?.end();
    await load.end();
  }
}

const WAYS = { flow, latency, batch, memory, idle, asked };

/** A steady stream, looked at through a window once the code is warm. */
async function flow({ row, server, load }) {
  await load.ask("start");
  await sleep(row.warmMs ?? WARM_MS);
  const figures = await through({ server, load }, () => sleep(row.windowMs ?? WINDOW_MS));
  await load.ask("stop");
  await sleep(SETTLE_MS);
  return figures;
}

/** As a flow, but it is the time of each message that counts. */
async function latency({ row, server, load }) {
  await load.ask("start");
  await sleep(WARM_MS);
  await load.ask("roundTrips");
  const figures = await through({ server, load }, () => sleep(row.windowMs));
  const roundTrips = await load.ask("roundTrips");
  return { ...figures, cost: percentile(roundTrips, 0.5), p99: percentile(roundTrips, 0.99) };
}

/** A number of connections, opened as fast as they can be; and if it matters how long one takes, some one by one. */
async function batch({ row, server, load }) {
  const { connections, oneByOne } = row;
  await load.ask("batch", { connections });
  await load.ask("close");
  await sleep(SETTLE_MS);
  const open = () => load.ask("batch", { connections });
  const figures = await through({ server, load, count: connections }, open);
  if (oneByOne === undefined) return figures;
  await load.ask("durations");
  await load.ask("batch", { connections: oneByOne, atOnce: 1 });
  return { ...figures, took: median(await load.ask("durations")) * 1000 };
}

/** What the server's process holds more than before the connections came. */
async function memory({ row, server, load }) {
  await load.ask("open", { connections: WARM_CONNECTIONS });
  await load.ask("close");
  await sleep(SETTLE_MS);
  const before = await server.ask("memory");
  await load.ask("open", { connections: row.connections });
  await sleep(SETTLE_MS);
  const after = await server.ask("memory");
  const each = (what) => (after[what] - before[what]) / row.connections;
  return { cost: each("heap"), rss: each("rss") };
}

/** Connections that only answer pings, opened evenly over one interval, so that the pings are spread. */
async function idle({ row, server, load }) {
  const { connections, openOverMs, windowMs, scale } = row;
  await load.ask("open", { connections, overMs: openOverMs });
  await sleep(openOverMs);
  const count = (connections * windowMs) / 1000 / scale;
  const pings = await load.ask("count");
  const figures = await through({ server, load, count }, () => sleep(windowMs));
  if ((await load.ask("count")) - pings < connections) throw new Error("too few pings came");
  return figures;
}

/** The server itself knows what its operations cost, in µs, once connections are there to do them with. */
async function asked({ row, server, load }) {
  await load.ask("open", { connections: row.connections });
  return server.ask(row.ask, row.argument);
}

/** CPU time and count while `act` lasts. */
async function through({ server, load, count, counter = load }, act) {
  const look = () =>
    Promise.all([server.ask("usage"), count === undefined ? counter.ask("count") : 0, load.ask("usage")]);
  const [from, first, loadFrom] = await look();
  await act();
  const [to, last, loadTo] = await look();
  const done = count ?? last - first;
  if (!(done > 0)) throw new Error("nothing was done in the window");
  const user = to.user - from.user;
  const system = to.system - from.system;
  const wall = (to.at - from.at) * 1000;
  return {
    cost: (user + system) / done,
    user: user / done,
    system: system / done,
    perSecond: (done / wall) * 1e6,
    busy: (user + system) / wall,
    loadBusy: (loadTo - loadFrom) / wall,
  };
}
