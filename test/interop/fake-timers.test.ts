// The tests of an app put fakes in the place of timers. What a connection needs goes on all the same, and afterwards all is as it was.
import type { Server } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type ClientName, loadClient, type ServerName, type Site, startSite } from "../support/servers.js";

const sites: Site[] = [];
const clients: ClientSocket[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const client of clients.splice(0)) client.disconnect();
  for (const site of sites.splice(0)) await site.end();
});

const { setTimeout: later } = globalThis;

/** Not by a timer that is faked. */
function soon<T>(promise: Promise<T>): Promise<T | "HANGS"> {
  return Promise.race([promise, new Promise<"HANGS">((resolve) => later(resolve, 3000, "HANGS"))]);
}

async function serve(name: ServerName): Promise<Site> {
  const site = await startSite(name);
  sites.push(site);
  (site.io as Server).on("connection", (socket) =>
    socket.on("ask", (value: number, ack: (value: number) => void) => ack(value + 1)),
  );
  return site;
}

type Fakes = NonNullable<Parameters<typeof vi.useFakeTimers>[0]>["toFake"];
const FAKES: readonly (readonly [title: string, toFake: Fakes])[] = [
  ["Vitest's default", undefined],
  ["Sinon's", ["setTimeout", "setInterval", "setImmediate", "Date", "queueMicrotask", "performance"]],
  ["some", ["setTimeout", "setInterval", "setImmediate", "Date"]],
];
const PAIRS: readonly (readonly [ServerName, ClientName])[] = [
  ["sockeye", "sockeye"],
  ["sockeye", "socket.io-client 4"],
  ["socket.io 4", "sockeye"],
  ["socket.io 4", "socket.io-client 4"],
];
const ROWS = PAIRS.flatMap(([server, client]) =>
  FAKES.flatMap(([fakes, toFake]) =>
    // npm's client polls by a timer, and hangs with npm's server, too.
    (client === "sockeye" ? ["websocket", "polling"] : ["websocket"]).flatMap((transport) =>
      [true, false].map((native) => ({ server, client, fakes, toFake, transport, native })),
    ),
  ),
);

describe.each(ROWS)("$server, $client, $transport, fakes: $fakes, useNativeTimers: $native", (row) => {
  const options = { transports: [row.transport], forceNew: true, useNativeTimers: row.native };

  async function dial(url: string): Promise<ClientSocket> {
    const { io } = await loadClient(row.client);
    const client = io(url, options);
    clients.push(client);
    return client;
  }
  const connected = (client: ClientSocket): Promise<unknown> =>
    new Promise((resolve) => client.once("connect", () => resolve("connected")));
  const ask = (client: ClientSocket, value: number): Promise<unknown> => client.emitWithAck("ask", value);

  it("connects, answers and broadcasts before, while they are in use, and after", async () => {
    const site = await serve(row.server);
    const first = await dial(site.url);
    expect(await soon(connected(first))).toBe("connected");
    expect(await soon(ask(first, 1))).toBe(2);

    vi.useFakeTimers(row.toFake ? { toFake: row.toFake } : {});
    expect(await soon(ask(first, 2))).toBe(3);
    const second = await dial(site.url);
    expect(await soon(connected(second))).toBe("connected");
    const heard = Promise.all(
      [first, second].map((client) => new Promise((resolve) => client.once("news", resolve))),
    );
    site.io.emit("news", 7);
    expect(await soon(heard)).toEqual([7, 7]);

    vi.useRealTimers();
    expect(await soon(ask(first, 3))).toBe(4);
    expect(await soon(ask(second, 4))).toBe(5);
    const third = await dial(site.url);
    expect(await soon(connected(third))).toBe("connected");
    expect(await soon(ask(third, 5))).toBe(6);
  });
});

describe("a wait of the app's own", () => {
  it("ends when its test says so", async () => {
    const site = await serve("sockeye");
    const { io } = await loadClient("sockeye");
    const client = io(site.url, { transports: ["websocket"], forceNew: true });
    clients.push(client);
    await new Promise((resolve) => client.once("connect", () => resolve(undefined)));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answer = client.timeout(60_000).emitWithAck("nobody");
    const theirs = site.io.timeout(60_000).emitWithAck("nobody");
    const ends = Promise.allSettled([answer, theirs]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await ends).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
