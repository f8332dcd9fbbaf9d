// The engine by itself, without Socket.IO on it: ours and npm's, each as server and as client.
import type { AddressInfo } from "node:net";
import * as ourClient from "@sockeye/client/engine";
import * as ourServer from "@sockeye/server/engine";
import * as stockServer from "engine.io";
import * as stockClient from "engine.io-client";
import { afterEach, describe, expect, test } from "vitest";
import { once, until } from "../support/wait.js";

/** What both packages have, as far as it is used here. */
interface Peer {
  readonly id: string;
  readonly readyState: string;
  readonly transport: { readonly name: string };
  on(event: string, listener: (...args: never[]) => void): unknown;
  once(event: string, listener: (...args: never[]) => void): unknown;
  send(data: unknown, ...rest: unknown[]): unknown;
  write(data: unknown, ...rest: unknown[]): unknown;
  close(): unknown;
}
interface DialledPeer extends Peer {
  binaryType: string;
}
interface Engine {
  readonly clientsCount: number;
  readonly clients: Record<string, Peer>;
  readonly httpServer?: {
    address(): AddressInfo | string | null;
    close(): unknown;
    closeAllConnections(): void;
  };
  on(event: "connection", listener: (socket: Peer) => void): unknown;
  close(): unknown;
}

const SERVERS = { sockeye: ourServer, npm: stockServer } as unknown as Record<
  string,
  { readonly protocol: number; listen(port: number, options: object, done: () => void): Engine }
>;
const CLIENTS = { sockeye: ourClient, npm: stockClient } as unknown as Record<
  string,
  { readonly protocol: number; readonly Socket: new (uri: string, options?: object) => DialledPeer }
>;
const PAIRS = Object.keys(SERVERS).flatMap((server) =>
  Object.keys(CLIENTS).flatMap((client) =>
    ["polling", "websocket"].map((transport) => ({ server, client, transport })),
  ),
);

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

async function serve(name: string, options: object = {}): Promise<{ engine: Engine; url: string }> {
  const { engine, port } = await new Promise<{ engine: Engine; port: number }>((resolve) => {
    const made: Engine | undefined = SERVERS[name]?.listen(0, options, () => {
      const engine = made as Engine;
      const { port } = (engine.httpServer?.address() ?? { port: 0 }) as AddressInfo;
      resolve({ engine, port });
    });
  });
  ends.push(() => {
    engine.close();
    engine.httpServer?.close();
    engine.httpServer?.closeAllConnections();
  });
  return { engine, url: `ws://127.0.0.1:${port}` };
}

function dial(name: string, url: string, options: object): DialledPeer {
  const Socket = CLIENTS[name]?.Socket as new (uri: string, options: object) => DialledPeer;
  const socket = new Socket(url, options);
  socket.on("error", () => {});
  ends.push(() => void socket.close());
  return socket;
}

async function pair(names: { server: string; client: string; transport: string }) {
  const { engine, url } = await serve(names.server);
  const accepted = new Promise<Peer>((resolve) => engine.on("connection", resolve));
  const dialled = dial(names.client, url, { transports: [names.transport] });
  await once(dialled as never, "open");
  return { engine, url, accepted: await accepted, dialled };
}

function collect(peer: Peer): unknown[] {
  const got: unknown[] = [];
  peer.on("message", (data: unknown) => got.push(data));
  return got;
}

describe.each(PAIRS)("an engine of $server, dialled by $client over $transport", (names) => {
  test("carries text and bytes both ways, in order", async () => {
    const { engine, accepted, dialled } = await pair(names);
    expect(dialled.id).toBe(accepted.id);
    expect([accepted.readyState, dialled.readyState]).toEqual(["open", "open"]);
    expect(engine.clientsCount).toBe(1);
    expect(Object.keys(engine.clients)).toEqual([accepted.id]);
    expect(engine.clients[accepted.id]).toBe(accepted);
    const up = collect(accepted);
    const down = collect(dialled);
    for (const [from, to] of [
      [accepted, down],
      [dialled, up],
    ] as const) {
      from.send("one");
      from.write(Buffer.from([1, 2, 3]));
      from.send("€ \u2028 \u{1f40b}\r\n");
      await until(() => to.length === 3, "three messages");
      expect(to).toEqual(["one", Buffer.from([1, 2, 3]), "€ \u2028 \u{1f40b}\r\n"]);
    }
  });

  test("tells when a message has left", async () => {
    const { accepted, dialled } = await pair(names);
    for (const peer of [accepted, dialled]) {
      await new Promise((resolve) => peer.send("with a callback", resolve as never));
      await new Promise((resolve) => peer.send("and options", { compress: false }, resolve as never));
    }
  });

  test("ends on both sides, whoever closes", async () => {
    const first = await pair(names);
    const clientHeard = once(first.dialled as never, "close");
    first.accepted.close();
    expect((await clientHeard)[0]).toBe("transport close");
    const second = await pair(names);
    const serverHeard = once(second.accepted as never, "close");
    second.dialled.close();
    expect((await serverHeard)[0]).toBe("transport close");
    expect(second.engine.clientsCount).toBe(0);
  });

  test("gives bytes in the form that was asked for", async () => {
    const { accepted, dialled } = await pair(names);
    dialled.binaryType = "arraybuffer";
    const got = collect(dialled);
    accepted.send(Buffer.from([7, 8]));
    await until(() => got.length === 1, "the bytes");
    expect(got[0]).toBeInstanceOf(ArrayBuffer);
    expect(Buffer.from(got[0] as ArrayBuffer)).toEqual(Buffer.from([7, 8]));
  });
});

describe.each(Object.keys(SERVERS))("the engine of %s", (name) => {
  test("speaks revision 4", () => expect(SERVERS[name]?.protocol).toBe(4));

  test("answers nothing but itself, with 501", async () => {
    const { url } = await serve(name);
    const { status, ok } = await fetch(url.replace("ws", "http"));
    expect({ status, ok }).toEqual({ status: 501, ok: false });
  });

  test("takes clients of revision 3 if it may", async () => {
    const { engine, url } = await serve(name, { allowEIO3: true });
    const accepted = new Promise<Peer>((resolve) => engine.on("connection", resolve));
    const response = await fetch(`${url.replace("ws", "http")}/engine.io/?EIO=3&transport=polling`);
    expect(await response.text()).toMatch(/^\d+:0\{/);
    expect((await accepted).readyState).toBe("open");
  });
});

describe.each(Object.keys(CLIENTS))("a client of %s", (name) => {
  test("speaks revision 4", () => expect(CLIENTS[name]?.protocol).toBe(4));

  test("says so if there is no server", async () => {
    const { engine, url } = await serve("sockeye");
    engine.httpServer?.close();
    const socket = dial(name, url, { transports: ["websocket"] });
    const [reason] = await once(socket as never, "close");
    expect(reason).toBe("transport error");
    expect(socket.readyState).toBe("closed");
  });

  test("takes host, port and path from its options, too", async () => {
    const { engine, url } = await serve("npm", { path: "/other" });
    const { port } = new URL(url);
    const Socket = CLIENTS[name]?.Socket as unknown as new (options: object) => DialledPeer;
    const socket = new Socket({ hostname: "127.0.0.1", port, path: "/other", transports: ["websocket"] });
    ends.push(() => void socket.close());
    await once(socket as never, "open");
    expect(engine.clientsCount).toBe(1);
  });
});
