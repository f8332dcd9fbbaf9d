// Players on a field, typed at both ends: `npm start`, or `start()` from a test.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "@sockeye/server";
import { run } from "../run.js";
import type { BetweenServers, ClientToServer, Place, Player, ServerToClient } from "./events.js";

type Game = Server<ClientToServer, ServerToClient, BetweenServers, Player>;
type PlayerSocket = Socket<ClientToServer, ServerToClient, BetweenServers, Player>;

export interface Running {
  readonly url: string;
  /** Asks everybody whether they are ready. Who does not answer in time is not. */
  askAll(round: number): Promise<boolean>;
  close(): Promise<void>;
}

export async function start({ port = 3000 }: { port?: number } = {}): Promise<Running> {
  const io: Game = new Server(port, { cors: { origin: "*" } });
  let players = 0;

  io.on("connection", (socket) => {
    socket.data = { name: `player ${++players}`, place: { x: 0, y: 0 } };
    play(io, socket);
  });

  if (!io.httpServer.listening) await once(io.httpServer, "listening");
  const address = io.httpServer.address() as AddressInfo;
  return {
    url: `http://localhost:${address.port}`,
    askAll: async (round) => {
      const answers: boolean[] = await io
        .timeout(1000)
        .emitWithAck("ready", round)
        .catch(() => [false]);
      return answers.every((yes) => yes);
    },
    close: () => io.close({ drain: true }),
  };
}

function play(io: Game, socket: PlayerSocket): void {
  socket.on("move", (to) => {
    if (!isPlace(to)) return;
    socket.data.place = to;
    socket.broadcast.emit("moved", socket.data.name, to);
  });

  socket.on("rename", async (name, reply) => {
    const taken = (await io.fetchSockets()).some(({ data }) => data.name === name);
    if (!taken) socket.data.name = name;
    reply(taken ? null : name);
  });
}

/** Types are promises of the app's own client. Another one may send anything. */
function isPlace(value: unknown): value is Place {
  return (
    typeof value === "object" &&
    value !== null &&
    "x" in value &&
    "y" in value &&
    Number.isFinite(value.x) &&
    Number.isFinite(value.y)
  );
}

await run(import.meta.url, start, (url) => `${url} is ready. It has no page: client.ts is a client.`);
