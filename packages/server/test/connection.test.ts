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

describe("a CONNECT while another for the same namespace is being decided", () => {
  type Decision = { readonly auth: unknown; readonly next: (error?: Error) => void };

  /** A site whose middlewares are decided by the test, one after another. */
  async function deciding(where: "named" | "dynamic" | "revision 3" | "a function of namespaces") {
    const site = await serve({ allowEIO3: where === "revision 3" });
    const decisions: Decision[] = [];
    const joinedAs: unknown[] = [];
    let running = 0;
    let most = 0;
    const began = (auth: unknown, end: (error?: Error) => void): void => {
      most = Math.max(most, ++running);
      const next = (error?: Error): void => {
        running--;
        end(error);
      };
      decisions.push({ auth, next });
    };
    const watched =
      where === "a function of namespaces"
        ? site.io.of((_name, auth, next) => began(auth, (error) => next(null, !error)))
        : site.io.of(where === "dynamic" ? /^\/x$/ : "/x");
    if (where !== "a function of namespaces") {
      watched.use((socket, next) => began(socket.handshake.auth, next));
    }
    watched.on("connection", (socket) => void joinedAs.push(socket.handshake.auth));
    const { wire } = await openSession(site.port, where === "revision 3" ? 3 : 4);
    atEnd(() => wire.end());
    const decision = async (at: number): Promise<Decision> => {
      await until(() => decisions.length > at, `decision ${at}`);
      return decisions[at] as Decision;
    };
    return { ...site, wire, decisions, decision, joinedAs, most: () => most };
  }

  const ways = ["named", "dynamic", "a function of namespaces"] as const;

  it.each(ways)("waits, and only the last is kept (%s)", async (where) => {
    const { wire, decision, decisions, joinedAs, most } = await deciding(where);
    for (let n = 0; n < 3000; n++) wire.send(`40/x,{"n":${n}}`);
    const first = await decision(0);
    wire.send("40/nothing,");
    if (where === "a function of namespaces") (await decision(1)).next(new Error("no"));
    // The answer says that all those before have arrived.
    expect(await wire.nextMessage()).toMatch(/^44\/nothing,/);
    const before = decisions.length;
    first.next();
    expect(first.auth).toEqual({ n: 0 });
    // Once the function has let a namespace be made it is not asked about it any more.
    if (where !== "a function of namespaces") {
      const last = await decision(before);
      expect(last.auth).toEqual({ n: 2999 });
      last.next();
    }
    expect(await wire.nextMessage()).toMatch(/^40\/x,\{"sid"/);
    expect(joinedAs).toEqual([{ n: 2999 }]);
    expect(most()).toBeLessThanOrEqual(2);
    expect(decisions.length).toBeLessThanOrEqual(3);
  });

  it.each(ways)("gets the answer, whatever the first was refused for (%s)", async (where) => {
    const { wire, decision, joinedAs } = await deciding(where);
    wire.send('40/x,{"n":1}', '40/x,{"n":2}');
    (await decision(0)).next(new Error("not you"));
    (await decision(1)).next();
    expect(await wire.nextMessage()).toMatch(/^40\/x,\{"sid"/);
    expect(joinedAs).toEqual([{ n: 2 }]);
  });

  it("is in the query of the name for clients of revision 3", async () => {
    const { wire, decision, decisions, joinedAs } = await deciding("revision 3");
    for (let n = 0; n < 200; n++) wire.send(`40/x?n=${n}`);
    wire.send("40/nothing");
    // The answer says that all those before have arrived.
    while (!String(await wire.nextMessage()).startsWith("44/nothing"));
    (await decision(0)).next();
    const last = await decision(1);
    expect(last.auth).toEqual({ n: "199" });
    last.next();
    await until(() => joinedAs.length === 1, "the client to join");
    expect(decisions).toHaveLength(2);
  });

  it("is forgotten when the client goes", async () => {
    const { io, wire, decision, decisions } = await deciding("named");
    wire.send('40/x,{"n":1}', '40/x,{"n":2}');
    const first = await decision(0);
    wire.end();
    await until(() => io.engine.clientsCount === 0, "the end of the session");
    first.next();
    expect(decisions).toHaveLength(1);
    expect(io.of("/x").sockets.size).toBe(0);
  });

  it("by a DISCONNECT before the decision ends the connection, as it was never joined", async () => {
    const { wire, decision, decisions, joinedAs } = await deciding("named");
    wire.send('40/x,{"n":1}', "41/x,", '40/x,{"n":2}');
    const first = await decision(0);
    await wire.closed;
    first.next();
    expect({ joinedAs, runs: decisions.length }).toEqual({ joinedAs: [], runs: 1 });
  });

  it("runs at most as many at once as the connection may have namespaces", async () => {
    const site = await serve({ limits: { maxNamespacesPerConnection: 5, maxJoinsPerMinute: 1e6 } });
    let running = 0;
    site.io.of(/^\/x/).use(() => void running++);
    const { wire } = await openSession(site.port);
    atEnd(() => wire.end());
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 50; n++) wire.send(`40/x${n},`);
    }
    for (let n = 0; n < 3 * 45; n++) expect(await wire.nextMessage()).toContain("Too many namespaces");
    expect(running).toBe(5);
  });
});

describe("joining and leaving in a loop", () => {
  it.each([
    ["a namespace", "/x", (n: number) => [`40/x,{"n":${n}}`, "41/x,"]],
    ["namespaces that a middleware refuses", "/no", () => ["40/no,"]],
    ["namespaces that do not exist", "", (n: number) => [`40/none${n},`]],
    ["namespaces that a function decides about", "", (n: number) => [`40/asked${n},`]],
  ])("is bounded for a connection: %s", async (_name, where, frames) => {
    const site = await serve({ limits: { maxJoinsPerMinute: 20 } });
    let runs = 0;
    site.io.of("/x").use((_socket, next) => {
      runs++;
      next();
    });
    site.io.of("/no").use((_socket, next) => {
      runs++;
      next(new Error("no"));
    });
    site.io.of((name, _auth, next) => {
      if (name.startsWith("/asked")) runs++;
      next(null, false);
    });
    const { wire } = await openSession(site.port);
    atEnd(() => wire.end());
    wire.send("40");
    await wire.nextMessage();
    const answers: string[] = [];
    for (let n = 0; n < 100; n++) {
      const [connect = "", ...rest] = frames(n);
      wire.send(connect);
      const answer = String(await wire.nextMessage());
      answers.push(answer);
      if (answer.startsWith("40")) wire.send(...rest);
    }
    expect(answers.filter((answer) => answer.includes('"Too many joins"'))).toHaveLength(81);
    expect(runs).toBe(where === "" && _name.includes("exist") ? 0 : 19);
    expect(site.io.metrics().limitsExceeded).toEqual({ maxJoinsPerMinute: 81 });
    expect(wire.open).toBe(true);
  });

  it("leaves a client that asks for all of its namespaces at once alone", async () => {
    const site = await serve();
    site.io.of(/^\/x/);
    const { wire } = await openSession(site.port);
    atEnd(() => wire.end());
    for (let n = 0; n < 128; n++) wire.send(`40/x${n},`);
    for (let n = 0; n < 128; n++) expect(await wire.nextMessage()).toMatch(/^40/);
  });
});

it("a connection that has left its last namespace has connectTimeout for another", async () => {
  const { io, wire } = await joined({ connectTimeout: 150 });
  wire.send("40/x,");
  expect(await wire.nextMessage()).toMatch(/^40\/x,/);
  wire.send("41");
  await until(() => io.sockets.sockets.size === 0, "the socket to leave");
  expect(io.metrics().waiting).toBe(0);
  wire.send("41/x,");
  await until(() => io.metrics().waiting === 1, "the connection to wait");
  wire.send("40");
  expect(await wire.nextMessage()).toMatch(/^40\{/);
  expect(io.metrics().waiting).toBe(0);
  wire.send("41");
  await wire.closed;
  await until(() => io.engine.clientsCount === 0, "the session to end");
  expect(io.metrics().waiting).toBe(0);
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
