// Clients of broadcasts that carry the time of their sending; some of them do not read.
import { clientFrame } from "../bench/load/frames.mjs";
import { openSocket, openSockets } from "../bench/load/websocket-client.mjs";
import { now } from "./clock.mjs";

const HEAD = '42["timed",';

export function prepare(port, { readers, deaf }) {
  const delays = [];
  let count = 0;

  return {
    async open() {
      for (let n = 0; n < deaf; n++) await openDeaf(port);
      for (const client of await openSockets(port, { connections: readers })) {
        client.onFrame = (_client, data, start) => {
          // A frame of 64 KiB and more would not be here as a whole.
          const text = data.latin1Slice(start, start + HEAD.length + 20);
          if (!text.startsWith(HEAD)) return;
          count++;
          delays.push(now() - Number.parseInt(text.slice(HEAD.length), 10));
        };
      }
    },
    count: () => count,
    /** In µs. */
    delays: () => {
      const sorted = Float64Array.from(delays.splice(0)).sort();
      const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
      return { p50: at(0.5), p99: at(0.99), max: at(1) };
    },
  };
}

async function openDeaf(port) {
  const client = await openSocket(port);
  await new Promise((resolve) => {
    client.onFrame = resolve;
    client.write(clientFrame('420["join","deaf"]'));
  });
  client.onEnd = () => {};
  client.socket.pause();
}
