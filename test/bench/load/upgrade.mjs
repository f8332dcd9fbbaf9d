import { clientFrame, event, TEXT } from "./frames.mjs";
import { HttpClient } from "./http-client.mjs";
import { WebSocketClient } from "./websocket-client.mjs";

const POLLING = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET = "/socket.io/?EIO=4&transport=websocket";
const PROBE = clientFrame("2probe");
const UPGRADE = clientFrame("5");
const ECHO = event("echo", TEXT);
/** A poll answered with CONNECT, one with NOOP, and some to spare. */
const MOST_POLLS = 10;

/**
 * What a default client does, by hand: handshake over polling, CONNECT in a POST beside a poll, a WebSocket with the
 * probe, the pause until the poll is answered, UPGRADE. An echo over the WebSocket ends it, so that the upgrade is
 * known to be complete. The milliseconds that each took are kept.
 */
export function prepare(port, params) {
  let clients = [];
  const durations = [];

  return {
    async batch({ connections, atOnce = params.atOnce }) {
      let left = connections;
      const worker = async () => {
        while (left-- > 0) {
          const began = performance.now();
          clients.push(await openAndUpgrade(port));
          durations.push(performance.now() - began);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
    },
    durations: () => durations.splice(0),
    close() {
      for (const client of clients) client.close();
      clients = [];
    },
  };
}

async function openAndUpgrade(port) {
  const polls = new HttpClient(port);
  const posts = new HttpClient(port);
  const { sid } = JSON.parse((await polls.ask("GET", POLLING)).slice(1));
  const path = `${POLLING}&sid=${sid}`;
  const connected = posts.ask("POST", path, "40");
  let probed = false;
  const paused = (async () => {
    for (let answered = 0; !probed; answered++) {
      if (answered === MOST_POLLS) throw new Error("the polls did not end");
      await polls.ask("GET", path);
    }
  })();
  const socket = new WebSocketClient(port, { path: `${WEBSOCKET}&sid=${sid}` });
  socket.onOpen = () => socket.write(PROBE);
  await nextFrame(socket, "3probe");
  probed = true;
  await Promise.all([connected, paused]);
  polls.close();
  posts.close();
  socket.write(UPGRADE);
  socket.write(ECHO);
  await nextFrame(socket, '42["echo"');
  return socket;
}

function nextFrame(socket, expected) {
  return new Promise((resolve, reject) => {
    socket.onEnd = () => reject(new Error("the server closed a WebSocket during the upgrade"));
    socket.onFrame = (self, data, start) => {
      const text = data.latin1Slice(start, start + expected.length);
      if (text !== expected) reject(new Error(`expected ${expected} and got ${text}`));
      self.onFrame = () => {};
      resolve();
    };
  });
}
