import { openSockets } from "./websocket-client.mjs";

/** Opens connections up to the answer to CONNECT. They stay open until `close`, so closing is not measured. */
export function prepare(port, { atOnce }) {
  let clients = [];
  return {
    async batch(connections) {
      clients = await openSockets(port, { connections, atOnce });
    },
    close() {
      for (const client of clients) client.close();
      clients = [];
    },
  };
}
