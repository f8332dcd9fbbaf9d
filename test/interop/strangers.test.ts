import { afterEach, describe, expect, it } from "vitest";
import { type ClientName, loadClient, type ServerName, type Site, startSite } from "../support/servers.js";
import { once, within } from "../support/wait.js";

// What people who came from Socket.IO ran into, in every pairing of servers and clients.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serve(name: ServerName, options: object = {}): Promise<Site> {
  const site = await startSite(name, options);
  ends.push(() => site.end());
  return site;
}

async function join(name: ClientName, url: string, options: object) {
  const { io } = await loadClient(name);
  const socket = io(url, { reconnection: false, ...options });
  ends.unshift(() => socket.disconnect());
  await within(
    new Promise<void>((resolve, reject) => {
      socket.on("connect", resolve);
      socket.on("connect_error", reject);
    }),
    "to connect",
  );
  return socket;
}

const SERVERS: readonly ServerName[] = ["sockeye", "socket.io 4"];
const CLIENTS: readonly ClientName[] = ["sockeye", "socket.io-client 4"];
const WAYS = ["websocket", "polling"] as const;

/** JSON has no Infinity: it travels as null. Socket.IO's own timers make 1 ms of it. */
const UNBOUNDED: Record<ServerName, readonly string[]> = {
  sockeye: ["maxHttpBufferSize", "pingInterval", "pingTimeout"],
  "socket.io 4": ["maxHttpBufferSize"],
};

describe.each(SERVERS)("a server of %s without a bound", (server) => {
  it.each(
    UNBOUNDED[server].flatMap((option) =>
      CLIENTS.flatMap((client) => WAYS.map((way) => [option, client, way])),
    ),
  )("%s: Infinity lets %s in over %s", async (option, client, way) => {
    const site = await serve(server, { [option as string]: Number.POSITIVE_INFINITY });
    site.io.on("connection", (socket) => socket.on("echo", (text, answer) => answer(text)));
    const socket = await join(client as ClientName, site.url, { transports: [way] });
    expect(await socket.timeout(5000).emitWithAck("echo", "x")).toBe("x");
  });
});

it.each(CLIENTS)("%s hears that the server closes between two of its polls", async (client) => {
  const site = await serve("sockeye");
  const socket = await join(client, site.url, { transports: ["polling"] });
  const gone = once(socket, "disconnect");
  const heard = once(socket, "said");
  site.io.emit("said");
  await heard;
  // The poll is answered, and the next one has not come.
  const closed = site.close();
  expect(await within(gone, "disconnect", 5000)).toEqual(expect.arrayContaining(["transport close"]));
  await closed;
});
