import { describe } from "vitest";
import { loadClient } from "../support/servers.js";
import { once } from "../support/wait.js";
import { clientsDiffer, dial, differs, ends, serve, thrown } from "./differ.js";

// docs/differences.md, "The client": how a socket is let in, or not.

/** The first of these events, and what it tells. */
function first(source: object, ...events: string[]): Promise<string> {
  const emitter = source as { once(event: string, listener: (detail?: Error) => void): unknown };
  return new Promise((resolve) => {
    for (const event of events) {
      emitter.once(event, (detail) =>
        resolve(detail instanceof Error ? `${event}: ${detail.message}` : event),
      );
    }
  });
}

describe("a middleware that gives next() no error", () => {
  differs(
    "a text, at the server",
    { stock: "connect_error: ", sockeye: "connect_error: denied" },
    async (server) => {
      const site = await serve(server);
      site.io.of("/chat").use((_socket, next) => next("denied" as never));
      const client = await dial(site);
      await once(client, "connect");
      const chat = client.io.socket("/chat");
      const told = first(chat, "connect", "connect_error");
      chat.connect();
      return told;
    },
  );

  clientsDiffer(
    "a text, at the client",
    { stock: "connect_error: ", sockeye: "connect_error: Refused" },
    async (name) => {
      const site = await serve("socket.io 4");
      site.io.use((_socket, next) => next("denied" as never));
      return first(await dial(site, name), "connect", "connect_error", "disconnect");
    },
  );
});

clientsDiffer(
  "the path breaks before the server has let it in",
  { stock: "disconnect", sockeye: "connect_error: websocket connection closed" },
  async (name) => {
    const site = await serve("socket.io 4");
    site.io.use((socket) => void socket.conn.close());
    return first(await dial(site, name), "connect", "connect_error", "disconnect");
  },
);

clientsDiffer("auth that returns an object", { stock: "close", sockeye: "connected as me" }, async (name) => {
  const site = await serve("socket.io 4", { connectTimeout: 300 });
  const client = await dial(site, name, { autoConnect: false, auth: async () => ({ user: "me" }) } as never);
  const connected = new Promise<string>((resolve) =>
    site.io.on("connection", ({ handshake }) => resolve(`connected as ${handshake.auth["user"]}`)),
  );
  const closed = first(client.io, "close");
  client.connect();
  return Promise.race([connected, closed]);
});

clientsDiffer("auth that is a text", { stock: "close", sockeye: "connect" }, async (name) => {
  const site = await serve("socket.io 4", { connectTimeout: 300 });
  const client = await dial(site, name, { autoConnect: false, auth: "secret" } as never);
  const told = Promise.race([first(client, "connect"), first(client.io, "close")]);
  client.connect();
  return told;
});

clientsDiffer("active after the last attempt", { stock: true, sockeye: false }, async (name) => {
  const { io } = await loadClient(name);
  const client = io("http://127.0.0.1:1", { reconnection: false, forceNew: true });
  ends.push(() => client.disconnect());
  await once(client, "connect_error");
  return client.active;
});

clientsDiffer("offAny(undefined)", { stock: 0, sockeye: 1 }, async (name) => {
  const { io } = await loadClient(name);
  const client = io("http://127.0.0.1:1", { autoConnect: false, forceNew: true });
  client.onAny(() => {});
  client.offAny(undefined);
  return client.listenersAny().length;
});

clientsDiffer("io() without a page", { stock: [true, true], sockeye: [false, false] }, async (name) => {
  const { io } = await loadClient(name);
  const client = io({ transports: ["websocket"], forceNew: true });
  ends.push(() => client.disconnect());
  const told = await first(client, "connect_error");
  return [!told.includes("io needs a URL"), client.active];
});

clientsDiffer(
  "a URL with a blank, or with a bad port",
  { stock: [undefined, undefined], sockeye: ["ERR_BAD_OPTION", "ERR_BAD_OPTION"] },
  async (name) => {
    const { io } = await loadClient(name);
    return [" http://h.test", "http://h.test:abc"].map((url) => {
      const error = thrown(() => io(url, { autoConnect: false, forceNew: true }));
      return (error as { code?: string } | undefined)?.code;
    });
  },
);

clientsDiffer("the object of options", { stock: true, sockeye: false }, async (name) => {
  const { io } = await loadClient(name);
  const options = { autoConnect: false, forceNew: true };
  return io("http://127.0.0.1:1", options).io.opts === options;
});

clientsDiffer("an engine before anything was dialled", { stock: false, sockeye: true }, async (name) => {
  const { io } = await loadClient(name);
  return io("http://127.0.0.1:1", { autoConnect: false, forceNew: true }).io.engine !== undefined;
});

clientsDiffer(
  "binaryType of a manager's engine",
  { stock: "ArrayBuffer", sockeye: "Buffer" },
  async (name) => {
    const site = await serve("socket.io 4");
    site.io.on("connection", (socket) => void socket.emit("bytes", Buffer.of(1)));
    const client = await dial(site, name);
    client.io.engine.binaryType = "arraybuffer";
    const [bytes] = (await once(client, "bytes")) as [object];
    return bytes.constructor.name;
  },
);
