// npm run bench -- --curves: how the cost of one thing grows with the number or size of all. Sockeye only.
import { execFileSync } from "node:child_process";
import { measureAgain } from "./rounds.mjs";
import { ROWS } from "./rows.mjs";
import { median } from "./stats.mjs";

/** Files that a process may have open, less those that it has open anyway. */
const MOST_CONNECTIONS = Number(execFileSync("sh", ["-c", "ulimit -n"]).toString()) - 200;
const CONNECTIONS = [1000, 5000, 20_000].map((many) => Math.min(many, MOST_CONNECTIONS));

/** Exponents within this are those of noise, of caches that no longer hold everything, and of the collector's larger heap. */
const TOLERANCE = 0.25;

/**
 * `points`: what is varied. `row`: the measurement for one of them. `keys`: its figures, and what each is the cost of.
 * `linear`: the figure is that of the whole, and may grow with the first power; all others should not grow.
 */
const CURVES = [
  {
    name: "connections",
    points: CONNECTIONS,
    row: (connections) => ({ ...ROWS.memory, connections }),
    keys: { cost: "heap of an idle connection (bytes)" },
  },
  {
    name: "connections",
    points: CONNECTIONS,
    row: (connections) => ({ ...ROWS.connect, connections: Math.floor(connections / 2) }),
    keys: { cost: "connecting, half of them after the other half left" },
  },
  {
    name: "connections",
    points: CONNECTIONS,
    row: (connections) => ({
      ...ROWS.broadcast,
      params: { connections, underWay: 4 },
      warmMs: 1500,
      windowMs: 2000,
    }),
    keys: { cost: "a delivery of a broadcast to all" },
  },
  {
    name: "connections",
    points: CONNECTIONS,
    row: (connections) => ({ ...ROWS.rooms, params: { rooms: connections / 5, members: 5, underWay: 16 } }),
    keys: { cost: "a delivery of a broadcast to a room of 5" },
  },
  {
    name: "members of a room",
    points: [5, 50, 500, 2500],
    row: (members) => ({ ...ROWS.rooms, params: { rooms: 4, members, underWay: 4 } }),
    keys: { cost: "a delivery of a broadcast to the room" },
  },
  {
    name: "rooms of a socket",
    points: [1, 10, 100, 1000, 10_000],
    row: (argument) => ({ ...GROWTH, ask: "perSocket", argument }),
    keys: { join: "join", leave: "leave" },
  },
  {
    name: "rooms of a socket",
    points: [10, 100, 1000, 10_000],
    row: (argument) => ({ ...GROWTH, ask: "perSocket", argument }),
    keys: { disconnect: "disconnecting a socket" },
    linear: true,
  },
  {
    name: "rooms in the server",
    points: [10, 1000, 1_000_000],
    row: (argument) => ({ ...GROWTH, ask: "rooms", argument }),
    keys: {
      join: "join",
      leave: "leave",
      to: "to(room).emit, one member",
      disconnect: "disconnecting a socket that is in 10 rooms",
    },
  },
  {
    name: "namespaces of a connection",
    points: [1, 10, 100, 1000],
    row: (namespaces) => ({ ...NAMESPACES, measure: "flow", params: { connections: 20, namespaces } }),
    keys: { cost: "an echo, in one after the other" },
  },
  {
    name: "namespaces of a connection",
    points: [10, 100, 1000],
    row: (namespaces) => ({ ...NAMESPACES, measure: "batch", connections: 10_000, params: { namespaces } }),
    keys: { cost: "joining a namespace" },
  },
  {
    name: "size of a message in bytes",
    points: [16, 256, 4096, 65_536, 1_000_000],
    row: (size) => ({
      measure: "flow",
      load: "echo",
      params: { connections: 8, inFlight: 2, size },
      server: { maxHttpBufferSize: 4e6 },
    }),
    keys: { cost: "an echo" },
    linear: true,
  },
];

const GROWTH = {
  measure: "asked",
  load: "idle",
  params: {},
  connections: 500,
  contender: "growth",
  server: { limits: { maxRoomsPerSocket: 1e6 } },
};
const NAMESPACES = { load: "namespaces", server: { limits: { maxNamespacesPerConnection: 2000 } } };

/** @returns whether nothing grows faster than it may */
export async function curves({ rounds }) {
  let held = true;
  console.log("| with | cost of | CPU time, in µs (or what is said) at each | grows with | |");
  console.log("|---|---|---|---|---|");
  for (const curve of CURVES) {
    const figures = await figuresOf(curve, rounds);
    for (const [key, what] of Object.entries(curve.keys)) {
      const costs = figures.map((each) => median(each.map((run) => run[key])));
      const exponent = slope(curve.points, costs);
      const most = curve.linear ? 1 : 0;
      const good = exponent <= most + TOLERANCE;
      held &&= good;
      const shown = curve.points.map((point, index) => `${short(point)}: ${cost(costs[index])}`).join(" · ");
      const verdict = good ? (curve.linear ? "at most linear" : "does not grow") : "**grows**";
      console.log(`| ${curve.name} | ${what} | ${shown} | n^${exponent.toFixed(2)} | ${verdict} |`);
    }
  }
  return held;
}

/** For each point the figures of all rounds; the points take turns, so that what else the machine does falls on all. */
async function figuresOf({ points, row }, rounds) {
  const figures = points.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, point] of points.entries()) {
      const { contender = "sockeye", ...rest } = row(point);
      figures[index].push(await measureAgain(rest, contender, {}));
    }
  }
  return figures;
}

/** The exponent of the power of n that fits best: a straight line through the logarithms, by least squares. */
function slope(points, costs) {
  const xs = points.map(Math.log);
  const ys = costs.map(Math.log);
  const x = mean(xs);
  const y = mean(ys);
  const covariance = mean(xs.map((each, index) => (each - x) * (ys[index] - y)));
  return covariance / mean(xs.map((each) => (each - x) ** 2));
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function short(value) {
  return value.toLocaleString("en-US");
}

function cost(value) {
  return value >= 100 ? short(Math.round(value)) : value.toPrecision(2);
}
