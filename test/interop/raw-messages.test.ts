// What engine.io documents for `send()` of its sockets, at both ends, over each transport: text and bytes of any kind arrive, in
// order; the rest is refused by the call itself. npm's ends are the control for what arrives.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { runInNewContext } from "node:vm";
import { Socket as OurClient } from "@sockeye/client/engine";
import { attach as attachOurs } from "@sockeye/server/engine";
import { attach as attachNpm } from "engine.io";
import { Socket as NpmClient } from "engine.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { until, within } from "../support/wait.js";

interface End {
  on(event: string, listener: (data: unknown) => void): unknown;
  send(data: unknown): unknown;
  close(): unknown;
  readonly readyState?: unknown;
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const SERVERS: Readonly<Record<string, (http: ReturnType<typeof createServer>) => End>> = {
  ours: (http) =>
    attachOurs(http, { transports: ["polling", "websocket", "sse", "stream"] }) as unknown as End,
  npm: (http) => attachNpm(http, {}) as unknown as End,
};
const CLIENTS: Readonly<Record<string, (url: string, transport: string) => End>> = {
  ours: (url, transport) => new OurClient(url, { transports: [transport] }) as unknown as End,
  npm: (url, transport) => new NpmClient(url, { transports: [transport] }) as unknown as End,
};

/** Both ends of one connection. */
async function pair(
  server: string,
  client: string,
  transport: string,
): Promise<{ server: End; client: End }> {
  const http = createServer();
  const engine = SERVERS[server]?.(http) as End;
  http.listen(0, "127.0.0.1");
  await new Promise((resolve) => http.once("listening", resolve));
  const accepted = new Promise<End>((resolve) => engine.on("connection", (socket) => resolve(socket as End)));
  const dialled = CLIENTS[client]?.(
    `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    transport,
  ) as End;
  ends.push(() => {
    dialled.close();
    engine.close();
    http.closeAllConnections();
    http.close();
  });
  const [there] = await within(
    Promise.all([accepted, new Promise((resolve) => dialled.on("open", resolve))]),
    "the connection",
  );
  return { server: there, client: dialled };
}

const floats = Float64Array.of(1.5, -2);
const OF_ANOTHER_REALM = runInNewContext(
  "({ view: Uint8Array.of(1, 2), buffer: Uint8Array.of(3, 4).buffer, floats: Float64Array.of(1.5) })",
) as Record<string, unknown>;

/** A message, and what arrives. */
const MESSAGES: readonly (readonly [title: string, sent: unknown, arrives: unknown])[] = [
  ["text", "a €", "a €"],
  ["an empty text", "", ""],
  ["a Buffer", Buffer.from([1, 2, 3]), [1, 2, 3]],
  ["a part of a Buffer", Buffer.from([0, 1, 2, 3]).subarray(1, 3), [1, 2]],
  ["an ArrayBuffer", Uint8Array.of(1, 2, 3).buffer, [1, 2, 3]],
  ["a Uint8Array", Uint8Array.of(9), [9]],
  ["a Float64Array", floats, [...new Uint8Array(floats.buffer)]],
  [
    "an Int32Array of five",
    Int32Array.of(1, 2, 3, 4, -1),
    [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 255, 255, 255, 255],
  ],
  [
    "a Uint16Array behind an offset",
    new Uint16Array(Uint8Array.of(0, 0, 7, 0, 8, 0).buffer, 2, 2),
    [7, 0, 8, 0],
  ],
  ["a DataView", new DataView(Uint8Array.of(5, 6, 7).buffer, 1, 2), [6, 7]],
  ["20,000 bytes in a DataView", new DataView(new ArrayBuffer(20_000)), Array(20_000).fill(0)],
  ["no bytes", new Uint8Array(0), []],
];
const FOREIGN: typeof MESSAGES = [
  ["a view of another realm", OF_ANOTHER_REALM["view"], [1, 2]],
  ["a buffer of another realm", OF_ANOTHER_REALM["buffer"], [3, 4]],
  ["floats of another realm", OF_ANOTHER_REALM["floats"], [...new Uint8Array(Float64Array.of(1.5).buffer)]],
];

/** What is neither. */
const REFUSED: readonly (readonly [title: string, sent: unknown])[] = [
  ["a number", 42],
  ["1, which would be a CLOSE packet", 1],
  ["null", null],
  ["undefined", undefined],
  ["true", true],
  ["an object", { a: 1 }],
  ["an array", [1, 2]],
  ["a BigInt", 1n],
  ["a Symbol", Symbol("s")],
  ["a function", () => {}],
  ["a shared buffer", new SharedArrayBuffer(2)],
];

function plain(data: unknown): unknown {
  // npm's ends show an empty text as `undefined`.
  if (typeof data === "string" || data === undefined) return data ?? "";
  return [...(data instanceof ArrayBuffer ? new Uint8Array(data) : (data as Uint8Array))];
}

const PAIRS: readonly (readonly [server: string, client: string, transports: readonly string[]])[] = [
  ["ours", "ours", ["polling", "websocket", "stream"]],
  ["ours", "npm", ["polling", "websocket"]],
  ["npm", "ours", ["polling", "websocket"]],
  ["npm", "npm", ["polling", "websocket"]],
];
const ROWS = PAIRS.flatMap(([server, client, transports]) =>
  transports.map((transport) => ({ server, client, transport })),
);

describe.each(ROWS)("server $server, client $client, over $transport", ({ server, client, transport }) => {
  it.each(["server", "client"] as const)("what the %s sends arrives, in order", async (side) => {
    const both = await pair(server, client, transport);
    const [from, to] = side === "server" ? [both.server, both.client] : [both.client, both.server];
    const isOurs = (side === "server" ? server : client) === "ours";
    const messages = [...MESSAGES, ...(isOurs ? FOREIGN : [])];
    const got: unknown[] = [];
    to.on("message", (data) => got.push(plain(data)));
    for (const [, sent] of messages) {
      from.send(sent);
      from.send("after");
    }
    await until(() => got.length === 2 * messages.length, "all messages");
    expect(got).toEqual(messages.flatMap(([, , arrives]) => [arrives, "after"]));
  });
});

describe.each(ROWS.filter((row) => row.server === "ours" || row.client === "ours"))(
  "server $server, client $client, over $transport",
  ({ server, client, transport }) => {
    it.each(["server", "client"] as const)("what the %s cannot send is refused at once", async (side) => {
      if ((side === "server" ? server : client) !== "ours") return;
      const both = await pair(server, client, transport);
      const [from, to] = side === "server" ? [both.server, both.client] : [both.client, both.server];
      const got: unknown[] = [];
      to.on("message", (data) => got.push(data));
      for (const [, sent] of REFUSED) {
        expect(() => from.send(sent)).toThrow(expect.objectContaining({ code: "ERR_UNENCODABLE" }));
      }
      from.send("after");
      await until(() => got.length > 0, "the message behind");
      expect(got).toEqual(["after"]);
    });
  },
);

describe("Blobs", () => {
  it.each(["polling", "websocket"])(
    "a client sends them over %s, and what comes after waits",
    async (transport) => {
      const { server, client } = await pair("ours", "ours", transport);
      const got: unknown[] = [];
      server.on("message", (data) => got.push(plain(data)));
      client.send(new Blob([Uint8Array.of(1, 2)]));
      client.send("after");
      client.send(new Blob(["x"]));
      await until(() => got.length === 3, "all messages");
      expect(got).toEqual([[1, 2], "after", [120]]);
    },
  );

  it("a server refuses them", async () => {
    const { server } = await pair("ours", "ours", "websocket");
    expect(() => server.send(new Blob(["x"]))).toThrow(expect.objectContaining({ code: "ERR_UNENCODABLE" }));
  });
});
