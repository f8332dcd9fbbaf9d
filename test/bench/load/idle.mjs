import { setTimeout as sleep } from "node:timers/promises";
import { PING_TEXT, PONG_FRAME } from "./frames.mjs";
import { openSocket, openSockets } from "./websocket-client.mjs";

/** Connections that do nothing but answer pings. Opened as fast as they can be, or evenly over `overMs`. */
export async function prepare(port) {
  let clients = [];
  let pings = 0;

  const answerPings = (client) => {
    client.onFrame = (self, data, start) => {
      if (data[start] !== PING_TEXT) return;
      pings++;
      self.write(PONG_FRAME);
    };
  };

  return {
    async open({ connections, overMs = 0 }) {
      if (overMs === 0) clients = await openSockets(port, { connections });
      const began = performance.now();
      while (clients.length < connections) {
        clients.push(await openSocket(port));
        answerPings(clients.at(-1));
        const aheadMs = (clients.length / connections) * overMs - (performance.now() - began);
        if (aheadMs > 1) await sleep(aheadMs);
      }
      clients.forEach(answerPings);
    },
    close() {
      for (const client of clients) client.close();
      clients = [];
    },
    count: () => pings,
  };
}
