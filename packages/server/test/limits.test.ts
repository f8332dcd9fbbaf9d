import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { openSession, openWire } from "../../../test/support/rawsocket.js";
import { collect, once, until } from "../../../test/support/wait.js";
import { Server, type ServerOptions, type Socket } from "../src/index.js";
import { dial, join, roundTrip, serve } from "./site.js";

const HANDSHAKE = "/socket.io/?EIO=4&transport=polling";

/** The details that a stock client gets with `disconnect`. */
interface Details {
  readonly context?: { readonly code: number; readonly reason: string };
}

describe("what a stock client sees of a limit", () => {
  it.each<[name: string, options: ServerOptions, send: unknown[], code: number, reason: string]>([
    [
      "a message that is too large",
      { maxHttpBufferSize: 1000 },
      ["x".repeat(2000)],
      1009,
      "ERR_PACKET_TOO_LARGE (maxMessageBytes)",
    ],
    [
      "too many attachments",
      { limits: { maxAttachments: 1 } },
      [Buffer.alloc(1), Buffer.alloc(1)],
      1008,
      "ERR_TOO_MANY_ATTACHMENTS (maxAttachments)",
    ],
    [
      "attachments that are too large together",
      { limits: { maxBinaryEventBytes: 1000 } },
      [Buffer.alloc(600), Buffer.alloc(600)],
      1008,
      "ERR_BINARY_EVENT_TOO_LARGE (maxBinaryEventBytes)",
    ],
    [
      "data that is nested too deep",
      { limits: { maxJsonDepth: 3 } },
      [[[[[1]]]]],
      1008,
      "ERR_PACKET_TOO_DEEP (maxJsonDepth)",
    ],
  ])(
    "%s: code and name over WebSocket, and the error on the server",
    async (_name, options, send, ...seen) => {
      const site = await serve(options);
      const [bad, good] = [await join(site), await join(site)];
      const left = once(bad.socket as never, "disconnect");
      const told = once(bad.client, "disconnect");
      bad.client.emit("x", ...send);
      const [, details] = await told;
      const { code, reason } = (details as Details).context ?? {};
      expect([code, reason]).toEqual(seen);
      const [, error] = await left;
      expect(seen[1]).toContain((error as { code: string }).code);
      await roundTrip(good.client, good.socket);
    },
  );

  it("a POST that is too large: 413", async () => {
    const site = await serve({ maxHttpBufferSize: 1000 });
    const { client, socket } = await join(site, "/", { transports: ["polling"] });
    const left = once(socket as never, "disconnect");
    const told = once(client, "disconnect");
    // As one that has not heard how much the server takes.
    (client.io.engine as unknown as { _maxPayload: number })._maxPayload = 1e6;
    client.emit("x", "x".repeat(2000));
    expect((await told)[1]).toMatchObject({ description: 413 });
    expect((await left)[1]).toMatchObject({ code: "ERR_PACKET_TOO_LARGE" });
  });
});

describe("rooms", () => {
  it("are limited for each socket; the app hears of it, and nobody else", async () => {
    const site = await serve({ limits: { maxRoomsPerSocket: 3 } });
    const errors: unknown[] = [];
    site.io.on("error" as never, ((error: unknown) => errors.push(error)) as never);
    const { client, socket } = await join(site);
    const other = await join(site);
    socket.join(["a", "b"]);
    expect(() => socket.join("c")).toThrow(expect.objectContaining({ code: "ERR_TOO_MANY_ROOMS" }));
    socket.join(["a", "b"]);
    expect(socket.rooms).toEqual(new Set([socket.id, "a", "b"]));
    site.io.socketsJoin("c");
    expect(other.socket.rooms.has("c")).toBe(true);
    expect(errors).toMatchObject([{ code: "ERR_TOO_MANY_ROOMS" }]);
    socket.leave("a");
    socket.join("c");
    await roundTrip(client, socket);
    expect(site.io.metrics().limitsExceeded).toEqual({ maxRoomsPerSocket: 2 });
  });
});

describe("acknowledgements", () => {
  it("that a socket waits for are limited", async () => {
    const site = await serve({ limits: { maxPendingAcks: 2 } });
    const errors: unknown[] = [];
    site.io.on("error" as never, ((error: unknown) => errors.push(error)) as never);
    const { client, socket } = await join(site);
    const answers: ((answer: string) => void)[] = [];
    client.on("ask", (answer: (answer: string) => void) => answers.push(answer));
    const first = socket.emitWithAck("ask");
    const second = socket.emitWithAck("ask");
    await expect(socket.emitWithAck("ask")).rejects.toMatchObject({ code: "ERR_TOO_MANY_ACKS" });
    socket.emit("ask", () => {});
    expect(errors).toMatchObject([{ code: "ERR_TOO_MANY_ACKS" }]);
    await until(() => answers.length === 2, "two questions");
    for (const answer of answers) answer("yes");
    expect(await Promise.all([first, second])).toEqual(["yes", "yes"]);
    const third = socket.emitWithAck("ask");
    await until(() => answers.length === 3, "the third");
    answers[2]?.("again");
    expect(await third).toBe("again");
  });
});

describe("addresses", () => {
  it("may have so many sessions, over any transport, until one ends", async () => {
    const site = await serve({ limits: { maxSessionsPerAddress: 2 } });
    const first = await join(site);
    await join(site, "/", { transports: ["polling"] });
    const refused = await fetch(site.url + HANDSHAKE);
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { code: 4, message: "too many sessions of this address" },
    ]);
    await expect(openWire(site.port)).rejects.toThrow("429");
    const left = once(first.socket as never, "disconnect");
    first.client.disconnect();
    await left;
    await until(() => site.io.engine.clientsCount === 1, "the session to end");
    await join(site);
    expect(site.io.metrics().limitsExceeded).toEqual({ maxSessionsPerAddress: 2 });
  });

  it("may make so many handshakes within a second", async () => {
    const site = await serve({ limits: { maxHandshakesPerSecondPerAddress: 5 } });
    const all = await Promise.all(Array.from({ length: 12 }, () => fetch(site.url + HANDSHAKE)));
    const statuses = all.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(10);
    expect(statuses).toContain(429);
    let status = 429;
    while (status === 429) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      status = (await fetch(site.url + HANDSHAKE)).status;
    }
    expect(status).toBe(200);
  });

  it("are what the app says; a client of which it says nothing is not counted", async () => {
    const site = await serve({
      limits: { maxSessionsPerAddress: 1 },
      clientAddress: (req) => {
        const header = req.headers["x-client"];
        if (header === "boom") throw new Error("boom");
        return typeof header === "string" ? header : undefined;
      },
    });
    const errors: unknown[] = [];
    site.io.on("error" as never, ((error: unknown) => errors.push(error)) as never);
    const shake = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(site.url + HANDSHAKE, { headers })).status;
    const statuses: number[] = [];
    for (const name of ["a", "a", "b", "__proto__", "__proto__", "boom", "boom"]) {
      statuses.push(await shake({ "x-client": name }));
    }
    expect(statuses).toEqual([200, 429, 200, 200, 429, 200, 200]);
    expect([await shake({}), await shake({})]).toEqual([200, 200]);
    expect(errors.length).toBeGreaterThan(0);
  });
});

describe("a connection that stalls", () => {
  it("ends if the next attachment does not come, though it gives signs of life", async () => {
    const site = await serve({ pingInterval: 60, pingTimeout: 60 });
    const { wire } = await openSession(site.port);
    wire.send("40");
    await wire.nextMessage();
    const [socket] = [...site.io.sockets.sockets.values()] as [Socket];
    const left = once(socket as never, "disconnect");
    wire.send('451-["x",{"_placeholder":true,"num":0}]');
    const timer = setInterval(() => wire.send("6"), 10);
    const [reason, error] = await left;
    clearInterval(timer);
    expect([reason, (error as { code: string }).code]).toEqual(["parse error", "ERR_ATTACHMENT_LATE"]);
  });

  it("does not end for attachments that come slowly", async () => {
    const site = await serve({ pingInterval: 200, pingTimeout: 200 });
    const { wire } = await openSession(site.port);
    wire.ws.on("message", (data: Buffer) => String(data) === "2" && wire.ws.send("3"));
    wire.send("40");
    await wire.nextMessage();
    const [socket] = [...site.io.sockets.sockets.values()] as [Socket];
    const arrived = collect(socket as never, "x", 1);
    const places = Array.from({ length: 9 }, (_, num) => `{"_placeholder":true,"num":${num}}`);
    wire.send(`459-["x",${places}]`);
    for (let n = 0; n < 9; n++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      wire.send(Buffer.from([n]));
    }
    expect((await arrived)[0]).toHaveLength(9);
  });

  it("ends if a POST does not, by the session's own silence", async () => {
    const site = await serve({ pingInterval: 60, pingTimeout: 60 });
    const open = await (await fetch(site.url + HANDSHAKE)).text();
    const { sid } = JSON.parse(open.slice(1)) as { sid: string };
    const req = request(`${site.url}${HANDSHAKE}&sid=${sid}`, { method: "POST" });
    req.on("error", () => {});
    req.setHeader("Content-Length", "1000");
    req.write("4");
    await until(() => site.io.engine.clientsCount === 0, "the session to end");
    req.destroy();
  });
});

it("a limit that is no number is refused", () => {
  for (const value of [0, -1, Number.NaN, "5" as never]) {
    expect(() => new Server({ limits: { maxRoomsPerSocket: value } })).toThrow("maxRoomsPerSocket");
  }
});

it("a second client of an address is let in by default", async () => {
  const site = await serve();
  await Promise.all(Array.from({ length: 30 }, () => once(dial(site), "connect")));
});
