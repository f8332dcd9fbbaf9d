import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { createMsgpackCodec as clientMsgpack } from "@sockeye/client/msgpack";
import { createMsgpackCodec as serverMsgpack } from "@sockeye/server/msgpack";
import type { Server, Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import {
  type ClientName,
  loadClient,
  optionsFor,
  type ServerName,
  type Site,
  serverHalf,
  settled,
  startSite,
  WAYS,
  type Way,
} from "../support/servers.js";
import { once } from "../support/wait.js";

// Custom parsers, ours and those of npm, at both ends and across.

const npmMsgpack: unknown = createRequire(import.meta.url)("socket.io-msgpack-parser");

/** JSON without attachments, as its users write such parsers. */
class Encoder {
  encode(packet: unknown): string[] {
    return [JSON.stringify(packet)];
  }
}

class Decoder extends EventEmitter {
  add(chunk: string): void {
    const packet: unknown = JSON.parse(chunk);
    this.emit("decoded", packet);
  }
  destroy(): void {}
}

interface Pairing {
  readonly title: string;
  readonly server: ServerName;
  readonly client: ClientName;
  readonly parsers: readonly [server: unknown, client: unknown];
  /** Does the format know bytes and dates? */
  readonly rich: boolean;
}

const JSON_PARSER = { Encoder, Decoder };

function across(title: string, parsers: Pairing["parsers"], rich: boolean): Pairing[] {
  return [{ title: `sockeye → sockeye: ${title}`, server: "sockeye", client: "sockeye", parsers, rich }];
}

const PAIRINGS: readonly Pairing[] = [
  ...across("our MessagePack", [serverMsgpack(), clientMsgpack()], true),
  ...across("npm's MessagePack", [npmMsgpack, npmMsgpack], true),
  ...across("ours, and npm's at the client", [serverMsgpack(), npmMsgpack], true),
  ...across("JSON", [JSON_PARSER, JSON_PARSER], false),
  ...(
    [
      ["our MessagePack", serverMsgpack(), npmMsgpack, true],
      ["npm's MessagePack", npmMsgpack, npmMsgpack, true],
      ["JSON", JSON_PARSER, JSON_PARSER, false],
    ] as const
  ).flatMap(([title, own, stock, rich]): Pairing[] => [
    {
      title: `socket.io-client 4 → sockeye: ${title}`,
      server: "sockeye",
      client: "socket.io-client 4",
      parsers: [own, stock],
      rich,
    },
    {
      title: `sockeye → socket.io 4: ${title}`,
      server: "socket.io 4",
      client: "sockeye",
      parsers: [stock, own],
      rich,
    },
  ]),
  {
    title: "socket.io-client 4 → socket.io 4: npm's MessagePack",
    server: "socket.io 4",
    client: "socket.io-client 4",
    parsers: [npmMsgpack, npmMsgpack],
    rich: true,
  },
];

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Both {
  readonly io: Server;
  readonly site: Site;
  readonly client: ClientSocket;
  readonly socket: Socket;
}

async function meet(pairing: Pairing, way: Way, options: Record<string, unknown> = {}): Promise<Both> {
  const site = await startSite(pairing.server, { ...options, parser: pairing.parsers[0] } as never);
  ends.push(() => site.end());
  site.io.of("/refused").use((_socket, next) => {
    next(Object.assign(new Error("not you"), { data: { code: 7 } }));
  });
  const { io } = await loadClient(pairing.client);
  const client = io(site.url, {
    ...optionsFor(way),
    parser: pairing.parsers[1],
    auth: { token: "ü" },
  } as never);
  ends.push(() => client.disconnect());
  await once(client, "connect");
  const socket = await serverHalf(site, client);
  await settled(socket, way);
  return { io: site.io, site, client, socket };
}

describe.each(PAIRINGS)("$title", (pairing) => {
  const bytes = pairing.rich ? Buffer.from([1, 2, 255]) : [1, 2, 255];

  it.each(WAYS)("carries events, answers, rooms and refusals over %s", async (way) => {
    const { io, client, socket } = await meet(pairing, way);
    expect(socket.handshake.auth).toEqual({ token: "ü" });
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard = once(to, "e");
      from.emit("e", "ü€😀", bytes, { deep: [bytes, null, -1.5, true] });
      expect(await heard).toEqual(["ü€😀", bytes, { deep: [bytes, null, -1.5, true] }]);
      to.on("q", (n: number, answer: (...args: unknown[]) => void) => answer(n + 1, bytes));
      const answered = await new Promise<unknown[]>((resolve) => {
        from.emit("q", 41, (...args: unknown[]) => resolve(args));
      });
      expect(answered).toEqual([42, bytes]);
    }
    socket.join("room");
    const broadcast = once(client, "all");
    io.to("room").emit("all", bytes);
    expect(await broadcast).toEqual([bytes]);
    const [error] = await once(client.io.socket("/refused"), "connect_error");
    expect(error).toMatchObject({ message: "not you", data: { code: 7 } });
    const gone = once(client, "disconnect");
    socket.disconnect();
    expect((await gone)[0]).toBe("io server disconnect");
  });
});

describe("our MessagePack beside npm's", () => {
  it.each<[string, Pairing["parsers"]]>([
    ["ours", [serverMsgpack(), clientMsgpack()]],
    ["npm's at the client", [serverMsgpack(), npmMsgpack]],
    ["npm's at the server", [npmMsgpack, clientMsgpack()]],
  ])("keeps dates and undefined (%s)", async (_title, parsers) => {
    const pairing: Pairing = { title: "", server: "sockeye", client: "sockeye", parsers, rich: true };
    const { client, socket } = await meet(pairing, "websocket");
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard = once(to, "e");
      from.emit("e", new Date(1_700_000_000_123), undefined, [undefined], 2 ** 40);
      expect(await heard).toEqual([new Date(1_700_000_000_123), undefined, [undefined], 2 ** 40]);
    }
  });

  it.each<[string, unknown, unknown]>([
    ["text at MessagePack", serverMsgpack(), undefined],
    ["MessagePack at text", undefined, clientMsgpack()],
    ["text at a parser that throws", npmMsgpack, undefined],
  ])("refuses a client with another format: %s", async (_title, server, parser) => {
    const site = await startSite("sockeye", (server === undefined ? {} : { parser: server }) as never);
    ends.push(() => site.end());
    const reasons: unknown[] = [];
    site.io.engine.on(
      "connection",
      (conn: { on(event: "close", listener: (reason: string) => void): void }) => {
        conn.on("close", (reason) => reasons.push(reason));
      },
    );
    const { io } = await loadClient("sockeye");
    const options = { ...optionsFor("websocket"), reconnection: false };
    const client = io(site.url, (parser === undefined ? options : { ...options, parser }) as never);
    ends.push(() => client.disconnect());
    const closed = once(client.io, "close");
    await closed;
    expect([client.connected, reasons]).toEqual([false, ["parse error"]]);
  });
});
