// A node of a cluster over Redis: ours, or npm's socket.io with its redis-adapter; with a log, npm's has its redis-streams-adapter.
import { createServer } from "node:http";
import { TEXT } from "../load/frames.mjs";
import { app, serverOptions } from "./app.mjs";
import { options, serve } from "./control.mjs";

const { contender, redisPort, name, log = false } = options;
/** What both need to keep events for those who come back. */
const recovery = log ? { connectionStateRecovery: {} } : {};
const url = `redis://127.0.0.1:${redisPort}`;
const server = createServer();
const { io, nodes } = await { sockeye, socketio }[contender]();
app(io);
await serve(server, { nodes, emit: (count) => emitAll(count) });

/** One a turn, as an app would. */
async function emitAll(count) {
  for (let n = 0; n < count; n++) {
    io.emit("all", `${n}`.padStart(TEXT.length, "-"));
    await new Promise(setImmediate);
  }
}

async function sockeye() {
  const [{ Server }, { redis }, { createClient }] = await Promise.all([
    import("@sockeye/server"),
    import("@sockeye/bus-redis"),
    import("redis"),
  ]);
  const cluster = { bus: redis(createClient({ url })), name: "bench", node: name };
  const ours = new Server(server, serverOptions({ cluster, ...recovery }));
  return { io: ours, nodes: () => ours.cluster.nodes().length };
}

async function socketio() {
  if (log) return socketioWithLog();
  const [{ Server }, { createAdapter }, { createClient }] = await Promise.all([
    import("socket.io"),
    import("@socket.io/redis-adapter"),
    import("redis"),
  ]);
  const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const theirs = new Server(server, serverOptions({ adapter: createAdapter(publisher, subscriber) }));
  return { io: theirs, nodes: () => theirs.of("/").adapter.serverCount() };
}

async function socketioWithLog() {
  const [{ Server }, { createAdapter }, { createClient }] = await Promise.all([
    import("socket.io"),
    import("@socket.io/redis-streams-adapter"),
    import("redis"),
  ]);
  const client = createClient({ url });
  await client.connect();
  const theirs = new Server(server, serverOptions({ adapter: createAdapter(client), ...recovery }));
  return { io: theirs, nodes: () => theirs.of("/").adapter.serverCount() };
}
