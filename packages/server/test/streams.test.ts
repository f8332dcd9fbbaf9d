import type { Server } from "@sockeye/server";
import { describe, expect, it, vi } from "vitest";
import { openWire, http as request } from "../../../test/support/rawsocket.js";
import { type OpenStream, openStream } from "../../transport/test/server/stream-client.js";
import { type Site, serve } from "./site.js";

// Sessions over the transports that Socket.IO does not have, spoken by hand.

interface Open {
  readonly sid: string;
  readonly upgrades: readonly string[];
}

const pathOf = (name: string): string => `/socket.io/?EIO=4&transport=${name}&b64=1&c=1`;

/** The OPEN packet, whatever is around it. */
async function openOf(stream: OpenStream): Promise<Open> {
  await stream.until("maxPayload");
  const found = /\{\\*"sid.*?\}/.exec(stream.body);
  return JSON.parse((found?.[0] ?? "").replaceAll("\\", "")) as Open;
}

async function session(
  site: Site,
  name: string,
): Promise<{ stream: OpenStream; open: Open; target: string }> {
  const stream = await openStream(site.port, pathOf(name));
  const open = await openOf(stream);
  return { stream, open, target: `${pathOf(name)}&sid=${open.sid}` };
}

const post = (site: Site, target: string, body: string) =>
  request(site.port, { method: "POST", target, body });

async function quiet(io: Server): Promise<void> {
  await vi.waitFor(() => expect([io.engine.clientsCount, io.sockets.sockets.size]).toEqual([0, 0]));
}

describe.each(["sse", "stream", "iframe"])("a session over %s", (name) => {
  it("carries events both ways and ends when its reader goes", async () => {
    const site = await serve();
    const reasons: string[] = [];
    site.io.on("connection", (socket) => {
      socket.on("ask", (text: string, answer: (text: string) => void) => answer(`${text}!`));
      socket.on("disconnect", (reason) => reasons.push(reason));
    });
    const { stream, open, target } = await session(site, name);
    expect(open.upgrades).toEqual(["websocket"]);
    expect((await post(site, target, "40")).status).toBe(200);
    await stream.until("40{");
    await post(site, target, '420["ask","hi"]');
    await stream.until("430[");
    expect(stream.body.replaceAll("\\", "")).toContain('430["hi!"]');
    site.io.emit("all", "</script>%\n");
    await stream.until("all");
    expect([...site.io.sockets.sockets.values()][0]?.conn.transport?.name).toBe(name);
    stream.abort();
    await quiet(site.io);
    expect(reasons).toEqual(["transport close"]);
  });

  it("moves to a WebSocket, and loses nothing on the way", async () => {
    const site = await serve();
    const { stream, open, target } = await session(site, name);
    await post(site, target, "40");
    await stream.until("40{");
    const wire = await openWire(site.port, `EIO=4&transport=websocket&sid=${open.sid}`);
    wire.send("2probe");
    expect(await wire.next()).toBe("3probe");
    // The session releases the stream; what is sent now waits for the one or the other.
    expect(await stream.ended()).toContain("6end");
    site.io.emit("between");
    wire.send("5");
    expect(await wire.nextMessage()).toBe('42["between"]');
    expect((await request(site.port, { target })).body).toContain('"code":3');
    expect([...site.io.sockets.sockets.values()][0]?.conn.transport?.name).toBe("websocket");
    wire.send("1");
    await quiet(site.io);
  });

  it("goes on when the upgrade fails", async () => {
    const site = await serve();
    const { stream, open, target } = await session(site, name);
    await post(site, target, "40");
    await stream.until("40{");
    const wire = await openWire(site.port, `EIO=4&transport=websocket&sid=${open.sid}`);
    wire.send("2probe");
    await stream.ended();
    wire.send("4what");
    await wire.closed;
    const next = await openStream(site.port, target);
    site.io.emit("after");
    await next.until("after");
    next.abort();
    await quiet(site.io);
  });

  it("is told when the server closes", async () => {
    const site = await serve();
    const { stream } = await session(site, name);
    await site.io.close();
    await stream.ended();
    expect(stream.state).toBe("whole");
    await quiet(site.io);
  });
});

it("the options of streams reach the transports", async () => {
  const site = await serve({ streams: { recycleBytes: 1 } });
  const { stream } = await session(site, "sse");
  expect(await stream.ended()).toContain("6end");
  await expect(serve({ streams: { recycleBytes: -1 } })).rejects.toMatchObject({ code: "ERR_BAD_OPTION" });
});

it("what stock clients are told is what it was", async () => {
  for (const [transports, expected] of [
    [undefined, ["websocket"]],
    [["polling", "sse", "stream", "iframe"], []],
  ] as const) {
    const site = await serve(transports === undefined ? {} : { transports });
    const { body } = await request(site.port, { target: "/socket.io/?EIO=4&transport=polling" });
    expect((JSON.parse(body.slice(1)) as Open).upgrades).toEqual(expected);
    const { open, stream } = await session(site, "sse");
    expect(open.upgrades).toEqual(expected);
    stream.abort();
  }
});
