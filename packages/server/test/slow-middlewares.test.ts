import { describe, expect, it } from "vitest";
import { usedBytes } from "../../../test/support/memory.js";
import { once, until } from "../../../test/support/wait.js";
import type { SocketMiddleware } from "../src/middleware.js";
import { join, serve } from "./site.js";

describe("events that asynchronous middlewares of a socket are slow about", () => {
  it.each([
    ["small ones", "x", 100_000, 1000],
    ["large ones", "x".repeat(100_000), 1000, 10],
  ])("are bounded by what they hold: %s", async (_name, text, count, most) => {
    const site = await serve({ limits: { maxPendingEventBytes: 500_000 } });
    let running = 0;
    site.io.on("connection", (socket) =>
      socket.use(() => {
        running++;
        return new Promise(() => {});
      }),
    );
    const { socket, client } = await join(site);
    const left = once(socket as never, "disconnect");
    for (let n = 0; n < count; n++) client.emit("say", text);
    expect((await left)[1]).toMatchObject({ code: "ERR_TOO_MANY_EVENTS" });
    expect(running).toBeLessThanOrEqual(most);
    expect(site.io.metrics().limitsExceeded).toEqual({ maxPendingEventBytes: 1 });
  });

  it.each<[name: string, middleware: SocketMiddleware, handled: number]>([
    ["by next, in a promise", async (_event, next) => next(), 200],
    ["by next, later", (_event, next) => void setImmediate(next), 200],
    ["by a promise that rejects", (_event, _next) => Promise.reject(new Error("no")), 0],
    ["by nothing at all: they are dropped", (_event, _next) => {}, 0],
    ["by a promise, and nothing at all", async (_event, _next) => {}, 0],
  ])("do not count once they are decided: %s", async (_name, middleware, expected) => {
    const site = await serve({ limits: { maxPendingEventBytes: 10_000 } });
    let handled = 0;
    site.io.on("connection", (socket) => {
      socket.use((event, next) => (event[0] === "say" ? middleware(event, next) : next()));
      socket.on("say", () => handled++);
      socket.on("ask", (back: () => void) => back());
    });
    const { client } = await join(site);
    for (let n = 0; n < 200; n++) {
      client.emit("say", n);
      if (n % 10 === 9) await client.emitWithAck("ask");
    }
    await until(() => handled === expected, "all that is let through");
    await client.emitWithAck("ask");
    expect(client.connected).toBe(true);
  });
});

describe("events of which a middleware says nothing until later", () => {
  it("count for the budget of the process while it may: the connection that has the most goes", async () => {
    const site = await serve({ limits: { maxProcessBytes: 5_000_000 } });
    const kept: unknown[] = [];
    site.io.on("connection", (socket) => socket.use((_event, next) => void kept.push(next)));
    const [large, small] = [await join(site), await join(site)];
    small.client.emit("say", "x".repeat(100_000));
    const left = once(large.socket as never, "disconnect");
    for (let n = 0; n < 100; n++) large.client.emit("say", "x".repeat(100_000));
    expect((await left)[1]).toMatchObject({ code: "ERR_MEMORY_BUDGET" });
    expect(kept.length).toBeLessThan(60);
    await until(() => site.io.metrics().heldBytes < 150_000, "what it held");
    expect(site.io.metrics().heldBytes).toBeGreaterThan(100_000);
    expect(small.client.connected).toBe(true);
  });

  it("do not count once it has decided, or nobody can call next any more", async () => {
    const site = await serve();
    const late: (() => void)[] = [];
    site.io.on("connection", (socket) => {
      socket.use((event, next) => {
        if (event[0] === "later") late.push(next);
        else if (event[0] !== "dropped") next();
      });
      socket.on("ask", (back: () => void) => back());
    });
    const { client } = await join(site);
    const held = (): number => site.io.metrics().heldBytes;
    client.emit("later", "x".repeat(100_000));
    await client.emitWithAck("ask");
    expect(held()).toBeGreaterThan(100_000);
    late.pop()?.();
    expect(held()).toBeLessThan(1000);
    for (let n = 0; n < 10; n++) client.emit("dropped", "x".repeat(100_000));
    await client.emitWithAck("ask");
    for (let tries = 0; tries < 50 && held() > 1000; tries++) await usedBytes();
    expect(held()).toBeLessThan(1000);
    expect(client.connected).toBe(true);
  });
});
