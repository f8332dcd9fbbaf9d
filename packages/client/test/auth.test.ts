import { PacketType } from "@sockeye/protocol";
import { describe, expect, it, vi } from "vitest";
import type { Auth, Options } from "../src/index.js";
import { FakeServer } from "./fake-server.js";

type Tell = (data?: object) => void;

const STEADY: Options = { randomizationFactor: 0, reconnectionDelay: 100 };

/** Lets promises settle, and the server. */
async function rest(server: FakeServer): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await Promise.resolve();
    server.settle();
  }
}

function sent(server: FakeServer): unknown[] {
  return server.peers.flatMap(({ packets }) =>
    packets.flatMap(({ type, data }) => (type === PacketType.CONNECT ? [data] : [])),
  );
}

function thenable(then: (done: (value: object) => void, fail: (error: unknown) => void) => void): object {
  const name = "then";
  return Object.fromEntries([[name, then]]);
}

class Token {
  readonly token = "of a class";
}

describe("auth that is an answer", () => {
  it.each<[what: string, auth: unknown, sent: unknown]>([
    ["nothing", undefined, undefined],
    ["null", null, undefined],
    ["false", false, undefined],
    ["zero", 0, undefined],
    ["a text", "secret", undefined],
    ["a number", 7, undefined],
    ["true", true, undefined],
    ["a symbol", Symbol("x"), undefined],
    ["a list", ["x"], undefined],
    ["a date, which is a text in JSON", new Date(0), undefined],
    ["a text in an object", new String("secret"), undefined],
    ["a number in an object", new Number(7), undefined],
    ["false in an object", new Boolean(false), undefined],
    ["an object whose JSON is null", { toJSON: () => null }, undefined],
    ["an object whose JSON is another", { toJSON: () => ({ a: 1 }) }, { a: 1 }],
    ["an object", { token: 1 }, { token: 1 }],
    ["an empty object", {}, {}],
    ["an object of a class", new Token(), { token: "of a class" }],
    ["a function that tells null", (tell: Tell) => tell(null as unknown as object), undefined],
    ["a function that tells nothing", (tell: Tell) => tell(), undefined],
    ["a function that tells a text", (tell: Tell) => tell("x" as unknown as object), undefined],
    ["a function that tells an object", (tell: Tell) => tell({ a: 1 }), { a: 1 }],
    [
      "a function that tells twice",
      (tell: Tell) => {
        tell({ a: 1 });
        tell({ a: 2 });
      },
      { a: 1 },
    ],
    [
      "a function that tells, and then throws",
      (tell: Tell) => {
        tell({ a: 1 });
        throw new Error("late");
      },
      { a: 1 },
    ],
    ["a function that returns an object", () => ({ a: 1 }), { a: 1 }],
    ["a function that returns one of a class", () => new Token(), { token: "of a class" }],
    ["a function that returns null", () => null, undefined],
    ["a function that returns false", () => false, undefined],
    ["a promise of an object", async () => ({ a: 1 }), { a: 1 }],
    ["a promise of one, with a parameter", async (_tell: Tell) => ({ a: 1 }), { a: 1 }],
    ["a promise of null", async () => null, undefined],
    ["a promise of nothing", async () => {}, undefined],
    ["a promise of a text", async () => "x", undefined],
    ["a promise, after it has told", async (tell: Tell) => [tell({ a: 1 }), { a: 2 }][1], { a: 1 }],
    ["a thenable", () => thenable((done: (value: object) => void) => done({ a: 1 })), { a: 1 }],
    ["a function that tells later", (tell: Tell) => queueMicrotask(() => tell({ a: 1 })), { a: 1 }],
    [
      "a function that returns a timer, and tells later",
      (tell: Tell) => {
        queueMicrotask(() => tell({ a: 1 }));
        return new Token();
      },
      { a: 1 },
    ],
    [
      "a promise of nothing, with a parameter that is called later",
      async (tell: Tell) => void Promise.resolve().then(() => tell({ a: 1 })),
      { a: 1 },
    ],
  ])("%s", async (_what, auth, expected) => {
    const server = new FakeServer();
    const socket = server.manager(STEADY).socket("/", { auth: auth as Auth });
    await rest(server);
    expect(sent(server)).toEqual([expected]);
    expect(socket.connected).toBe(true);
    expect(server.peers).toHaveLength(1);
  });
});

describe("auth that fails", () => {
  const reasons: unknown[] = [new Error("503"), "a text", undefined, { status: 503 }];
  const ways: Readonly<Record<string, (reason: unknown) => Auth>> = {
    throws: (reason) => () => {
      throw reason;
    },
    rejects: (reason) => () => Promise.reject(reason),
    "rejects, with a parameter": (reason) => (_tell) => Promise.reject(reason),
    "is a thenable that rejects": (reason) => () => thenable((_done, fail) => fail(reason)),
  };

  it.each(Object.keys(ways).flatMap((way) => reasons.map((reason) => [way, reason] as const)))(
    "%s with %s: it is a connect_error, and the backoff asks again",
    async (way, reason) => {
      const printed = vi.spyOn(console, "error");
      const server = new FakeServer();
      const good = vi.fn(async () => ({ token: 1 }));
      const failing = vi.fn(ways[way]?.(reason) as () => unknown);
      const socket = server.manager(STEADY).socket("/", { auth: failing });
      const errors: unknown[] = [];
      socket.on("connect_error", (error) =>
        errors.push([(error as { code?: string }).code, error.cause, socket.active]),
      );
      await rest(server);
      expect(errors).toEqual([["ERR_AUTH_FAILED", reason, true]]);
      server.clock.advance(99);
      await rest(server);
      expect(failing).toHaveBeenCalledTimes(1);
      server.clock.advance(1);
      await rest(server);
      expect(failing).toHaveBeenCalledTimes(2);
      // The wait doubles.
      socket.auth = good;
      server.clock.advance(199);
      await rest(server);
      expect(good).not.toHaveBeenCalled();
      server.clock.advance(1);
      await rest(server);
      expect([sent(server), socket.connected, errors.length]).toEqual([[{ token: 1 }], true, 2]);
      expect(server.peers).toHaveLength(1);
      expect(printed).not.toHaveBeenCalled();
      printed.mockRestore();
    },
  );

  it("leaves the other sockets of the connection alone", async () => {
    const server = new FakeServer();
    const manager = server.manager(STEADY);
    const other = manager.socket("/other");
    const lost = vi.fn();
    other.on("disconnect", lost);
    manager.socket("/", { auth: () => Promise.reject(new Error("no")) });
    await rest(server);
    server.clock.advance(500);
    await rest(server);
    expect([other.connected, lost.mock.calls.length, server.peers.length]).toEqual([true, 0, 1]);
  });

  it.each([
    [{ reconnection: false }, 1],
    [{ reconnectionAttempts: 2 }, 3],
  ])("with %o it is asked %i times", async (options, times) => {
    const server = new FakeServer();
    const auth = vi.fn(() => Promise.reject(new Error("no")));
    const socket = server.manager({ ...STEADY, ...options }).socket("/", { auth });
    for (let turn = 0; turn < 9; turn++) {
      await rest(server);
      server.clock.advance(100);
    }
    expect([auth.mock.calls.length, socket.active]).toEqual([times, false]);
    // Nobody needs the connection.
    expect(server.peer.reason).toBe("transport close");
    socket.auth = { token: 1 };
    socket.connect();
    await rest(server);
    expect(socket.connected).toBe(true);
  });

  it("is not asked again once the socket has left, or is connected", async () => {
    const server = new FakeServer();
    const auth = vi.fn(() => Promise.reject(new Error("no")));
    const manager = server.manager(STEADY);
    manager.socket("/other");
    const socket = manager.socket("/", { auth });
    await rest(server);
    socket.disconnect();
    server.clock.advance(1000);
    await rest(server);
    expect(auth).toHaveBeenCalledTimes(1);
    socket.auth = {};
    socket.connect();
    await rest(server);
    server.clock.advance(400);
    expect(sent(server)).toEqual([undefined, {}]);
  });
});

it("auth that never answers waits for the server's patience, and is a connect_error then", async () => {
  const server = new FakeServer();
  const auth = vi.fn(() => {});
  const socket = server.manager(STEADY).socket("/", { auth });
  const errors: string[] = [];
  const lost = vi.fn();
  socket.on("connect_error", ({ message }) => errors.push(message));
  socket.on("disconnect", lost);
  await rest(server);
  server.peer.session.close();
  await rest(server);
  expect([errors, socket.active]).toEqual([["transport close"], true]);
  server.clock.advance(100);
  expect(auth).toHaveBeenCalledTimes(2);
  expect(lost).not.toHaveBeenCalled();
});

it("auth is called with its socket as `this`", () => {
  const server = new FakeServer();
  const seen: unknown[] = [];
  const socket = server.manager(STEADY).socket("/", {
    auth(this: unknown, tell: Tell) {
      seen.push(this);
      tell({});
    },
  });
  server.settle();
  expect(seen).toEqual([socket]);
});
