import { ownText } from "@sockeye/engine/server";
import { describe, expect, it } from "vitest";
import { usedBytes } from "../../../test/support/memory.js";
import { http, openPoller, openSession, openWire } from "../../../test/support/rawsocket.js";
import { turn, until } from "../../../test/support/wait.js";
import type { ServerOptions } from "../src/index.js";
import { rateLimit } from "../src/index.js";
import { atEnd, serve } from "./site.js";

const MEGABYTE = "x".repeat(900_000);
const COUNT = 40;

/** The bytes that stay of what an act has brought. */
async function left(act: () => Promise<void>): Promise<number> {
  const before = await usedBytes();
  await act();
  await turn();
  return (await usedBytes()) - before;
}

describe("a copy", () => {
  it.each([
    "",
    "/short",
    "/a name of more than twelve",
    "/größe-größe-größe",
    "/大小大小大小大小大小",
    `/${"\ud800"} half of a pair`,
  ])("is the same text: %j", (text) => {
    expect(ownText(text)).toBe(text);
  });
});

describe("names of namespaces do not keep the packets that they came with", () => {
  const names = (n: number): string => `/rooms/room-number-${n}`;

  /** As large as what a client may say about itself; white space in it becomes nothing. */
  const SMALL = 15_000;
  const MANY = 600;
  const limits = { maxNamespacesPerConnection: MANY + 1 };

  const ways: readonly (readonly [string, ServerOptions, (port: number) => Promise<void>])[] = [
    [
      "over WebSocket",
      { limits },
      async (port) => {
        const { wire } = await openSession(port);
        atEnd(() => wire.end());
        for (let n = 0; n < MANY; n++) wire.send(`40${names(n)},{"a":1${" ".repeat(SMALL)}}`);
        for (let n = 0; n < MANY; n++) await wire.nextMessage();
      },
    ],
    [
      "by polling, with other packets in the body",
      { transports: ["polling"] },
      async (port) => {
        const poller = await openPoller(port);
        for (let n = 0; n < COUNT; n++) {
          await poller.post(`40${names(n)},\x1e42${names(n)},["e","${MEGABYTE}"]`);
        }
      },
    ],
    [
      "of revision 3, with a query behind them",
      { allowEIO3: true, limits },
      async (port) => {
        const { wire } = await openSession(port, 3);
        atEnd(() => wire.end());
        for (let n = 0; n < MANY; n++) wire.send(`40${names(n)}?a=1${"&".repeat(SMALL)}`);
        for (let n = 0; n < MANY; n++) await wire.nextMessage();
      },
    ],
  ];

  it.each(ways)("of namespaces that were made for them: %s", async (_name, options, join) => {
    const { io, port } = await serve(options);
    io.of(/^\/rooms\//);
    expect(await left(() => join(port))).toBeLessThan(5_000_000);
    expect(io._nsps.size).toBeGreaterThan(COUNT);
  });

  it.each(ways)("of namespaces that are there: %s", async (_name, options, join) => {
    const { io, port } = await serve(options);
    for (let n = 0; n < MANY; n++) io.of(names(n));
    expect(await left(() => join(port))).toBeLessThan(5_000_000);
  });

  it("while middlewares decide", async () => {
    const { io, port } = await serve({ limits });
    let deciding = 0;
    for (let n = 0; n < MANY; n++) io.of(names(n)).use((_socket, _next) => void deciding++);
    const bytes = await left(async () => {
      const { wire } = await openSession(port);
      atEnd(() => wire.end());
      for (let n = 0; n < MANY; n++) wire.send(`40${names(n)},{"a":1${" ".repeat(SMALL)}}`);
      await until(() => deciding === MANY, "all to be decided about");
    });
    expect(bytes).toBeLessThan(5_000_000);
  });
});

describe("what an app keeps of a packet does not keep the packet", () => {
  it.each<[string, (kept: unknown[], args: unknown[]) => void]>([
    ["the name of an event", (kept, [event]) => kept.push(event)],
    ["a text", (kept, [, text]) => kept.push(text)],
    ["a key", (kept, [, , object]) => kept.push(Object.keys(object as object)[0])],
  ])("%s", async (_name, keep) => {
    const { io, port } = await serve();
    const kept: unknown[] = [];
    io.on("connection", (socket) => socket.onAny((...args: unknown[]) => keep(kept, args)));
    const bytes = await left(async () => {
      const { wire } = await openSession(port);
      atEnd(() => wire.end());
      wire.send("40");
      for (let n = 0; n < COUNT; n++) {
        const event = [
          `an event with the number ${n}`,
          `a text with the number ${n}`,
          { [`a key of the number ${n}`]: 1 },
          MEGABYTE,
        ];
        wire.send(`42${JSON.stringify(event)}`);
      }
      await until(() => kept.length === COUNT, "all events");
    });
    expect(bytes).toBeLessThan(6_000_000);
  });

  it("auth of revision 3, which stands in a query behind the name of its namespace", async () => {
    const { io, port } = await serve({ allowEIO3: true });
    io.of(/^\/rooms\//);
    const target = "/socket.io/?EIO=3&transport=polling";
    const { body } = await http(port, { target });
    const { sid } = JSON.parse(/\{.*?\}/.exec(body)?.[0] ?? "") as { sid: string };
    const headers = { "Content-Type": "text/plain;charset=UTF-8" };
    const event = `42["e","${MEGABYTE}"]`;
    const bytes = await left(async () => {
      for (let n = 0; n < COUNT; n++) {
        const connect = `40/rooms/room-number-${n}?token=the-token-of-number-${n},`;
        const answer = await http(port, {
          method: "POST",
          target: `${target}&sid=${sid}`,
          headers,
          body: `${connect.length}:${connect}${event.length}:${event}`,
        });
        expect(answer.status).toBe(200);
      }
    });
    expect(io._nsps.size).toBeGreaterThan(COUNT);
    expect(bytes).toBeLessThan(5_000_000);
  });

  it("the address of a client that has left, which stood in a long header", async () => {
    const { io, port } = await serve({
      clientAddress: ({ headers }) => `${headers["x-forwarded-for"]}`.split(",").at(-1)?.trim(),
    });
    io.use(rateLimit({ points: 2, perMs: 1e6 }));
    io.on("connection", (socket) => socket.on("e", () => {}));
    const others = "9".repeat(12_000);
    const bytes = await left(async () => {
      for (let n = 0; n < 500; n++) {
        const address = `192.168.${100 + (n >> 7)}.${100 + (n & 127)}`;
        const wire = await openWire(port, undefined, {
          headers: { "X-Forwarded-For": `${others}, ${address}` },
        });
        await wire.next("OPEN");
        wire.send("40");
        await wire.nextMessage();
        wire.send('42["e"]');
        wire.send("1");
        wire.end();
      }
      await until(() => io.engine.clientsCount === 0, "all clients to leave");
    });
    expect(bytes).toBeLessThan(4_000_000);
  });

  it("a value of the query", async () => {
    const { io, port } = await serve();
    const kept: unknown[] = [];
    io.on(
      "connection",
      (socket) => void kept.push(socket.handshake.query["token"], socket.handshake.headers["x-token"]),
    );
    const bytes = await left(async () => {
      for (let n = 0; n < 100; n++) {
        const poller = await openPoller(
          port,
          `EIO=4&transport=polling&token=the-token-of-number-${n}&more=${"x".repeat(12_000)}`,
        );
        await poller.post("40");
        await poller.post("1");
      }
      await until(() => kept.length === 200 && io.engine.clientsCount === 0, "all clients");
    });
    expect(bytes).toBeLessThan(1_000_000);
  });
});
