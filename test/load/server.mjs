// The server under load: @sockeye/server as it is built, with an app of echoes, acknowledgements, rooms and broadcasts.
import { createServer } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Server } from "@sockeye/server";
import { options, serve } from "../bench/contenders/control.mjs";
import { now } from "./clock.mjs";

const { maxOutboundBytes, ...others } = options;
const http = createServer();
// Whoever polls keeps its connections; Node.js would close them between two polls that are far apart.
http.keepAliveTimeout = 120_000;
const io = new Server(http, {
  serveClient: false,
  transports: ["polling", "websocket", "stream", "sse"],
  ...(maxOutboundBytes && { limits: { maxOutboundBytes } }),
  ...others,
});

const errors = [];
io.on("error", (error) => errors.push(String(error)));

/** Of each room, how many events it has had. */
const sequences = new Map();
let broadcasts = 0;
let timers = [];

io.on("connection", (socket) => {
  socket.on("echo", (data) => socket.emit("echo", data));
  socket.on("ack", (data, answer) => answer(data));
  socket.on("join", (room, answer) => {
    socket.join(room);
    answer();
  });
  socket.on("leave", (room, answer) => {
    socket.leave(room);
    answer();
  });
});

/** What it measures is how far its ticks are apart. */
const TICK_MS = 5;
const delay = monitorEventLoopDelay({ resolution: TICK_MS });
delay.enable();

const deaf = () => [...(io.sockets.adapter.rooms.get("deaf") ?? [])].map((id) => io.sockets.sockets.get(id));

await serve(http, {
  /** Broadcasts to all, and to one room after the other. */
  begin({ broadcastMs, roomMs, rooms }) {
    let turn = 0;
    const toRoom = () => {
      const room = `r${turn++ % rooms}`;
      const sequence = (sequences.get(room) ?? 0) + 1;
      sequences.set(room, sequence);
      io.to(room).emit("room", room, sequence);
    };
    timers = [setInterval(() => io.emit("all", ++broadcasts), broadcastMs), setInterval(toRoom, roomMs)];
  },
  stop() {
    for (const timer of timers) clearInterval(timer);
    timers = [];
    sequences.clear();
  },
  /** In ms, since the last time that it was asked for. */
  delay() {
    const late = (ns) => Math.max(0, ns / 1e6 - TICK_MS);
    const told = { p50: late(delay.percentile(50)), p99: late(delay.percentile(99)), max: late(delay.max) };
    delay.reset();
    return told;
  },
  /** What must be zero once everybody has left. */
  left() {
    // Those that a client keeps for its next request.
    http.closeIdleConnections();
    return left();
  },
  metrics: () => ({ ...io.metrics() }),
  errors: () => errors,
  /** Emits to those that do not read until as much waits for each as may. */
  async fill({ bytes }) {
    const chunk = "x".repeat(20_000);
    for (const socket of deaf()) {
      for (let n = 0; n < 3000 && socket.bufferedBytes < bytes; n++) {
        socket.overflow("drop-newest").emit("fill", chunk);
        if (n % 4 === 0) await new Promise(setImmediate);
        // What waits may only wait for its turn: it counts if the kernel does not take it.
        if (socket.bufferedBytes >= bytes) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (socket.bufferedBytes < bytes) throw new Error("the kernel takes too much");
    }
  },
  /** Broadcasts with the time at which they were sent. */
  timed({ count, everyMs, size }) {
    const data = "x".repeat(size);
    return new Promise((resolve) => {
      let most = 0;
      let sent = 0;
      const timer = setInterval(() => {
        io.overflow("drop-oldest").emit("timed", now(), data);
        for (const { bufferedBytes } of deaf()) most = Math.max(most, bufferedBytes);
        if (++sent < count) return;
        clearInterval(timer);
        resolve({ mostBuffered: most });
      }, everyMs);
    });
  },
});

function left() {
  const { sessions, suspended, waiting, sockets, rooms } = io.metrics();
  const { adapter } = io.sockets;
  return {
    sessions: Object.values(sessions).reduce((sum, count) => sum + count, 0),
    suspended,
    waiting,
    sockets,
    rooms,
    clients: io.engine.clientsCount,
    sids: adapter.sids.size,
    connected: io.sockets.sockets.size,
    wires: process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length,
  };
}
