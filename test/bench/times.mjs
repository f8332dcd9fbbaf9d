// How long until a client is connected, or back, on a path that is not kind. Ours beside socket.io-client, both with their defaults and each with its
// own server, in one run, one after the other. Prints a table for docs/transports.md.
//
// npm run build && node test/bench/times.mjs [--rounds 5]
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { io as sockeye } from "@sockeye/client";
import { Server as SockeyeServer } from "@sockeye/server";
import { Server as SocketIoServer } from "socket.io";
import { io as socketIo } from "socket.io-client";
import { median } from "./stats.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const ROUNDS = Number(values.rounds);
const LOSS_MS = 2000;
const GIVE_UP_MS = 30_000;
const SWALLOWED = "WebSocket opens, then nothing passes";

const CONTENDERS = [
  { name: "sockeye", dial: sockeye, Server: SockeyeServer },
  { name: "socket.io", dial: socketIo, Server: SocketIoServer },
];

/** What a path does to a connection: called with both sockets, before anything passes. */
const PATHS = {
  open: pass,
  "upgrade refused": (client, server) => {
    let isFirst = true;
    client.on("data", (chunk) => {
      const refuses = isFirst && /^upgrade: websocket/im.test(chunk.toString("latin1"));
      isFirst = false;
      if (refuses) client.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      else server.write(chunk);
    });
    server.pipe(client);
  },
  "nothing passes for 2 s": (client, server, begun) => {
    // What is held back comes later, as after retransmissions.
    client.pause();
    setTimeout(() => pass(client, server), Math.max(0, begun + LOSS_MS - performance.now()));
  },
  [SWALLOWED]: (client, server) => {
    let swallows = false;
    client.on("data", (chunk) => swallows || server.write(chunk));
    server.on("data", (chunk) => {
      if (swallows) return;
      const [head] = chunk.toString("latin1").split("\r\n\r\n");
      swallows = head.startsWith("HTTP/1.1 101");
      client.write(swallows ? chunk.subarray(0, head.length + 4) : chunk);
    });
  },
};

function pass(client, server) {
  client.pipe(server);
  server.pipe(client);
}

async function openPath(port, path) {
  const sockets = new Set();
  let isDown = false;
  const begun = performance.now();
  const proxy = createTcpServer((client) => {
    if (isDown) {
      client.destroy();
      return;
    }
    const server = connect(port, "127.0.0.1");
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    path(client, server, begun);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    /** Breaks all connections; no new one gets through for so long. */
    async cut(downMs) {
      isDown = true;
      cut();
      await sleep(downMs);
      isDown = false;
    },
    close() {
      proxy.close();
      cut();
    },
  };
}

/** A server that says the time to everybody, and answers. */
async function serve(Server) {
  const http = createServer();
  const io = new Server(http);
  io.on("connection", (socket) => socket.on("echo", (value, reply) => reply(value)));
  const ticks = setInterval(() => io.emit("tick"), 5);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    port: http.address().port,
    async close() {
      clearInterval(ticks);
      await io.close();
    },
  };
}

/** Ours remembers what worked: only the row that is about that lets it. */
const FORGETFUL = { remember: false };

/** Milliseconds until an event of this client is answered. */
async function connectedAfter({ dial }, url, options = FORGETFUL) {
  const begun = performance.now();
  const socket = dial(url, { forceNew: true, ...options });
  const answered = socket.timeout(GIVE_UP_MS).emitWithAck("echo", 1);
  await answered;
  return { ms: performance.now() - begun, socket };
}

async function toConnected(contender, path) {
  const server = await serve(contender.Server);
  const way = await openPath(server.port, path);
  const { ms, socket } = await connectedAfter(contender, way.url);
  socket.disconnect();
  way.close();
  await server.close();
  return ms;
}

/** The second time on the same path. */
async function toConnectedAgain(contender, path) {
  const server = await serve(contender.Server);
  const way = await openPath(server.port, path);
  const { socket: first } = await connectedAfter(contender, way.url, {});
  first.disconnect();
  const { ms, socket } = await connectedAfter(contender, way.url, {});
  socket.disconnect();
  way.close();
  await server.close();
  return ms;
}

/** Milliseconds from the break until the next event comes. */
function toResumed(downMs) {
  return async (contender) => {
    const server = await serve(contender.Server);
    const way = await openPath(server.port, PATHS.open);
    const { socket } = await connectedAfter(contender, way.url);
    // An upgrade is through.
    await sleep(300);
    const begun = performance.now();
    await way.cut(downMs);
    await once(socket, "tick");
    const ms = performance.now() - begun;
    socket.disconnect();
    way.close();
    await server.close();
    return ms;
  };
}

const ROWS = [
  ...Object.entries(PATHS).map(([name, path]) => ({
    name: `to connected: ${name}`,
    measure: (contender) => toConnected(contender, path),
  })),
  {
    name: "to connected: the same path once more",
    measure: (contender) => toConnectedAgain(contender, PATHS[SWALLOWED]),
  },
  { name: "to resumed: the transport dies", measure: toResumed(0) },
  { name: "to resumed: it dies, and for 1 s no connection gets through", measure: toResumed(1000) },
];

const shown = (all) => {
  const low = Math.min(...all).toFixed(0);
  return `**${median(all).toFixed(0)}** (${low}–${Math.max(...all).toFixed(0)})`;
};

console.log(
  `| path | Sockeye, ms | socket.io ${(await import("socket.io/package.json", { with: { type: "json" } })).default.version}, ms |`,
);
console.log("| --- | ---: | ---: |");
for (const { name, measure } of ROWS) {
  const times = CONTENDERS.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, contender] of CONTENDERS.entries()) times[index].push(await measure(contender));
  }
  console.log(`| ${name} | ${times.map(shown).join(" | ")} |`);
}
process.exit(0);
