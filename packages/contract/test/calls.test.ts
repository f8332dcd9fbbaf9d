// Calls over real sockets, from each kind of client to a server of Sockeye, and from the server to a client.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io as dial, type Options } from "@sockeye/client";
import { createMsgpackCodec as clientMsgpack } from "@sockeye/client/msgpack";
import { call, contract, event, type } from "@sockeye/contract";
import { CallError, calls, isCallError } from "@sockeye/contract/client";
import { Server, type ServerOptions, type Socket } from "@sockeye/server";
import { createMsgpackCodec } from "@sockeye/server/msgpack";
import { io as dialStock } from "socket.io-client";
import * as msgpackParser from "socket.io-msgpack-parser";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { joinMain } from "../../../test/support/rawsocket.js";
import { once, until, within } from "../../../test/support/wait.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(options: ServerOptions = {}): Promise<{ io: Server; url: string; errors: unknown[] }> {
  const http = createServer();
  const io = new Server(http, options);
  const errors: unknown[] = [];
  io.on("error", (error) => errors.push(error));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, errors };
}

function connect(url: string, options: Options = {}) {
  const socket = dial(url, { forceNew: true, ...options, extend: [calls] });
  ends.push(() => socket.disconnect());
  return socket;
}

/** A client and the server's socket for it. */
async function pair(io: Server, url: string, options?: Options) {
  const joined = once(io, "connection");
  const client = connect(url, options);
  const [socket] = (await joined) as [Socket];
  await until(() => client.connected, "the client is in");
  return { client, socket };
}

const USER = new Error("the app's own, with a secret in it");

function handleAll(io: Server): void {
  io.handle("double", (n: number) => n * 2);
  io.handle("later", async (n: number) => n * 2);
  io.handle("nothing", () => {});
  io.handle("nil", () => null);
  io.handle("bytes", () => Buffer.from("ab"));
  io.handle("taken", () => {
    throw new CallError("TAKEN", { suggest: "Ada2" }, { message: "that one is taken" });
  });
  io.handle("broken", async () => {
    throw USER;
  });
  io.handle("unencodable", () => 1n);
}

const REFUSED = {
  taken: { code: "TAKEN", message: "that one is taken", data: { suggest: "Ada2" } },
  broken: { code: "ERR_INTERNAL", message: "internal error" },
};

describe("a call", () => {
  it.each(["websocket", "polling"])("is answered, or refused, over %s", async (transport) => {
    const { io, url, errors } = await serve();
    handleAll(io);
    const client = connect(url, { transports: [transport] });
    expect(await client.call("double", 2)).toBe(4);
    expect(await client.call("later", 3)).toBe(6);
    expect(await client.call("nothing")).toBe(undefined);
    expect(await client.call("nil")).toBe(null);
    expect(Buffer.from(await client.call("bytes"))).toEqual(Buffer.from("ab"));
    const taken = await client.call("taken").catch((error: unknown) => error);
    expect(taken).toMatchObject(REFUSED.taken);
    expect([
      isCallError(taken),
      isCallError(taken, "TAKEN"),
      isCallError(taken, "BUSY"),
      isCallError(USER),
    ]).toEqual([true, true, false, false]);
    expect(errors).toEqual([]);
    await expect(client.call("broken")).rejects.toMatchObject(REFUSED.broken);
    await expect(client.call("unencodable")).rejects.toMatchObject(REFUSED.broken);
    expect(errors).toEqual([USER, expect.objectContaining({ code: "ERR_UNENCODABLE" })]);
  });

  const STOCK = [
    { transports: ["websocket"], parser: undefined, codec: undefined },
    { transports: ["polling"], parser: undefined, codec: undefined },
    { transports: ["websocket"], parser: msgpackParser, codec: createMsgpackCodec() },
    { transports: ["polling"], parser: msgpackParser, codec: createMsgpackCodec() },
  ];
  it.each(STOCK)(
    "is an event with an acknowledgement to a stock client: $transports, msgpack: $codec.name",
    async ({ transports, parser, codec }) => {
      const { io, url } = await serve(codec ? { codec } : {});
      handleAll(io);
      const stock = dialStock(url, { forceNew: true, transports, ...(parser ? { parser } : {}) });
      ends.push(() => stock.disconnect());
      const raw = (...args: [string, ...unknown[]]): Promise<unknown[]> =>
        within(
          new Promise((resolve) => stock.emit(...args, (...answer: unknown[]) => resolve(answer))),
          args[0],
        );
      expect(await raw("double", 2)).toEqual([4]);
      expect(await raw("nothing")).toEqual([]);
      expect(await raw("taken")).toEqual([null, { $error: REFUSED.taken }]);
      expect(await raw("broken")).toEqual([null, { $error: REFUSED.broken }]);
      expect(await stock.emitWithAck("taken")).toBe(null);
    },
  );

  it("over MessagePack, between two ends of Sockeye", async () => {
    const { io, url } = await serve({ codec: createMsgpackCodec() });
    handleAll(io);
    const client = connect(url, { parser: clientMsgpack() });
    expect(await client.call("double", 2)).toBe(4);
    await expect(client.call("taken")).rejects.toMatchObject(REFUSED.taken);
  });

  it("goes from the server to a client, stock or not", async () => {
    const { io, url } = await serve();
    const { client, socket } = await pair(io, url);
    client.handle("ready", (round: number, { socket: own }) => {
      if (round > 1) throw new CallError("LATE", round);
      return own.id;
    });
    expect(await socket.call("ready", 1)).toBe(client.id);
    await expect(socket.call("ready", 2)).rejects.toMatchObject({ code: "LATE", data: 2 });

    const joined = once(io, "connection");
    const stock = dialStock(url, { forceNew: true });
    ends.push(() => stock.disconnect());
    stock.on("ready", (round: number, reply: (...args: unknown[]) => void) =>
      round > 1 ? reply(null, { $error: { code: "LATE", message: "late" } }) : reply(null, round),
    );
    const [plain] = (await joined) as [Socket];
    expect(await plain.call("ready", 1)).toBe(null);
    await expect(plain.call("ready", 2)).rejects.toMatchObject({ code: "LATE", data: undefined });
  });

  it("without anybody who waits runs too, and its refusal is nobody's", async () => {
    const { io, url, errors } = await serve();
    const { client } = await pair(io, url);
    const got: unknown[] = [];
    io.handle("note", (value: unknown) => {
      got.push(value);
      throw new CallError("NO");
    });
    client.emit("note", 1).emit("note");
    await until(() => got.length === 2, "both");
    expect([got, errors]).toEqual([[1, undefined], []]);
  });

  it("rejects what cannot be sent, and reserved names", async () => {
    const { io, url } = await serve();
    const { client, socket } = await pair(io, url);
    for (const end of [client, socket]) {
      await expect(end.call("x", 1n)).rejects.toMatchObject({ code: "ERR_UNENCODABLE" });
      await expect(end.call("disconnect")).rejects.toMatchObject({ code: "ERR_RESERVED_EVENT" });
    }
  });
});

describe("a call that is given up", () => {
  it.each(["abort", "timeout", "disconnect"] as const)(
    "%s: tells the handler by its signal, at the server",
    async (how) => {
      const { io, url, errors } = await serve();
      const { client } = await pair(io, url);
      const ended = new Promise<string>((resolve) => {
        io.handle("wait", async (_: undefined, { signal }) => {
          await new Promise<void>((go) => signal.addEventListener("abort", () => go()));
          resolve("told");
          throw signal.reason;
        });
      });
      const controller = new AbortController();
      const arrived = new Promise<void>((resolve) =>
        io.sockets.sockets.forEach((each) => void each.onAny(() => resolve())),
      );
      const result = client
        .call("wait", undefined, {
          signal: controller.signal,
          ...(how === "timeout" ? { timeoutMs: 50 } : {}),
        })
        .catch((error: { name: string; code?: string }) => error.code ?? error.name);
      await arrived;
      if (how === "abort") controller.abort();
      if (how === "disconnect") client.disconnect();
      expect(await result).toBe(
        { abort: 20, timeout: "ERR_ACK_TIMEOUT", disconnect: "ERR_ACK_DISCONNECTED" }[how],
      );
      expect(await within(ended, "the handler's signal")).toBe("told");
      expect(errors).toEqual([]);
    },
  );

  it("tells the handler at a client, but only one of ours", async () => {
    const { io, url } = await serve();
    const { client, socket } = await pair(io, url);
    const ended = new Promise<string>((resolve) => {
      client.handle("wait", (_: undefined, { signal }) => {
        signal.addEventListener("abort", () => resolve("told"));
        return new Promise(() => {});
      });
    });
    // So that the client's word that it takes it has come.
    client.handle("ping", () => "pong");
    await socket.call("ping");
    await expect(socket.call("wait", undefined, { timeoutMs: 30 })).rejects.toMatchObject({
      code: "ERR_ACK_TIMEOUT",
    });
    expect(await within(ended, "the handler's signal")).toBe("told");

    const joined = once(io, "connection");
    const stock = dialStock(url, { forceNew: true });
    ends.push(() => stock.disconnect());
    const seen: unknown[] = [];
    stock.onAny((name) => seen.push(name));
    const [plain] = (await joined) as [Socket];
    const controller = new AbortController();
    const refused = expect(plain.call("wait", undefined, controller)).rejects.toMatchObject({
      name: "AbortError",
    });
    await until(() => seen.includes("wait"), "the call");
    controller.abort();
    await refused;
    plain.emit("last");
    await until(() => seen.includes("last"), "the last event");
    expect(seen).toEqual(["wait", "last"]);
  });

  it("of two with one id, which only a stranger sends, both hear that it has gone", async () => {
    const { io, url } = await serve();
    const signals: AbortSignal[] = [];
    io.handle("wait", (_: unknown, { signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    const { wire } = await joinMain(Number(new URL(url).port));
    wire.send('421["wait"]', '421["wait"]', '421["wait"]');
    await until(() => signals.length === 3, "three calls");
    wire.end();
    await until(() => signals.every(({ aborted }) => aborted), "three aborts");
  });

  it("never leaves if it has not left: no handler runs", async () => {
    const { io, url } = await serve();
    const got: unknown[] = [];
    io.handle("x", (value: unknown) => got.push(value));
    const client = connect(url, { autoConnect: false });
    const controller = new AbortController();
    const first = client.call("x", "aborted", { signal: controller.signal });
    const second = client.call("x", "late", { timeoutMs: 1 });
    controller.abort();
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    await expect(second).rejects.toMatchObject({ code: "ERR_ACK_TIMEOUT" });
    await expect(client.call("x", 1, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
    client.connect();
    expect(await client.call("x", "in time")).toBe(1);
    expect(got).toEqual(["in time"]);
  });

  it("to a room of none settles at once", async () => {
    const { io } = await serve();
    expect(await within(io.to("nobody").emitWithAck("ready"), "no answers", 1000)).toEqual([]);
  });
});

describe("one name has one handler", () => {
  const HANDLED = expect.objectContaining({ code: "ERR_HANDLED" });
  const none = (): void => {};

  it("or listeners, for all sockets and for one", async () => {
    const { io, url } = await serve();
    const { client, socket } = await pair(io, url);
    io.handle("all", none);
    socket.handle("one", none).on("heard", none);
    expect(() => io.handle("all", none)).toThrow(HANDLED);
    expect(() => socket.on("all", none)).toThrow(HANDLED);
    expect(() => socket.handle("all", none)).toThrow(HANDLED);
    expect(() => socket.on("one", none)).toThrow(HANDLED);
    expect(() => socket.handle("heard", none)).toThrow(HANDLED);
    expect(() => io.handle("heard", none)).toThrow(HANDLED);
    expect(() => io.handle("one", none)).toThrow(HANDLED);
    expect(() => io.handle("connect", none)).toThrow(expect.objectContaining({ code: "ERR_RESERVED_EVENT" }));
    client.handle("x", none);
    expect(() => client.on("x", none)).toThrow(HANDLED);
  });

  it("until its signal aborts, or it is taken off", async () => {
    const { io, url } = await serve();
    const { client, socket } = await pair(io, url);
    const controller = new AbortController();
    io.handle("x", () => "all", { signal: controller.signal });
    expect(await client.call("x")).toBe("all");
    controller.abort();
    const mine = (): string => "mine";
    socket.handle("x", mine);
    expect(await client.call("x")).toBe("mine");
    socket.off("x", mine).on("x", (reply) => reply("heard"));
    expect(await client.call("x")).toBe("heard");
  });

  it("is there for dynamic namespaces", async () => {
    const { io, url } = await serve();
    io.of(/^\/room-\d+$/).handle("where", (_: undefined, { socket }) => socket.nsp.name);
    expect(await connect(`${url}/room-7`).call("where")).toBe("/room-7");
  });

  it("keeps a server that drains until it has answered", async () => {
    const { io, url } = await serve();
    const { client } = await pair(io, url);
    const begun = new Promise<() => void>((resolve) => {
      io.handle("slow", () => new Promise<string>((answer) => resolve(() => answer("done"))));
    });
    const answer = client.call("slow");
    const finish = await begun;
    const closed = io.close({ drain: { deadline: 5000 } as never });
    finish();
    expect(await answer).toBe("done");
    await closed;
  });
});

describe("an app's own members", () => {
  it("may have the names of ours", async () => {
    const { io, url } = await serve();
    io.handle("x", () => 1);
    const { client, socket } = await pair(io, url);
    Object.assign(client, { handle: "mine" });
    Object.assign(socket, { call: "mine", handle: "mine" });
    expect(await client.call("x")).toBe(1);
  });
});

describe("a contract and calls", () => {
  const Both = {
    toServer: {
      rename: call(
        z
          .string()
          .max(5)
          .transform((name) => name.toUpperCase()),
        {
          answer: z.object({ at: z.string().transform((text) => new Date(text)) }),
          errors: { TAKEN: z.object({ since: z.string().transform(Number) }) },
        },
      ),
      lost: call(),
      say: event(z.string()),
    },
    toClient: { ready: call(type<number>(), { answer: z.boolean() }) },
  } as const;
  const chat = contract(Both);

  it("transforms once, at the receiver; answers and refusals too", async () => {
    const { io, url } = await serve({ contract: chat });
    const got: unknown[] = [];
    io.handle("rename", (name: string) => {
      got.push(name);
      if (name === "ADA") throw new CallError("TAKEN", { since: "7" });
      return { at: "2026-01-01T00:00:00.000Z" };
    });
    const client = dial(url, { contract: chat, extend: [calls], forceNew: true });
    ends.push(() => client.disconnect());
    expect(await client.call("rename", "bob")).toEqual({ at: new Date("2026-01-01") });
    await expect(client.call("rename", "ada")).rejects.toMatchObject({ code: "TAKEN", data: { since: 7 } });
    expect(got).toEqual(["BOB", "ADA"]);
  });

  it("answers what is invalid, undeclared or unhandled", async () => {
    const { io, url, errors } = await serve({ contract: chat });
    io.handle("rename", () => expect.unreachable());
    const stock = connect(url);
    await expect(stock.call("rename", "too long a name")).rejects.toMatchObject({
      code: "ERR_INVALID",
      data: { issues: [{ path: [], message: expect.any(String) }] },
    });
    await expect(stock.call("rename")).rejects.toMatchObject({ code: "ERR_INVALID" });
    await expect(stock.call("none", 1)).rejects.toMatchObject({ code: "ERR_UNDECLARED" });
    await expect(stock.call("lost")).rejects.toMatchObject({ code: "ERR_UNHANDLED" });
    expect(await stock.call("say", "an event, acknowledged for clients with retries")).toBe(undefined);
    expect(errors.map((error) => (error as { code: string }).code)).toEqual([]);
    expect(io.metrics().eventsRefused).toEqual({ ERR_INVALID: 2, ERR_UNDECLARED: 1 });
  });

  it("refuses a wrong answer: at the handler in development, at the caller always", async () => {
    const { io, url, errors } = await serve({ contract: chat });
    const joined = once(io, "connection");
    const client = dial(url, { contract: chat, extend: [calls], forceNew: true });
    ends.push(() => client.disconnect());
    const [socket] = (await joined) as [Socket];
    io.handle("rename", () => ({ at: 1 }));
    await expect(client.call("rename", "bob")).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    expect(errors).toEqual([
      expect.objectContaining({ code: "ERR_INVALID", issues: [expect.objectContaining({ path: ["at"] })] }),
    ]);
    const other = dialStock(url, { forceNew: true });
    ends.push(() => other.disconnect());
    other.on("ready", (_round: number, reply: (yes: unknown) => void) => reply("yes"));
    const [plain] = (await once(io, "connection")) as [Socket];
    await expect(plain.call("ready", 1)).rejects.toMatchObject({ code: "ERR_INVALID" });
    expect(() => socket.emit("ready")).not.toThrow();
  });
});
