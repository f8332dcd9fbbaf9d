import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@sockeye/server";
import { Server as StockServer } from "socket.io";
import { describe, expect, test } from "vitest";
import { connect } from "../client.js";

describe.each([
  ["Sockeye", Server],
  ["Socket.IO", StockServer as unknown as typeof Server],
])("with %s", (_, Class) => {
  test("auth, events both ways, acknowledgements both ways, heartbeat, refusal", async () => {
    const http = createServer();
    const io = new Class(http, { pingInterval: 50, pingTimeout: 150 });
    io.use((socket, next) => next(socket.handshake.auth["name"] ? undefined : new Error("no name")));
    const answers: unknown[] = [];
    const gone: string[] = [];
    let heartbeats = 0;
    io.on("connection", (socket) => {
      socket.on("disconnect", (reason) => gone.push(reason));
      socket.conn.on("heartbeat", () => heartbeats++);
      socket.on("add", (a, b, reply) => reply(a + b, socket.handshake.auth["name"]));
      socket.emit("news", "[2]", { a: 1 });
      socket.timeout(1000).emit("ask", (error: unknown, answer: unknown) => answers.push(error ?? answer));
    });
    await new Promise<void>((resolve) => http.listen(0, resolve));
    const url = `http://localhost:${(http.address() as AddressInfo).port}`;
    try {
      await expect(connect(url)).rejects.toThrow("no name");
      const events: unknown[] = [];
      const line = await connect(url, { auth: { name: "Ann" }, onEvent: (...event) => events.push(event) });
      expect(await Promise.all([line.ask("add", 1, 2), line.ask("add", "a", "b")])).toEqual([
        [3, "Ann"],
        ["ab", "Ann"],
      ]);
      expect(events).toEqual([["news", "[2]", { a: 1 }], ["ask"]]);
      await expect.poll(() => answers).toEqual(["seen"]);
      // It answers the PINGs, for longer than it may be silent.
      await expect.poll(() => heartbeats).toBeGreaterThan(6);
      expect(gone).toEqual([]);
      expect((await line.ask("add", 1, 1))[0]).toBe(2);
      line.close();
      await expect.poll(() => gone).toEqual(["transport close"]);
    } finally {
      await io.close();
    }
  });
});
