import { describe, expect, it } from "vitest";
import { joinMain, openSession, type Wire } from "../../../test/support/rawsocket.js";
import { once, until } from "../../../test/support/wait.js";
import { atEnd, serve } from "./site.js";

// What the protocol forbids, packet by packet, from peers that know nothing of Socket.IO.

/** The socket of a raw client that has joined the main namespace. */
async function joined(options: Parameters<typeof serve>[0] = {}) {
  const site = await serve(options);
  for (const name of ["/x", "/y", "/z"]) site.io.of(name);
  const { wire, sid } = await joinMain(site.port);
  atEnd(() => wire.end());
  const socket = site.io.sockets.sockets.get(sid);
  if (!socket) throw new Error("no socket");
  return { ...site, wire, socket };
}

/** Does the connection still answer? */
async function answers(wire: Wire, io: Awaited<ReturnType<typeof joined>>["io"]): Promise<boolean> {
  for (const socket of io.sockets.sockets.values()) {
    socket.removeAllListeners("ask");
    socket.on("ask", (back: () => void) => back());
  }
  wire.send('420["ask"]');
  return (await wire.nextMessage()) === "430[]";
}

describe("a connection ends", () => {
  it.each([
    ["an event for a namespace that was never joined", '42/x,["a"]', "forced close"],
    ["an event for a namespace that does not exist", '42/none,["a"]', "forced close"],
    ["an acknowledgement for a namespace that was never joined", "43/x,1[]", "forced close"],
    ["a DISCONNECT of a namespace that was never joined", "41/x,", "forced close"],
    ["a second CONNECT", "40", "forced close"],
    ["a CONNECT_ERROR from a client", '44{"message":"x"}', "forced close"],
    ["what is no packet", "4x", "parse error"],
    ["a reserved event name", '42["connect"]', "parse error"],
  ])("by %s", async (_, frame, expected) => {
    const { wire, socket, io } = await joined();
    const gone = once(socket, "disconnect");
    wire.send(frame);
    expect((await gone)[0]).toBe(expected);
    await wire.closed;
    expect(io.sockets.sockets.size).toBe(0);
    await until(() => io.engine.clientsCount === 0, "the session to be forgotten");
  });

  it("by an event before any CONNECT", async () => {
    const { port } = await serve();
    const { wire } = await openSession(port);
    wire.send('42["a"]');
    await wire.closed;
  });
});

it("a second CONNECT takes the place of the first, which is still being decided", async () => {
  const site = await serve();
  const decisions: [unknown, (error?: Error) => void][] = [];
  site.io.use((socket, next) => void decisions.push([socket.handshake.auth, next]));
  const joinedAs: unknown[] = [];
  site.io.on("connection", (socket) => void joinedAs.push(socket.handshake.auth));
  const { wire } = await openSession(site.port);
  const twice = new Promise<void>((resolve) => {
    site.io.use((_socket, next) => next());
    const poll = (): unknown => (decisions.length === 2 ? resolve() : setImmediate(poll));
    poll();
  });
  wire.send('40{"n":1}', '40{"n":2}');
  await twice;
  for (const [, next] of decisions) next();
  expect(await wire.nextMessage()).toMatch(/^40\{"sid"/);
  expect(joinedAs).toEqual([{ n: 2 }]);
  expect(site.io.sockets.sockets.size).toBe(1);
});

describe("a connection goes on", () => {
  it.each([
    ["by the client", async (wire: Wire) => wire.send("41")],
    ["by the server", async (_wire: Wire, socket: { disconnect(): unknown }) => void socket.disconnect()],
  ])("when packets come for a namespace just left %s, and drops them", async (_, leave) => {
    const { wire, socket, io } = await joined();
    wire.send("40/x,");
    await wire.nextMessage();
    const heard: unknown[] = [];
    socket.on("late", () => heard.push("late"));
    const gone = once(socket, "disconnect");
    await leave(wire, socket);
    await gone;
    wire.send('42["late"]', '43["late"]'.replace("[", "9["), "41");
    for (const other of io.of("/x").sockets.values()) other.on("ask", (back: () => void) => back());
    wire.send('42/x,0["ask"]');
    for (;;) {
      const frame = await wire.nextMessage();
      if (frame === "43/x,0[]") break;
      expect(frame).toBe("41");
    }
    expect(heard).toEqual([]);
  });

  it("when a namespace that was left is joined again: a new socket", async () => {
    const { wire, socket, io } = await joined();
    wire.send("41", "40");
    const frame = String(await wire.nextMessage());
    expect(frame).toMatch(/^40\{"sid":"/);
    expect(frame).not.toContain(socket.id);
    expect(await answers(wire, io)).toBe(true);
  });

  it("when it asks for more namespaces than it may have, which are refused", async () => {
    const { wire, io } = await joined({ limits: { maxNamespacesPerConnection: 2 } });
    wire.send("40/x,", "40/y,");
    expect(await wire.nextMessage()).toMatch(/^40\/x,/);
    expect(await wire.nextMessage()).toBe('44/y,{"message":"Too many namespaces"}');
    expect(await answers(wire, io)).toBe(true);
    wire.send("41/x,", "40/y,");
    expect(await wire.nextMessage()).toMatch(/^40\/y,/);
  });

  it("when a namespace does not exist", async () => {
    const { wire, io } = await joined();
    wire.send("40/none,");
    expect(await wire.nextMessage()).toBe('44/none,{"message":"Invalid namespace"}');
    expect(await answers(wire, io)).toBe(true);
  });

  it("when an acknowledgement comes that nobody waits for", async () => {
    const { wire, io } = await joined();
    wire.send('4399["a"]');
    expect(await answers(wire, io)).toBe(true);
  });
});

describe("the end of a connection", () => {
  it.each([
    ["a WebSocket close", (wire: Wire) => wire.ws.close(), "transport close"],
    ["a TCP end", (wire: Wire) => wire.end(), "transport close"],
    ["an engine CLOSE", (wire: Wire) => wire.send("1"), "transport close"],
    ["what is no frame of the engine", (wire: Wire) => wire.send("9"), "parse error"],
    ["a PING from the client", (wire: Wire) => wire.send("2"), "parse error"],
  ])("has its reason: %s", async (_, end, expected) => {
    const { wire, socket } = await joined();
    const trail: unknown[] = [];
    socket.on("disconnecting", (reason) => trail.push(reason));
    const gone = once(socket, "disconnect");
    end(wire);
    expect((await gone)[0]).toBe(expected);
    expect(trail).toEqual([expected]);
  });

  it("by silence is a ping timeout", async () => {
    const { socket } = await joined({ pingInterval: 200, pingTimeout: 200 });
    expect((await once(socket, "disconnect"))[0]).toBe("ping timeout");
  });

  it("settles what its sockets wait for", async () => {
    const { wire, socket } = await joined();
    const wait = socket.emitWithAck("ask");
    wire.end();
    await expect(wait).rejects.toMatchObject({ code: "ERR_ACK_DISCONNECTED" });
  });
});
