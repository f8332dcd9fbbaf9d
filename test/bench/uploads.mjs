// npm run bench:uploads [-- --megabytes 100 --rounds 3 --rtt 20 --mbit 100]    how long an echo takes beside an upload of the same socket, and without one
//
// Over a line with that round trip and rate, and on this host without one: there it measures how busy the processors are. Client and server are processes of
// their own; the packages are used as they were built last. Exits with 1 if over the line the echo's p99 is more than three times as long.
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, createServer as listen } from "node:net";
import { parseArgs } from "node:util";
import { io as dial } from "@sockeye/client";
import { uploads } from "@sockeye/contract/client";
import { Server } from "@sockeye/server";

const MOST = 3;

if (process.send) serve();
else {
  const { values } = parseArgs({
    options: {
      megabytes: { type: "string", default: "100" },
      rounds: { type: "string", default: "3" },
      rtt: { type: "string", default: "20" },
      mbit: { type: "string", default: "100" },
    },
  });
  const server = fork(new URL(import.meta.url), {
    env: { ...process.env, ONE_WAY_MS: values.rtt / 2, MBIT: values.mbit },
  });
  const [{ direct, line }] = await once(server, "message");
  const [megabytes, rounds] = [Number(values.megabytes), Number(values.rounds)];
  console.log("on this host");
  await measure(direct, megabytes, rounds);
  console.log(`over a line of ${values.rtt} ms and ${values.mbit} Mbit/s`);
  process.exitCode = (await measure(line, megabytes, rounds)) <= MOST ? 0 : 1;
  server.kill();
}

function serve() {
  const http = createServer();
  const io = new Server(http);
  io.on("connection", (socket) => socket.on("echo", (value, reply) => reply(value)));
  io.upload("file", async (file) => {
    for await (const _ of file);
    return file.received;
  });
  const proxy = listen((near) => {
    const far = connect(http.address().port, "127.0.0.1");
    slowly(near, far);
    slowly(far, near);
  });
  http.listen(0, "127.0.0.1", () =>
    proxy.listen(0, "127.0.0.1", () =>
      process.send({ direct: http.address().port, line: proxy.address().port }),
    ),
  );
}

/** Passes on what comes, at the rate and with the delay of the line. */
function slowly(from, to) {
  const bytesPerMs = (Number(process.env["MBIT"]) * 1e6) / 8 / 1000;
  let free = 0;
  let waiting = 0;
  const queue = [];
  from.setNoDelay().on("data", (chunk) => {
    const now = performance.now();
    free = Math.max(free, now) + chunk.length / bytesPerMs;
    waiting += chunk.length;
    queue.push(chunk);
    if (waiting > 1e6) from.pause();
    setTimeout(
      () => {
        // Timers may go off in another order.
        const next = queue.shift();
        to.write(next);
        waiting -= next.length;
        from.resume();
      },
      free - now + Number(process.env["ONE_WAY_MS"]),
    );
  });
  from.on("close", () => to.destroy()).on("error", () => {});
}

async function measure(port, megabytes, rounds) {
  const bytes = megabytes * 1e6;
  const socket = dial(`http://127.0.0.1:${port}`, { transports: ["websocket"], extend: [uploads] });
  await once(socket, "connect");
  const data = new Uint8Array(bytes);
  const warm = performance.now() + 1000;
  await echoes(socket, () => performance.now() < warm);
  const ratios = [];
  for (let round = 0; round < rounds; round++) {
    const end = performance.now() + 2000;
    const alone = await echoes(socket, () => performance.now() < end);
    const began = performance.now();
    let isOver = false;
    const upload = socket.upload("file", data).then((received) => {
      isOver = true;
      if (received !== bytes) throw new Error(`${received} bytes have arrived`);
      return performance.now() - began;
    });
    const beside = await echoes(socket, () => !isOver);
    const tookMs = await upload;
    ratios.push(at(beside, 0.99) / at(alone, 0.99));
    console.log(
      `alone p50 ${ms(alone, 0.5)} p99 ${ms(alone, 0.99)}, beside p50 ${ms(beside, 0.5)} p99 ${ms(beside, 0.99)} of ${beside.length}: ` +
        `${ratios.at(-1).toFixed(2)} times; ${(bytes / 1e3 / tookMs).toFixed(0)} MB/s`,
    );
  }
  socket.disconnect();
  const median = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)];
  console.log(
    `p99 of an echo beside an upload of ${megabytes} MB: ${median.toFixed(2)} times that without (median)`,
  );
  return median;
}

/** Echoes one after the other, a millisecond apart. @returns how long each took, in ms, sorted */
async function echoes(socket, isOn) {
  const took = [];
  do {
    const began = performance.now();
    await socket.emitWithAck("echo", 1);
    took.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 1));
  } while (isOn());
  return took.sort((a, b) => a - b);
}

function at(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

function ms(sorted, part) {
  return `${at(sorted, part).toFixed(2)} ms`;
}
