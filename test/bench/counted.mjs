// What sessions cost in memory that outlive their transports: idle ones, some with broadcasts that nobody acknowledges, and
// suspended ones.
//
//   npm run build && node test/bench/counted.mjs [connections]
import { setTimeout as sleep } from "node:timers/promises";
import { Child } from "./child.mjs";
import { clientFrame } from "./load/frames.mjs";
import { openSockets } from "./load/websocket-client.mjs";

const connections = Number(process.argv[2] ?? 10_000);
const WARM_CONNECTIONS = 300;
const EVENTS = 100;
const BYTES = 1000;
/** A close frame without a code. */
const GOODBYE = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
/** Longer than any step takes. */
const WINDOW_MS = 600_000;

const ROWS = [
  { title: "idle, not counted", counted: false },
  { title: "idle, counted", counted: true },
  {
    title: `the same, ${EVENTS} broadcasts of ${BYTES} bytes unacknowledged`,
    counted: true,
    broadcast: "before",
  },
  { title: "suspended", counted: true, suspend: true },
  {
    title: `suspended, ${EVENTS} such broadcasts unacknowledged before`,
    counted: true,
    broadcast: "before",
    suspend: true,
  },
  { title: `suspended, ${EVENTS} such broadcasts since`, counted: true, broadcast: "after", suspend: true },
];

console.log(
  `${connections} sessions in one namespace, WebSocket; heap and resident memory of the server, for each`,
);
for (const row of ROWS) {
  const { heap, rss } = await measure(row);
  console.log(`${row.title}: heap ${bytes(heap)}, resident ${bytes(rss)}`);
}

async function measure({ counted, broadcast, suspend }) {
  const options = { resume: { windowMs: WINDOW_MS } };
  const server = new Child("./contenders/counting.mjs", options, ["--expose-gc"]);
  try {
    const port = await server.ready;
    server.patienceMs = 120_000;
    const health = async (holds) => {
      while (!holds(await server.ask("health"))) await sleep(50);
    };
    const leave = (clients) => {
      for (const client of clients) {
        client.onEnd = () => {};
        client.socket.end(GOODBYE);
      }
    };
    const warm = await openSockets(port, { connections: WARM_CONNECTIONS, counted });
    leave(warm);
    await health(({ sessions }) => sessions === 0);
    const before = await server.ask("memory");
    const clients = await openSockets(port, { connections, counted });
    // The answer to CONNECT, as the first heartbeat would acknowledge it.
    if (counted) for (const client of clients) client.write(clientFrame("61"));
    const tell = () => server.ask("broadcast", { events: EVENTS, bytes: BYTES });
    if (broadcast === "before") await tell();
    if (suspend) {
      for (const client of clients) {
        client.onEnd = () => {};
        client.socket.resetAndDestroy();
      }
      await health(({ suspended }) => suspended === connections);
    }
    if (broadcast === "after") await tell();
    const after = await server.ask("memory");
    for (const client of clients) {
      client.onEnd = () => {};
      client.close();
    }
    return {
      heap: (after.heap - before.heap) / connections,
      rss: (after.rss - before.rss) / connections,
    };
  } finally {
    await server.end();
  }
}

function bytes(count) {
  return count < 1e6 ? `${(count / 1000).toFixed(1)} KB` : `${(count / 1e6).toFixed(1)} MB`;
}
