// Players on a field, with one contract for both ends: `npm start`, or `start()` from a test.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { CallError, Server } from "@sockeye/server";
import { run } from "../run.js";
import { game } from "./contract.js";

export interface Running {
  readonly url: string;
  /** Asks everybody whether they are ready. Who does not answer in time is not. */
  askAll(round: number): Promise<boolean>;
  close(): Promise<void>;
}

export async function start({ port = 3000 }: { port?: number } = {}): Promise<Running> {
  const io = new Server(port, { contract: game, cors: { origin: "*" } });
  let players = 0;

  io.on("connection", (socket) => {
    socket.data = { name: `player ${++players}`, place: { x: 0, y: 0 } };

    socket.on("move", (to) => {
      socket.data.place = to;
      socket.broadcast.emit("moved", socket.data.name, to);
    });
  });

  io.handle("rename", async (name, { socket }) => {
    const taken = (await io.fetchSockets()).some(({ data }) => data.name === name);
    if (taken) throw new CallError("TAKEN", { suggest: `${name}2` });
    socket.data.name = name;
    return name;
  });

  if (!io.httpServer.listening) await once(io.httpServer, "listening");
  const address = io.httpServer.address() as AddressInfo;
  return {
    url: `http://localhost:${address.port}`,
    askAll: async (round) => {
      const answers = await io
        .timeout(1000)
        .emitWithAck("ready", round)
        .catch(() => [false]);
      return answers.every((yes) => yes === true);
    },
    close: () => io.close({ drain: true }),
  };
}

await run(import.meta.url, start, (url) => `${url} is ready. It has no page: client.ts is a client.`);
