// A node of a cluster over Redis: ours, or npm's socket.io with its redis-adapter.
import { createServer } from "node:http";
import { app, serverOptions } from "./app.mjs";
import { options, serve } from "./control.mjs";

const { contender, redisPort, name } = options;
const url = `redis://127.0.0.1:${redisPort}`;
const server = createServer();
const { io, nodes } = await { sockeye, socketio }[contender]();
app(io);
await serve(server, { nodes });

async function sockeye() {
  const [{ Server }, { redis }, { createClient }] = await Promise.all([
    import("@sockeye/server"),
    import("@sockeye/bus-redis"),
    import("redis"),
  ]);
  const cluster = { bus: redis(createClient({ url })), name: "bench", node: name };
  const ours = new Server(server, serverOptions({ cluster }));
  return { io: ours, nodes: () => ours.cluster.nodes().length };
}

async function socketio() {
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
