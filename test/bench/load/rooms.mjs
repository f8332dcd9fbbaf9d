import { clientFrame, event, TEXT } from "./frames.mjs";
import { openSockets } from "./websocket-client.mjs";

/** Every room has `members` connections. One of each asks for a broadcast in turn; `underWay` rooms are busy at a time. */
export async function prepare(port, { rooms, members, underWay }) {
  const clients = await openSockets(port, { connections: rooms * members });
  await Promise.all(clients.map((client, index) => join(client, index % rooms)));
  const requests = Array.from({ length: rooms }, (_, room) => event("room", `room${room}`, TEXT));
  const length = `42["room","${TEXT}"]`.length;
  /** Deliveries under way; a room may be asked for its next broadcast before all have the last. */
  const missing = new Uint32Array(rooms);
  let count = 0;
  let next = 0;
  let running = false;

  const ask = () => {
    const room = next;
    next = (next + 1) % rooms;
    missing[room] += members;
    clients[room].write(requests[room]);
  };

  clients.forEach((client, index) => {
    const room = index % rooms;
    client.onFrame = (_self, _data, start, end) => {
      if (end - start !== length) throw new Error("a wrong delivery");
      count++;
      if (--missing[room] % members === 0 && running) ask();
    };
  });

  return {
    start() {
      running = true;
      for (let busy = 0; busy < underWay; busy++) ask();
    },
    count: () => count,
    stop() {
      running = false;
    },
  };
}

function join(client, room) {
  return new Promise((resolve) => {
    client.onFrame = () => resolve();
    client.write(clientFrame(`420["join","room${room}"]`));
  });
}
