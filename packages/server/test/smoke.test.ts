import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io as stock } from "socket.io-client";
import { afterEach, expect, it } from "vitest";
import { Server } from "@sockeye/server";

const closers: (() => unknown)[] = [];
afterEach(async () => { for (const c of closers.splice(0).reverse()) await c(); });

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  it(`talks to a stock client over ${transports}`, async () => {
    const http = createServer();
    const io = new Server(http);
    await new Promise<void>((r) => http.listen(0, r));
    closers.push(() => io.close());
    io.on("connection", (socket) => {
      socket.on("echo", (a, b, ack) => ack(a, b));
      socket.on("bin", (b, ack) => { expect(Buffer.isBuffer(b)).toBe(true); ack({ b }); });
      socket.join("r");
      socket.on("all", () => { io.to("r").emit("hey", 1); });
    });
    const url = `http://localhost:${(http.address() as AddressInfo).port}`;
    const c = stock(url, { transports });
    closers.push(() => c.close());
    await new Promise<void>((res, rej) => { c.on("connect", res); c.on("connect_error", rej); });
    expect(await c.emitWithAck("echo", 1, "x")).toBe(1);
    const r = await c.emitWithAck("bin", Buffer.from([1, 2, 3]));
    expect([...r.b]).toEqual([1, 2, 3]);
    const hey = new Promise((r2) => c.on("hey", r2));
    c.emit("all");
    expect(await hey).toBe(1);
    if (transports.length === 2) {
      if (c.io.engine.transport.name !== "websocket") await new Promise((r3) => c.io.engine.on("upgrade", r3));
      expect(await c.emitWithAck("echo", 2, "x")).toBe(2);
    }
    const gone = new Promise((r2) => io.sockets.sockets.get(c.id as string)?.on("disconnect", r2));
    c.close();
    expect(await gone).toBe("client namespace disconnect");
    expect(io.engine.clientsCount).toBe(0);
  });
}
