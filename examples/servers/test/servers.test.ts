import { io } from "@sockeye/client";
import { describe, expect, test } from "vitest";
import { start as express } from "../express.js";
import { start as fastify } from "../fastify.js";
import { start as hono } from "../hono.js";
import { start as koa } from "../koa.js";

describe.each([
  ["Express", express],
  ["Fastify", fastify],
  ["Koa", koa],
  ["Hono", hono],
])("beside %s", (name, start) => {
  test.each([["websocket"], ["polling"]])("events, over %s", async (transport) => {
    const { url, close } = await start({ port: 0 });
    const socket = io(url, { transports: [transport], forceNew: true });
    try {
      const welcome = await new Promise((resolve) => socket.on("welcome", resolve));
      expect(welcome).toBe(socket.id);
      expect(await socket.emitWithAck("greet", "Ann")).toBe("Hello Ann");
    } finally {
      socket.disconnect();
      await close();
    }
  });

  test("its own routes, and its own 404", async () => {
    const { url, close } = await start({ port: 0 });
    try {
      expect(await (await fetch(url)).text()).toBe(`${name} is here, too.`);
      if (name !== "Koa") expect((await fetch(`${url}/nowhere`)).status).toBe(404);
    } finally {
      await close();
    }
    await expect(fetch(url)).rejects.toThrow();
  });
});
