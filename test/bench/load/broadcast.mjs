import { bursts, event, TEXT } from "./frames.mjs";
import { openSockets } from "./websocket-client.mjs";

/** Broadcasts whose receivers can be behind each other by no more than this. */
const RING = 64;

/**
 * The first connection asks for broadcasts to all, itself included, and keeps `underWay` of them going: a broadcast is
 * done once its last receiver has it. What is counted are deliveries. Of several ports each gets as many connections. What is logged has an
 * offset behind its arguments.
 */
export async function prepare(port, { connections, underWay, deflate = false, counted, logged = false }) {
  const ready = bursts(deflate ? event("big") : event("all", TEXT), underWay);
  const length = `42["all","${TEXT}"]`.length;
  const ports = [port].flat();
  const each = { connections: connections / ports.length, counted };
  const clients = (await Promise.all(ports.map((node) => openSockets(node, each)))).flat();
  const [sender] = clients;
  /** For each of the last broadcasts, how many have it. */
  const received = new Uint32Array(RING);
  let count = 0;
  let done = 0;
  let running = false;

  for (const client of clients) {
    client.received = 0;
    client.onFrame = (self, _data, start, end, first) => {
      const isRight = deflate ? (first & 0x40) !== 0 : logged ? end - start > length : end - start === length;
      if (!isRight) throw new Error("a wrong delivery");
      count++;
      const slot = self.received++ % RING;
      if (++received[slot] < connections) return;
      received[slot] = 0;
      done++;
    };
    client.onChunk = () => {
      if (done === 0) return;
      const next = ready[done];
      done = 0;
      if (running) sender.write(next);
    };
  }

  return {
    start() {
      running = true;
      sender.write(ready[underWay]);
    },
    count: () => count,
    stop() {
      running = false;
    },
  };
}
