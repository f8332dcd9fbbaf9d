import { clientFrame, TEXT } from "./frames.mjs";
import { openSockets, WEBSOCKET_PATH } from "./websocket-client.mjs";

/** Connections that are in many namespaces each. `batch` joins so many in all; as a flow, echoes go through all of them in turn. */
export async function prepare(port, { connections, namespaces, inFlight = 16 }) {
  let clients = [];
  const echoes = Array.from({ length: namespaces }, (_, n) => clientFrame(`42/n${n},["echo","${TEXT}"]`));
  let count = 0;
  let running = false;

  const open = async (many) => {
    clients = await openSockets(port, { connections: many, path: WEBSOCKET_PATH });
    await Promise.all(clients.map((client) => joinAll(client, namespaces)));
  };
  const next = (client) => {
    client.turn = (client.turn + 1) % namespaces;
    return echoes[client.turn];
  };

  return {
    batch: ({ connections: joins }) => open(Math.ceil(joins / namespaces)),
    close() {
      for (const client of clients) client.close();
      clients = [];
    },
    async start() {
      await open(connections);
      running = true;
      for (const client of clients) {
        client.replies = 0;
        client.turn = 0;
        client.onFrame = () => client.replies++;
        client.onChunk = () => {
          const { replies } = client;
          if (replies === 0) return;
          client.replies = 0;
          count += replies;
          if (running) client.write(Buffer.concat(Array.from({ length: replies }, () => next(client))));
        };
        client.write(Buffer.concat(Array.from({ length: inFlight }, () => next(client))));
      }
    },
    count: () => count,
    stop() {
      running = false;
    },
  };
}

/** All at once: the server is asked for the next one before it has answered the last. */
function joinAll(client, namespaces) {
  return new Promise((resolve) => {
    let answers = 0;
    client.onFrame = () => {
      if (++answers === namespaces) resolve();
    };
    client.write(Buffer.concat(Array.from({ length: namespaces }, (_, n) => clientFrame(`40/n${n},`))));
  });
}
