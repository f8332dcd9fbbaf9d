import type { Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { CountedClient, RAW_TRANSPORTS, type RawTransport } from "../../../test/support/counted.js";
import { once, until } from "../../../test/support/wait.js";
import { atEnd, type Site, serve } from "./site.js";

const ALL = ["polling", "websocket", "sse", "stream", "iframe", "jsonp"];

/** A client in `/`, and the server's half of it. */
async function joined(
  site: Site,
  transport: RawTransport = "websocket",
): Promise<{ client: CountedClient; socket: Socket }> {
  const connected = once(site.io, "connection");
  const client = await CountedClient.open(site.port, transport);
  atEnd(() => client.cut());
  await client.send("0");
  const [socket] = (await connected) as [Socket];
  await client.received(1);
  return { client, socket };
}

async function suspend({ client, socket }: { client: CountedClient; socket: Socket }): Promise<void> {
  client.cut();
  await until(() => socket.conn.suspended, "the session to be suspended");
}

describe("a client that claims its session goes on", () => {
  const pairs = RAW_TRANSPORTS.flatMap((from) => RAW_TRANSPORTS.map((to) => [from, to] as const));

  it.each(pairs)("from %s over %s", async (from, to) => {
    const site = await serve({ transports: ALL });
    const half = await joined(site, from);
    const { client, socket } = half;
    const heard: unknown[] = [];
    socket.onAny((...args) => heard.push(args));
    await client.send('2["a"]');
    socket.emit("one", 1);
    await client.received(2);
    await suspend(half);
    socket.emit("two", Buffer.from("bytes"));
    client.sent.push('42["lost"]');
    expect((await client.claim(to)).first).toMatch(to === "websocket" ? /^0\{/ : /^ok$/);
    socket.emit("three");
    expect(await client.received(5)).toEqual([
      expect.stringMatching(/^0\{"sid"/),
      '2["one",1]',
      '51-["two",{"_placeholder":true,"num":0}]',
      Buffer.from("bytes"),
      '2["three"]',
    ]);
    await client.send('2["b"]');
    await until(() => heard.length >= 3, "what the client sent");
    expect(heard).toEqual([["a"], ["lost"], ["b"]]);
    expect(socket.conn.transport.name).toBe(to === "jsonp" ? "polling" : to);
    expect(socket.connected).toBe(true);
  });
});
