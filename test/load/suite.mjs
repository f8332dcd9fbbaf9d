// What `npm run load` and the test in CI have in common, in two sizes.
import { setTimeout as sleep } from "node:timers/promises";
import { Child } from "../bench/child.mjs";

const LEAVE_TIMEOUT_MS = 90_000;
/** All of a crowd may come within one question. */
const PATIENCE_MS = 120_000;
const WARM_MS = 2000;
/** Code of a refusal, Engine.IO's. */
const SID_UNKNOWN = 1;

/**
 * A crowd of clients comes, talks, loses its connections all at once, comes back and leaves.
 *
 * @param size `crowd`: how many of each transport; `processes` of clients;
 * `server`: its options; `perSecond`: what clients do, together; `seconds` of it; `rooms`; `broadcastMs`: time between broadcasts to all
 * @returns figures, and `faults`: empty if all is well
 */
export async function crowd(size, say = () => {}) {
  const server = new Child("../load/server.mjs", size.server ?? {}, ["--expose-gc"]);
  const clients = [];
  try {
    const port = await server.ready;
    // All dial from the address that the kernel chooses: choosing one makes it search for a port, seconds for thousands at once.
    for (let n = 0; n < size.processes; n++) {
      const part = (count) => Math.floor((count + n) / size.processes);
      const share = Object.fromEntries(
        Object.entries(size.crowd).map(([kind, count]) => [kind, part(count)]),
      );
      const params = { crowd: share, rooms: size.rooms };
      const child = new Child("./load/main.mjs", ["../../load/crowd", port, params]);
      child.patienceMs = PATIENCE_MS;
      clients.push(child);
    }
    const all = (ask, argument) => Promise.all(clients.map((child) => child.ask(ask, argument)));
    await Promise.all(clients.map((child) => child.ready));
    return await phases(size, { server, clients: all, say });
  } finally {
    await Promise.all(clients.map((child) => child.end()));
    await server.end();
  }
}

async function phases(size, { server, clients, say }) {
  const talk = async (ms, perSecond) => {
    await server.ask("begin", size);
    await clients("begin", { perSecond: perSecond / size.processes });
    await sleep(ms);
    await clients("stop");
    await server.ask("stop");
  };
  const leave = async () => {
    await clients("leave");
    // Not before: what sends a goodbye keeps its response until that is through.
    await gone(server, ["sessions", "suspended"]);
    await clients("dropSpareConnections");
    return gone(server);
  };

  // A first coming of all, so that what is made once, or kept for the next, is there before memory is looked at.
  await clients("open", {});
  await talk(WARM_MS, size.perSecond);
  await leave();
  const before = await server.ask("memory");
  await server.ask("delay");

  const began = performance.now();
  await clients("open", {});
  const opened = { ms: performance.now() - began, delay: await server.ask("delay") };
  say("open", opened);
  const full = await server.ask("memory");
  await server.ask("delay");

  const spent = meter(server);
  await talk(size.seconds * 1000, size.perSecond);
  const talked = { delay: await server.ask("delay"), ...(await spent()) };
  say("talked", talked.delay);

  const storm = { ms: Math.max(...(await clients("storm"))), delay: await server.ask("delay") };
  say("storm", storm);
  // Everybody is really back: it answers.
  await talk(WARM_MS, size.perSecond);

  const left = await leave();
  const after = await server.ask("memory");
  const reports = await clients("report");
  const { limitsExceeded, requestsRefused, errors } = await server.ask("metrics");
  // A client that goes may have a request under way.
  const { [SID_UNKNOWN]: _late, ...refused } = requestsRefused;
  const faults = Object.assign({}, ...reports.map((report) => report.faults));
  for (const [what, count] of Object.entries({ ...left, ...limitsExceeded, ...refused, errors })) {
    if (count !== 0) faults[`on the server: ${what}`] = count;
  }
  const counts = sum(reports.map((report) => report.counts));
  const again = sum(reports.map((report) => report.again));
  return { opened, talked, storm, counts, again, faults, memory: { before, full, after } };
}

/** @returns what the server has done, and for how long its CPU was busy, from now until it is asked */
function meter(server) {
  const look = () => Promise.all([server.ask("metrics"), server.ask("usage")]);
  const first = look();
  return async () => {
    const [[was, before], [is, after]] = [await first, await look()];
    return {
      packetsIn: is.packetsReceived - was.packetsReceived,
      packetsOut: is.packetsSent - was.packetsSent,
      cpuSeconds: (after.user + after.system - before.user - before.system) / 1e6,
      seconds: (after.at - before.at) / 1000,
    };
  };
}

/**
 * @param {Record<string, number>[]} tables
 * @returns {Record<string, number>}
 */
function sum(tables) {
  /** @type {Record<string, number>} */
  const all = {};
  for (const table of tables) {
    for (const [what, count] of Object.entries(table)) all[what] = (all[what] ?? 0) + count;
  }
  return all;
}

/** Waits until nothing of the clients, or nothing of that kind, is left on the server. @returns what is left then */
async function gone(server, what) {
  const deadline = Date.now() + LEAVE_TIMEOUT_MS;
  for (;;) {
    const left = await server.ask("left");
    const counts = what === undefined ? Object.values(left) : what.map((name) => left[name]);
    if (Date.now() > deadline || counts.every((count) => count === 0)) return left;
    await sleep(200);
  }
}

/**
 * Broadcasts to many, of whom some do not read.
 *
 * @param size `readers`, `deaf`; `count` broadcasts of `bytes`, one every `everyMs`
 */
export async function broadcast({ readers, deaf, count, everyMs, bytes }) {
  const maxOutboundBytes = 300_000;
  const server = new Child("../load/server.mjs", { maxOutboundBytes }, ["--expose-gc"]);
  let clients;
  try {
    const port = await server.ready;
    clients = new Child("./load/main.mjs", ["../../load/readers", port, { readers, deaf }]);
    await clients.ready;
    await clients.ask("open");
    if (deaf > 0) await server.ask("fill", { bytes: maxOutboundBytes / 2 });
    await server.ask("delay");
    const { mostBuffered } = await server.ask("timed", { count, everyMs, size: bytes });
    const expected = readers * count;
    for (let n = 0; n < 200 && (await clients.ask("count")) < expected; n++) await sleep(50);
    const { sockets } = await server.ask("metrics");
    return {
      delays: await clients.ask("delays"),
      loop: await server.ask("delay"),
      mostBuffered,
      maxOutboundBytes,
      sockets,
      received: await clients.ask("count"),
      expected,
    };
  } finally {
    await clients?.end();
    await server.end();
  }
}
