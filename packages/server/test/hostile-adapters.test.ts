import { Adapter } from "@sockeye/adapter";
import { Adapter as ForeignAdapter } from "socket.io-adapter";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSession } from "../../../test/support/rawsocket.js";
import { turn, until } from "../../../test/support/wait.js";
import { atEnd, serve } from "./site.js";

// An adapter of the app's that fails. Nothing of it may end the process: clients choose when it is called.

const BASES = { "socket.io-adapter": ForeignAdapter, ours: Adapter };
const FAILURES: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error("broken");
  },
  rejects: () => Promise.reject(new Error("broken")),
  hangs: () => new Promise(() => {}),
};
/** And whether a client can be in without it. */
const METHODS = [
  ["addAll", false],
  ["del", true],
  ["delAll", true],
  ["broadcast", true],
  ["persistSession", true],
] as const;

const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
});
afterEach(() => {
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
});

describe.each(Object.entries(BASES))("an adapter derived from %s", (_base, Base) => {
  describe.each(METHODS)("whose %s", (method, comesIn) => {
    it.each(Object.entries(FAILURES))("%s", async (how, fail) => {
      class Broken extends (Base as typeof ForeignAdapter) {}
      Object.defineProperty(Broken.prototype, method, { value: fail, writable: true, configurable: true });
      const { io, port } = await serve({
        adapter: Broken as never,
        connectionStateRecovery: { maxDisconnectionDuration: 1000 },
      });
      const told: unknown[] = [];
      io.on("error", (error: unknown) => told.push((error as Error).message));
      let calls = 0;
      io.on("connection", (socket) => {
        socket.on("act", () => {
          calls++;
          void socket.join("room");
          socket.to("room").emit("event");
          void socket.leave("room");
        });
      });
      const { wire } = await openSession(port);
      atEnd(() => wire.end());
      wire.send("40");
      const answer = String(await wire.nextMessage());
      if (answer.startsWith("40")) {
        wire.send('42["act"]');
        await until(() => calls === 1, "the event");
      } else expect(comesIn).toBe(false);
      wire.ws.terminate();
      await until(
        () => io.engine.clientsCount === 0 && io.sockets.sockets.size === 0,
        "the client to be gone",
      );
      await turn();
      expect(unhandled).toEqual([]);
      if (how !== "hangs" && (method !== "persistSession" || Base !== Adapter))
        await until(() => told.includes("broken"), "the app to be told");
    });
  });
});
