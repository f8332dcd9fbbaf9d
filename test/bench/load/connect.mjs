import { openSockets } from "./websocket-client.mjs";

/** Opens connections up to the answer to CONNECT. They stay open until `close`, so closing is not measured. */
export function prepare(port, params) {
  let clients = [];
  return {
    async batch({ connections, atOnce = params.atOnce }) {
      clients.push(...(await openSockets(port, { connections, atOnce })));
    },
    close() {
      for (const client of clients) client.close();
      clients = [];
    },
  };
}
