import type { IncomingMessage } from "node:http";
import { type RateStore, rateLimit, type Server } from "@sockeye/server";
import { describe, expect, test } from "vitest";
import { usedBytes } from "../../../test/support/memory.js";
import { openSession, openWire, type Wire } from "../../../test/support/rawsocket.js";
import { once, until } from "../../../test/support/wait.js";
import { join, roundTrip, serve } from "./site.js";

/** Enough for the events that the tests do not mean. */
const SLOW = { perMs: 3_600_000 };

async function heard(io: Server, event: string): Promise<unknown[]> {
  const got: unknown[] = [];
  io.on("connection", (socket) =>
    socket.on(event, (value: unknown, ack?: (answer: unknown) => void) => {
      got.push(value);
      ack?.("done");
    }),
  );
  return got;
}

describe("rateLimit", () => {
  test("answers what is too much with an error, and goes on with the rest", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 2, ...SLOW, events: ["say"] }));
    const said = await heard(site.io, "say");
    const { client, socket } = await join(site);
    expect(await client.emitWithAck("say", 1)).toBe("done");
    client.emit("say", 2);
    expect(await client.emitWithAck("say", 3)).toEqual({
      error: "ERR_RATE_LIMITED",
      retryAfterMs: expect.any(Number) as number,
    });
    client.emit("say", 4);
    await roundTrip(client, socket);
    expect(said).toEqual([1, 2]);
  });

  test("drops in silence, if that is wanted", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 1, ...SLOW, events: ["say"], exceeded: "drop" }));
    const said = await heard(site.io, "say");
    const { client, socket } = await join(site);
    let answers = 0;
    for (const value of [1, 2, 3]) client.emit("say", value, () => answers++);
    await roundTrip(client, socket);
    expect({ said, answers }).toEqual({ said: [1], answers: 1 });
  });

  test("closes the connection, if that is wanted, and no other", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 1, ...SLOW, events: ["say"], exceeded: "close" }));
    const first = await join(site);
    const second = await join(site);
    const closed = once(first.client, "disconnect");
    first.client.emit("say", 1);
    first.client.emit("say", 2);
    expect((await closed)[0]).toBe("io server disconnect");
    await roundTrip(second.client, second.socket);
  });

  test("does whatever a function does; what that throws is reported", async () => {
    const site = await serve();
    const errors: unknown[] = [];
    site.io.on("error", (error) => errors.push(error));
    const failure = new Error("from the function");
    const told: unknown[] = [];
    site.io.use(
      rateLimit({
        points: 1,
        ...SLOW,
        events: ["say"],
        exceeded: (socket, event, retryAfterMs) => {
          told.push([socket.id, event, retryAfterMs > 0]);
          throw failure;
        },
      }),
    );
    const { client, socket } = await join(site);
    client.emit("say", 1);
    client.emit("say", 2);
    await roundTrip(client, socket);
    expect(told).toEqual([[socket.id, ["say", 2], true]]);
    expect(errors).toEqual([failure]);
  });

  test("counts bytes, those of attachments among them", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 1000, ...SLOW, events: ["say"], cost: "bytes" }));
    const { client, socket } = await join(site);
    const said: number[] = [];
    socket.on("say", (value: { text: string; bytes: Buffer }, ack: (answer: unknown) => void) => {
      said.push(value.text.length + value.bytes.length);
      ack("done");
    });
    const small = { text: "é".repeat(100), bytes: Buffer.alloc(400) };
    expect(await client.emitWithAck("say", small)).toBe("done");
    expect(await client.emitWithAck("say", small)).toMatchObject({ error: "ERR_RATE_LIMITED" });
    expect(said).toEqual([500]);
  });

  test.each([
    ["by socket", undefined, ["done", "done"]],
    ["by address", "address", ["done", "refused"]],
    ["by a key of the app's", () => "all the same", ["done", "refused"]],
  ] as const)("counts %s", async (_name, by, expected) => {
    const site = await serve();
    site.io.use(rateLimit({ points: 1, ...SLOW, events: ["say"], ...(by ? { by } : {}) }));
    await heard(site.io, "say");
    const answers: unknown[] = [];
    for (const _ of [1, 2]) {
      const { client } = await join(site);
      const answer: unknown = await client.emitWithAck("say", 1);
      answers.push(answer === "done" ? answer : "refused");
    }
    expect(answers).toEqual(expected);
  });

  test("beside another is asked after it", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 100, ...SLOW }));
    site.io.use(rateLimit({ points: 1, ...SLOW, events: ["rare"] }));
    const rare = await heard(site.io, "rare");
    const often = await heard(site.io, "often");
    const { client, socket } = await join(site);
    for (const value of [1, 2, 3]) client.emit("rare", value).emit("often", value);
    await roundTrip(client, socket);
    expect({ rare, often }).toEqual({ rare: [1], often: [1, 2, 3] });
  });

  test("keeps the order of events while a slow store thinks", async () => {
    const site = await serve();
    let asked = 0;
    const store: RateStore = {
      take: (_key, points) => {
        asked += points;
        return new Promise((resolve) => setTimeout(() => resolve(0), asked % 2 ? 8 : 0));
      },
    };
    site.io.use(rateLimit({ store, events: ["say"] }));
    const said = await heard(site.io, "say");
    const { client } = await join(site);
    for (let value = 0; value < 10; value++) client.emit("say", value);
    await until(() => said.length === 10, "all events");
    expect(said).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("lets events through while the store fails, and says so", async () => {
    const site = await serve();
    const errors: unknown[] = [];
    site.io.on("error", (error, { event }) => errors.push([error, event]));
    const failure = new Error("no Redis");
    site.io.use(rateLimit({ store: { take: () => Promise.reject(failure) }, events: ["say"] }));
    const said = await heard(site.io, "say");
    const { client } = await join(site);
    expect(await client.emitWithAck("say", 1)).toBe("done");
    expect({ said, errors }).toEqual({ said: [1], errors: [[failure, "rate limit"]] });
  });

  test.each([{}, { points: 1 }, { points: -1, perMs: 1 }])("refuses %o", (options) => {
    expect(() => rateLimit(options)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });
});

describe("a bucket", () => {
  /** Handled events named `say`, of a raw client that joins by `frames`, says five things, and does `leave`. */
  async function said(
    options: Parameters<typeof rateLimit>[0],
    act: (site: Awaited<ReturnType<typeof serve>>) => Promise<void>,
    server: Parameters<typeof serve>[0] = {},
  ): Promise<number> {
    const site = await serve(server);
    let heard = 0;
    const limit = rateLimit(options);
    for (const namespace of [site.io.of("/"), site.io.of(/^\/x\d*$/)]) {
      namespace.use(limit);
      namespace.on("connection", (socket) => socket.on("say", () => heard++));
    }
    await act(site);
    return heard;
  }

  async function joinRaw(wire: Wire, nsp: string): Promise<void> {
    wire.send(`40${nsp}`);
    expect(String(await wire.nextMessage())).toMatch(/^40/);
  }

  /** All that was sent before has been handled. */
  async function arrived(wire: Wire): Promise<void> {
    wire.send("40/none,");
    for (;;) if (String(await wire.nextMessage()).startsWith("44/none,")) return;
  }

  const five = { points: 5, ...SLOW };

  test.each([
    ["the main namespace", () => ""],
    ["a namespace", () => "/x,"],
    ["another namespace of the same limit each time", (n: number) => `/x${n},`],
  ])("is not renewed by leaving and joining: %s", async (_name, where) => {
    const heard = await said(five, async (site) => {
      const { wire } = await openSession(site.port);
      for (let n = 0; n < 50; n++) {
        const nsp = where(n);
        await joinRaw(wire, nsp);
        for (let k = 0; k < 10; k++) wire.send(`42${nsp}["say",${k}]`);
        wire.send(`41${nsp}`);
      }
      await arrived(wire);
      wire.end();
    });
    expect(heard).toBe(5);
  });

  test("is one for all namespaces of a connection that use the limit", async () => {
    const heard = await said(five, async (site) => {
      const { wire } = await openSession(site.port);
      for (let n = 0; n < 20; n++) {
        await joinRaw(wire, `/x${n},`);
        for (let k = 0; k < 10; k++) wire.send(`42/x${n},["say",${k}]`);
      }
      await arrived(wire);
      wire.end();
    });
    expect(heard).toBe(5);
  });

  test.each([
    ["the address of the connection", {}, 5],
    ["the option clientAddress", { clientAddress: () => "a client" }, 5],
    [
      "an IPv6 network",
      { clientAddress: (req: IncomingMessage) => `2001:db8:0:1::${req.headers["x-number"]}` },
      5,
    ],
    [
      "IPv6 networks",
      { clientAddress: (req: IncomingMessage) => `2001:db8:0:${req.headers["x-number"]}::1` },
      50,
    ],
    ["no address that is counted", { clientAddress: () => undefined }, 50],
  ])("is not renewed by connecting again: %s", async (_name, options, expected) => {
    const heard = await said(
      five,
      async (site) => {
        for (let n = 0; n < 10; n++) {
          const wire = await openWire(site.port, undefined, { headers: { "x-number": `${n}` } });
          await wire.next();
          await joinRaw(wire, "");
          for (let k = 0; k < 10; k++) wire.send(`42["say",${k}]`);
          await arrived(wire);
          wire.end();
          await until(() => site.io.engine.clientsCount === 0, "the end of the session");
        }
      },
      options,
    );
    expect(heard).toBe(expected);
  });

  test("is one for each client of an address that is connected at the same time, whichever comes and goes", async () => {
    const heard = await said(five, async (site) => {
      const wires = await Promise.all([1, 2].map(async () => (await openSession(site.port)).wire));
      for (let n = 0; n < 30; n++) {
        for (const wire of wires) {
          await joinRaw(wire, "");
          for (let k = 0; k < 10; k++) wire.send(`42["say",${k}]`);
          await arrived(wire);
        }
        // In both orders, so that each gets what the other had.
        for (const wire of n % 2 ? wires : [...wires].reverse()) {
          wire.send("41");
          await arrived(wire);
        }
      }
      for (const wire of wires) wire.end();
    });
    expect(heard).toBe(10);
  });

  test("by address is one for an IPv6 network", async () => {
    const heard = await said(
      { ...five, by: "address" },
      async (site) => {
        const wires = await Promise.all(
          [1, 2, 3].map((n) => openWire(site.port, undefined, { headers: { "x-number": `${n}` } })),
        );
        for (const wire of wires) {
          await wire.next();
          await joinRaw(wire, "");
          for (let k = 0; k < 10; k++) wire.send(`42["say",${k}]`);
          await arrived(wire);
        }
        for (const wire of wires) wire.end();
      },
      { clientAddress: (req) => `2001:db8::${String(req.headers["x-number"])}` },
    );
    expect(heard).toBe(5);
  });

  test("by a key of the app's stays when the user connects again", async () => {
    const heard = await said({ ...five, by: () => "user 1" }, async (site) => {
      for (let n = 0; n < 5; n++) {
        const { wire } = await openSession(site.port);
        await joinRaw(wire, "");
        for (let k = 0; k < 10; k++) wire.send(`42["say",${k}]`);
        await arrived(wire);
        wire.end();
      }
    });
    expect(heard).toBe(5);
  });
});

describe("a store that does not answer", () => {
  const hangs: RateStore = { take: () => new Promise<number>(() => {}) };

  async function flooded(options: Partial<Parameters<typeof rateLimit>[0]>) {
    const site = await serve();
    const errors: unknown[] = [];
    site.io.on("error", (error) => errors.push(error));
    site.io.use(rateLimit({ store: hangs, events: ["say"], ...options }));
    return { site, errors };
  }

  test.each([
    [1000, 1000],
    [100_000, 30],
    [900_000, 3],
  ])("is given no more than about a megabyte of events of %i characters", async (length, most) => {
    const { site } = await flooded({ timeoutMs: 1e6 });
    const { client, socket } = await join(site);
    let refused = 0;
    const count = 40;
    for (let n = 0; n < count; n++) client.emit("say", `${n}`.padEnd(length), () => refused++);
    await roundTrip(client, socket);
    expect(count - refused).toBeLessThanOrEqual(most);
    expect(count - refused).toBeGreaterThan(0);
  });

  test("lets go of the events of a client that has left", async () => {
    const { site } = await flooded({ timeoutMs: 1e6 });
    const { client, socket } = await join(site);
    await join(site);
    for (let n = 0; n < 10; n++) client.emit("say", { n });
    await roundTrip(client, socket);
    const before = await usedBytes();
    const heavy = await join(site);
    for (let n = 0; n < 20; n++)
      heavy.client.emit(
        "say",
        Array.from({ length: 1000 }, () => ({ n })),
      );
    await roundTrip(heavy.client, heavy.socket);
    heavy.client.disconnect();
    client.disconnect();
    await until(() => site.io.engine.clientsCount === 1, "the clients to go");
    expect((await usedBytes()) - before).toBeLessThan(500_000);
  });

  test.each([
    ["allow", [1, 2, 3]],
    ["refuse", []],
  ] as const)("counts as failed in the end: %s", async (onFailure, expected) => {
    const { site, errors } = await flooded({ timeoutMs: 20, onFailure });
    const said = await heard(site.io, "say");
    const { client } = await join(site);
    const answers = await Promise.all([1, 2, 3].map((n) => client.emitWithAck("say", n) as Promise<unknown>));
    expect(said).toEqual(expected);
    if (onFailure === "refuse") expect(answers[0]).toMatchObject({ error: "ERR_RATE_LIMITED" });
    expect(errors).toMatchObject([{ code: "ERR_RATE_STORE_TIMEOUT" }]);
  });

  test.each(["rejects", "throws", "hangs"])("is told of once until it answers again: %s", async (how) => {
    let works = false;
    const failure = new Error("no Redis");
    const store: RateStore = {
      take: () => {
        if (works) return 0;
        if (how === "hangs") return new Promise(() => {});
        if (how === "throws") throw failure;
        return Promise.reject(failure);
      },
    };
    const { site, errors } = await flooded({ store, timeoutMs: 10 });
    await heard(site.io, "say");
    const { client } = await join(site);
    for (let n = 0; n < 5; n++) await client.emitWithAck("say", n);
    expect(errors).toHaveLength(1);
    works = true;
    await client.emitWithAck("say", 5);
    works = false;
    await client.emitWithAck("say", 6);
    expect(errors).toHaveLength(2);
  });

  test.each([{ timeoutMs: 0 }, { timeoutMs: "soon" }, { onFailure: "panic" }])("%o is refused", (options) => {
    expect(() => rateLimit({ store: hangs, ...(options as object) })).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
  });
});
