// Milliseconds from navigation to `connect` in headless Chromium over a model of a slow network, beside socket.io-client, each served
// by its own server: `node test/bench/slow-network.mjs [slow3g|3g|4g] [rounds]`, after a build.
//
// The model is a proxy with a round trip, one link that all connections of a page share, and TCP's slow start; it has no TLS. The first
// visit of a page finds nothing in the cache, the second one finds what the server lets browsers keep.
import { createServer } from "node:http";
import net from "node:net";
import { Server } from "@sockeye/server";
import { chromium } from "playwright-core";
import { Server as SocketIoServer } from "socket.io";

const NETWORKS = {
  slow3g: { roundTripMs: 400, kilobitsPerSecond: 400 },
  "3g": { roundTripMs: 300, kilobitsPerSecond: 1600 },
  "4g": { roundTripMs: 150, kilobitsPerSecond: 1600 },
};
const INITIAL_WINDOW_BYTES = 14_600;
const SEGMENT_BYTES = 1460;

const [profile = "slow3g", rounds = "7"] = process.argv.slice(2);
const network = NETWORKS[profile];
if (!network) throw new Error(`no network "${profile}": ${Object.keys(NETWORKS).join(", ")}`);

const script = '<script src="/socket.io/socket.io.min.js"></script>';
const peers = [
  { name: "socket.io-client", Server: SocketIoServer, head: script },
  { name: "sockeye", Server, head: script },
  { name: "sockeye, early.js", Server, head: `<script src="/socket.io/early.js"></script>${script}` },
];

const sites = await Promise.all(peers.map(start));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const times = sites.map(() => ({ first: [], second: [] }));
for (let round = 0; round < Number(rounds); round++) {
  const order = sites.map((_, i) => i);
  for (const i of round % 2 ? order : order.reverse()) {
    const context = await browser.newContext();
    for (const visit of ["first", "second"]) times[i][visit].push(await connectMs(context, sites[i]));
    await context.close();
  }
}
console.log(`${profile}: ${rounds} rounds, median (from – to) in ms`);
for (const [i, { name }] of peers.entries()) {
  const row = ["first", "second"].map((visit) => {
    const sorted = times[i][visit].sort((a, b) => a - b);
    const ratio = median(sorted) / median(times[0][visit]);
    return `${visit} visit ${median(sorted).toFixed(0)} (${sorted[0].toFixed(0)} – ${sorted.at(-1).toFixed(0)}), ${ratio.toFixed(2)} of socket.io-client`;
  });
  console.log(`${name.padEnd(20)} ${row.join("; ")}`);
}
await browser.close();
process.exit(0);

function median(sorted) {
  return sorted[sorted.length >> 1];
}

async function connectMs(context, url) {
  const page = await context.newPage();
  await page.goto(url, { waitUntil: "commit" });
  await page.waitForFunction(() => "connectedMs" in globalThis, undefined, { timeout: 60_000, polling: 50 });
  const ms = await page.evaluate(() => globalThis.connectedMs);
  await page.close();
  return ms;
}

/** A server with its page behind a slow network; its URL. */
async function start({ Server: Class, head }) {
  const http = createServer((req, res) => {
    if (req.url !== "/") return res.writeHead(204).end();
    res.writeHead(200, { "content-type": "text/html", "cache-control": "no-store" });
    return res.end(`<!doctype html><title>x</title>${head}
      <script>io().on("connect", () => { globalThis.connectedMs = performance.now(); });</script>`);
  });
  // One server answers for its path before the page does.
  new Class(http);
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  return slowed(http.address().port);
}

async function slowed(port) {
  const { roundTripMs, kilobitsPerSecond } = network;
  let linkIsFreeAt = 0;
  const proxy = net.createServer({ noDelay: true }, (client) => {
    const server = net.connect(port, "127.0.0.1");
    const bornAt = performance.now();
    const waiting = [];
    let windowBytes = INITIAL_WINDOW_BYTES;
    let inFlight = 0;
    client.on("data", (data) => {
      // TCP's handshake takes a round trip.
      const at = Math.max(bornAt + roundTripMs, performance.now()) + roundTripMs / 2;
      setTimeout(() => server.write(data), at - performance.now());
    });
    server.on("data", (data) => {
      for (let from = 0; from < data.length; from += SEGMENT_BYTES)
        waiting.push(data.subarray(from, from + SEGMENT_BYTES));
      pump();
    });
    client.on("error", () => {}).on("close", () => server.destroy());
    server.on("error", () => {}).on("close", () => setTimeout(() => client.end(), roundTripMs));

    function pump() {
      while (waiting.length > 0 && inFlight + waiting[0].length <= windowBytes) {
        const segment = waiting.shift();
        inFlight += segment.length;
        const now = performance.now();
        linkIsFreeAt = Math.max(linkIsFreeAt, now) + (segment.length * 8) / kilobitsPerSecond;
        setTimeout(() => client.write(segment), linkIsFreeAt + roundTripMs / 2 - now);
        setTimeout(() => acknowledged(segment.length), linkIsFreeAt + roundTripMs - now);
      }
    }
    function acknowledged(bytes) {
      inFlight -= bytes;
      windowBytes += bytes;
      pump();
    }
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${proxy.address().port}/`;
}
