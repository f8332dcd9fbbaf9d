// Many nodes in one process, over the bus in memory: real servers and adapters, and sockets that count what they are given.
import { MemoryHub } from "@sockeye/cluster/memory";
import { PEER } from "@sockeye/protocol";
import { Server } from "@sockeye/server";
import { nativeClock } from "@sockeye/session";
import { answerParent } from "./control.mjs";

const EMITS = 2000;
const ROOMS = 20_000;
let given = 0;
let ids = 0;

answerParent({ heap, reached, byNodes, byRooms });

async function begin(count) {
  const hub = new MemoryHub({ clock: nativeClock });
  const nodes = Array.from({ length: count }, (_, n) => {
    const bus = hub.bus();
    const cluster = { bus, name: "bench", node: `node ${n}`, listen: false };
    return { bus, io: new Server({ cluster }) };
  });
  await Promise.all(nodes.map(({ io }) => io.cluster.ready));
  while (nodes.some(({ io }) => io.cluster.nodes().length < count)) await pause(50);
  return nodes;
}

async function end(nodes) {
  await Promise.all(nodes.map(({ io }) => io.close()));
}

/** A socket without a connection. */
function enter(io, tag, ...rooms) {
  const id = `${++ids}`.padStart(20 - tag.length, "-") + tag;
  const deliver = () => {
    given += 1;
  };
  io.sockets.sockets.set(id, { id, connected: true, [PEER]: { deliver } });
  return Promise.resolve(io.of("/").adapter.addAll(id, new Set([id, ...rooms]))).then(() => id);
}

function tagOf({ io }) {
  return io.of("/").adapter.cluster.tag;
}

/** How many nodes a message reaches beside its own: that for a room of 10, and that for a socket. */
async function reached() {
  const nodes = await begin(100);
  const members = await Promise.all(nodes.slice(10, 20).map((node) => enter(node.io, tagOf(node), "room")));
  await pause(100);
  const count = async (room) => {
    const before = nodes.map(({ bus }) => bus.received);
    given = 0;
    nodes[0].io.to(room).emit("said");
    while (given < (room === "room" ? 10 : 1)) await pause(10);
    await pause(20);
    return nodes.filter(({ bus }, n) => bus.received > before[n]).length;
  };
  // A beat that falls into it reaches all.
  const least = async (room) =>
    Math.min(await count(room), await count(room), await count(room), await count(room), await count(room));
  const counts = { room: await least("room"), socket: await least(members[0]) };
  await end(nodes);
  return counts;
}

async function heap() {
  const alone = new Server();
  const nodes = await begin(2);
  const names = Array.from({ length: ROOMS }, (_, n) => `room ${n}`);
  const measure = async (act) => {
    const before = used();
    await act();
    await pause(50);
    return (used() - before) / ROOMS;
  };
  const tag = tagOf(nodes[0]);
  const rooms = (io) => measure(() => enter(io, tag, ...names));
  const owns = (io) => measure(() => Promise.all(names.map(() => enter(io, tag))));
  await enter(alone, tag);
  await enter(nodes[0].io, tag);
  const base = [await rooms(alone), await owns(alone)];
  const there = [await rooms(nodes[0].io), await owns(nodes[0].io)];
  await end(nodes);
  await alone.close();
  return { room: there[0] - base[0], own: there[1] - base[1] };
}

function used() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

async function byNodes(count) {
  const nodes = await begin(count);
  await Promise.all(nodes.slice(0, 2).map((node) => enter(node.io, tagOf(node), "room")));
  return perEmit(nodes, 2);
}

async function byRooms(count) {
  const nodes = await begin(2);
  const others = Array.from({ length: count }, (_, n) => `room ${n}`);
  await enter(nodes[0].io, tagOf(nodes[0]), "room");
  await enter(nodes[1].io, tagOf(nodes[1]), "room", ...others);
  return perEmit(nodes, 2);
}

async function perEmit(nodes, members) {
  await pause(100);
  const [{ io }] = nodes;
  let cost = 0;
  for (const emits of [EMITS, EMITS]) {
    given = 0;
    const from = process.cpuUsage();
    for (let n = 0; n < emits; n += 10) {
      for (let each = 0; each < 10; each++) io.to("room").emit("said", n);
      await pause(0);
    }
    while (given < emits * members) await pause(1);
    const { user, system } = process.cpuUsage(from);
    cost = (user + system) / emits;
  }
  await end(nodes);
  return cost;
}

function pause(ms) {
  return new Promise((resolve) => (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)));
}
