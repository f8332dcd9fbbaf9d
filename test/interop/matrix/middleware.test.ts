import type { IncomingMessage, ServerResponse } from "node:http";
import { expect } from "vitest";
import { pullThePlug, UNCOUNTED } from "../../support/servers.js";
import { matrix } from "../../support/stage.js";
import { once, turn } from "../../support/wait.js";

interface Refusal extends Error {
  data?: unknown;
}

function refusal(message: string, data?: unknown): Refusal {
  const error: Refusal = new Error(message);
  if (data !== undefined) error.data = data;
  return error;
}

matrix("auth", (behaves) => {
  behaves("may be a function, called at every connection", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    let calls = 0;
    const client = await stage.dial(site, {
      auth: (send) => {
        calls += 1;
        setImmediate(() => send({ attempt: calls }));
      },
    });
    const first = await stage.both(site, client);
    expect(first.socket.handshake.auth).toEqual({ attempt: 1 });
    const again = once(client, "connect");
    await pullThePlug(site, first.socket);
    await again;
    const second = await stage.both(site, client);
    expect(second.socket.id).not.toBe(first.socket.id);
    expect(second.socket.handshake.auth).toEqual({ attempt: 2 });
    client.disconnect();
    client.connect();
    const third = await stage.both(site, client);
    expect(third.socket.handshake.auth).toEqual({ attempt: 3 });
  });

  behaves("may be changed on the socket between connections", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site, { auth: { token: "old" } });
    expect(socket.handshake.auth).toEqual({ token: "old" });
    client.auth = { token: "new" };
    client.disconnect();
    client.connect();
    const again = await stage.both(site, client);
    expect(again.socket.handshake.auth).toEqual({ token: "new" });
  });

  behaves("is each namespace's own", async (stage) => {
    const site = await stage.serve();
    site.io.of("/admin");
    const main = await stage.connect(site, { auth: { who: "main" } });
    const other = await stage.both(site, main.client.io.socket("/admin", { auth: { who: "admin" } }));
    expect(main.socket.handshake.auth).toEqual({ who: "main" });
    expect(other.socket.handshake.auth).toEqual({ who: "admin" });
  });
});

matrix("namespace middleware", (behaves) => {
  behaves("runs in order, before the connection", async (stage) => {
    const site = await stage.serve();
    const steps: unknown[] = [];
    site.io.use((socket, next) => {
      steps.push(["first", socket.connected, socket.handshake.auth]);
      socket.data["user"] = "ann";
      setImmediate(next);
    });
    site.io.use((socket, next) => {
      steps.push(["second", socket.data["user"]]);
      next();
    });
    site.io.on("connection", (socket) => steps.push(["connection", socket.connected]));
    const { socket } = await stage.connect(site, { auth: { token: 1 } });
    expect(steps).toEqual([
      ["first", false, { token: 1 }],
      ["second", "ann"],
      ["connection", true],
    ]);
    expect(socket.data).toEqual({ user: "ann" });
  });

  behaves("may join rooms", async (stage) => {
    const site = await stage.serve();
    site.io.use((socket, next) => {
      socket.join("early");
      next();
    });
    const { client, socket } = await stage.connect(site);
    expect(socket.rooms.has("early")).toBe(true);
    const heard = once(client, "e");
    site.io.to("early").emit("e", 1);
    expect(await heard).toEqual([1]);
  });

  behaves("refuses with message and data, once, without another try", async (stage) => {
    const site = await stage.serve();
    let asked = 0;
    let connected = 0;
    site.io.use((_socket, next) => {
      asked += 1;
      next(refusal("not authorized", { code: "E1", list: [1, null] }));
    });
    site.io.on("connection", () => {
      connected += 1;
    });
    const client = await stage.dial(site);
    const errors: Refusal[] = [];
    client.on("connect_error", (error: Refusal) => errors.push(error));
    await once(client, "connect_error");
    expect(errors[0]).toBeInstanceOf(Error);
    expect(errors[0]?.message).toBe("not authorized");
    expect(errors[0]?.data).toEqual({ code: "E1", list: [1, null] });
    expect(client.connected).toBe(false);
    // Several times the reconnection delay, on a connection of its own: no second attempt was under way.
    for (let n = 0; n < 3; n++) {
      const other = await stage.dial(site, { auth: { n } });
      await once(other, "connect_error");
    }
    expect(errors).toHaveLength(1);
    expect(asked).toBe(4);
    expect(connected).toBe(0);
    expect(site.io.sockets.sockets.size).toBe(0);
  });

  behaves("refuses without data when there is none", async (stage) => {
    const site = await stage.serve();
    site.io.use((_socket, next) => next(refusal("no")));
    const client = await stage.dial(site);
    const [error] = (await once(client, "connect_error")) as [Refusal];
    expect([error.message, error.data]).toEqual(["no", undefined]);
  });

  behaves("leaves a refused client inactive, to connect again by hand", "active", async (stage) => {
    const site = await stage.serve();
    site.io.use((socket, next) => {
      next(socket.handshake.auth["token"] === "good" ? undefined : refusal("bad token"));
    });
    const client = await stage.dial(site, { auth: { token: "bad" } });
    await once(client, "connect_error");
    expect(client.active).toBe(false);
    client.auth = { token: "good" };
    client.connect();
    await stage.both(site, client);
    expect(client.connected).toBe(true);
  });

  behaves("of one namespace does not ask for another", async (stage) => {
    const site = await stage.serve();
    site.io.of("/closed").use((_socket, next) => next(refusal("closed")));
    const open = await stage.connect(site);
    const closed = open.client.io.socket("/closed");
    expect(((await once(closed, "connect_error"))[0] as Error).message).toBe("closed");
    expect(open.client.connected).toBe(true);
  });

  behaves("that stops behind the first error", async (stage) => {
    const site = await stage.serve();
    let second = 0;
    site.io.use((_socket, next) => next(refusal("stop")));
    site.io.use((_socket, next) => {
      second += 1;
      next();
    });
    const client = await stage.dial(site);
    await once(client, "connect_error");
    expect(second).toBe(0);
  });

  behaves("whose client leaves meanwhile connects nobody", async (stage) => {
    const site = await stage.serve();
    let connected = 0;
    site.io.on("connection", () => {
      connected += 1;
    });
    const held = new Promise<() => void>((resolve) => site.io.use((_socket, next) => resolve(next)));
    const engineClosed = new Promise<void>((resolve) => {
      site.io.engine.on("connection", (conn: { once(event: string, heard: () => void): void }) => {
        conn.once("close", resolve);
      });
    });
    const client = await stage.dial(site);
    const release = await held;
    client.disconnect();
    await engineClosed;
    release();
    await turn();
    await turn();
    expect(connected).toBe(0);
    expect(site.io.sockets.sockets.size).toBe(0);
  });
});

matrix("packet middleware", (behaves) => {
  behaves("sees and may change each event before its handler", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const seen: unknown[] = [];
    socket.use((event, next) => {
      seen.push([...event].filter((part) => typeof part !== "function"));
      event[1] = `${event[1]}!`;
      next();
    });
    socket.use((_event, next) => setImmediate(next));
    socket.on("say", (text: string, answer: (text: string) => void) => answer(text));
    expect(await new Promise((resolve) => client.emit("say", "hi", resolve))).toBe("hi!");
    expect(seen).toEqual([["say", "hi"]]);
  });

  behaves("that refuses tells the server's socket, not the client", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const reached: string[] = [];
    socket.use(([name], next) => next(name === "bad" ? refusal("refused", { why: 1 }) : undefined));
    socket.on("bad", () => reached.push("bad"));
    socket.on("good", (answer: () => void) => {
      reached.push("good");
      answer();
    });
    const clientErrors: unknown[] = [];
    client.on("error", (error: unknown) => clientErrors.push(error));
    const failed = once(socket, "error");
    client.emit("bad");
    const [error] = (await failed) as [Refusal];
    expect([error.message, error.data]).toEqual(["refused", { why: 1 }]);
    await new Promise<void>((resolve) => client.emit("good", resolve));
    expect(reached).toEqual(["good"]);
    expect(clientErrors).toEqual([]);
    expect(client.connected).toBe(true);
  });

  behaves("that refuses without a listener harms nobody", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    socket.use(([name], next) => next(name === "bad" ? refusal("refused") : undefined));
    socket.on("good", (answer: () => void) => answer());
    client.emit("bad");
    await new Promise<void>((resolve) => client.emit("good", resolve));
    expect(socket.connected).toBe(true);
  });
});

matrix("engine middleware and headers", (behaves, row) => {
  behaves("sees every request of the session", async (stage) => {
    const site = await stage.serve();
    const seen: string[] = [];
    site.io.engine.use((req: IncomingMessage, res: ServerResponse, next: () => void) => {
      const { searchParams } = new URL(req.url ?? "", "http://host");
      seen.push(
        `${req.method} ${searchParams.get("transport")} ${searchParams.has("sid") ? "with" : "without"} sid`,
      );
      res.setHeader("x-seen", "yes");
      next();
    });
    const { client, socket } = await stage.connect(site);
    socket.on("echo", (answer: () => void) => answer());
    await new Promise<void>((resolve) => client.emit("echo", resolve));
    if (row.way === "websocket") {
      expect(seen).toEqual(["GET websocket without sid"]);
    } else {
      const [first] = row.way.split(",");
      expect(seen[0]).toBe(`GET ${first} without sid`);
      expect(seen).toContain(`POST ${first} with sid`);
      // One response is enough for those that stream.
      expect(seen.includes("GET polling with sid")).toBe(first === "polling");
      expect(seen.includes("GET websocket with sid")).toBe(row.way === "polling, then websocket");
    }
  });

  behaves("may refuse the session", async (stage) => {
    const site = await stage.serve();
    site.io.engine.use((_req: IncomingMessage, _res: ServerResponse, next: (error?: Error) => void) => {
      next(new Error("no"));
    });
    const refused = new Promise<unknown>((resolve) => site.io.engine.on("connection_error", resolve));
    const client = await stage.dial(site, { reconnection: false });
    await once(client, "connect_error");
    expect(await refused).toMatchObject({
      code: 3,
      message: "Bad request",
      context: { name: "MIDDLEWARE_FAILURE" },
    });
  });

  behaves("shows the handshake's headers and those of every response", async (stage) => {
    const site = await stage.serve();
    const initial: unknown[] = [];
    const every: unknown[] = [];
    site.io.engine.on("initial_headers", (headers: Record<string, string>, req: IncomingMessage) => {
      headers["x-initial"] = "1";
      initial.push(req.method);
    });
    site.io.engine.on("headers", (headers: Record<string, string>) => {
      headers["x-every"] = "1";
      every.push(headers["x-initial"]);
    });
    const { client, socket } = await stage.connect(site);
    socket.on("echo", (answer: () => void) => answer());
    await new Promise<void>((resolve) => client.emit("echo", resolve));
    expect(initial).toEqual(["GET"]);
    expect(every[0]).toBe("1");
    expect(every.slice(1).every((value) => value === undefined)).toBe(true);
    expect(every.length > 1).toBe(row.way !== "websocket");
  });
});
