// npm run load                          10,000 WebSocket and 1,000 polling clients, 400 that stream, for two minutes
// npm run load -- --scale 0.1 --seconds 10
// npm run load -- --only crowd          or: --only broadcast
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { broadcast, crowd } from "./suite.mjs";

const { values } = parseArgs({
  options: {
    scale: { type: "string", default: "1" },
    seconds: { type: "string", default: "120" },
    only: { type: "string" },
  },
});
const scale = Number(values.scale);
const scaled = (count) => Math.round(count * scale);
/** Of heap that may be left: of the full size, less than an object for each client that has come and gone. */
const DRIFT_BYTES = 2e6;

const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const ofLoop = ({ p50, p99, max }) => `event loop delay p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)}`;
const failed = (what) => {
  console.error(`FAILED: ${what}`);
  process.exitCode = 1;
};

const sayLoad = () =>
  console.log(
    `load average ${loadavg()
      .map((value) => value.toFixed(1))
      .join(", ")}\n`,
  );

sayLoad();
if (values.only !== "broadcast") await runCrowd();
if (values.only !== "crowd") await runBroadcast();
sayLoad();

async function runCrowd() {
  const each = { websocket: scaled(10_000), polling: scaled(1000), stream: scaled(200), sse: scaled(200) };
  const seconds = Number(values.seconds);
  const size = {
    crowd: each,
    processes: 3,
    rooms: 100,
    perSecond: scaled(3000),
    seconds,
    broadcastMs: 2000,
    roomMs: 50,
  };
  console.log(
    `${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}: ${JSON.stringify(each)}, ${seconds} s\n`,
  );
  const { opened, talked, storm, counts, again, faults, memory } = await crowd(size);
  const { before, full, after } = memory;
  console.log(`all connected      after ${ms(opened.ms)}; ${ofLoop(opened.delay)}`);
  console.log(`mixed traffic      ${ofLoop(talked.delay)}`);
  console.log(
    `                   ${talked.packetsIn} packets in, ${talked.packetsOut} out; ` +
      `the server's CPU busy for ${talked.cpuSeconds.toFixed(1)} of ${talked.seconds.toFixed(0)} s`,
  );
  console.log(`                   in all ${JSON.stringify(counts)}`);
  console.log(`reconnection storm all back after ${ms(storm.ms)}; ${ofLoop(storm.delay)}`);
  console.log(`                   dialled once more: ${JSON.stringify(again)}`);
  console.log(
    `heap               ${mb(before.heap)} before, ${mb(full.heap)} with all, ${mb(after.heap)} after they left`,
  );
  console.log(
    `resident           ${mb(before.rss)} before, ${mb(full.rss)} with all, ${mb(after.rss)} after they left\n`,
  );
  if (Object.keys(faults).length > 0) failed(JSON.stringify(faults, null, 2));
  const drift = after.heap - before.heap;
  if (drift > DRIFT_BYTES) failed(`${mb(drift)} of heap are left`);
}

async function runBroadcast() {
  const all = scaled(1000);
  const size = { count: 400, everyMs: 40, bytes: 1000 };
  for (const deaf of [0, scaled(10)]) {
    const told = await broadcast({ ...size, readers: all - scaled(10), deaf });
    const { p50, p99, max } = told.delays;
    console.log(
      `broadcast to ${all - scaled(10)} that read and ${deaf} that do not: delay p50 ${ms(p50 / 1000)}, ` +
        `p99 ${ms(p99 / 1000)}, max ${ms(max / 1000)}; at most ${mb(told.mostBuffered)} waited for one`,
    );
    if (told.received !== told.expected) failed(`${told.received} of ${told.expected} arrived`);
    if (told.mostBuffered > told.maxOutboundBytes + 20_000)
      failed(`${told.mostBuffered} bytes waited for one`);
  }
}
