import { event, TEXT } from "./frames.mjs";
import { openSockets } from "./websocket-client.mjs";

/**
 * Each connection sends an echo every `everyMs`, unless its last is still out; the round trips are kept. Of several ports each gets as many
 * connections.
 */
export async function prepare(port, { connections, everyMs }) {
  const message = event("echo", TEXT);
  const ports = [port].flat();
  const each = { connections: connections / ports.length };
  const clients = (await Promise.all(ports.map((node) => openSockets(node, each)))).flat();
  const roundTrips = [];
  const timers = [];

  for (const client of clients) {
    client.sentAt = 0;
    client.onFrame = (self) => {
      roundTrips.push((performance.now() - self.sentAt) * 1000);
      self.sentAt = 0;
    };
  }
  const send = (client) => {
    if (client.sentAt !== 0) return;
    client.sentAt = performance.now();
    client.write(message);
  };

  return {
    start() {
      clients.forEach((client, index) => {
        const begin = () => timers.push(setInterval(send, everyMs, client));
        setTimeout(begin, (index * everyMs) / connections);
      });
    },
    count() {
      return roundTrips.length;
    },
    /** In µs, since the last call. */
    roundTrips: () => roundTrips.splice(0),
    stop() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
