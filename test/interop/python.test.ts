import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { call, contract } from "@sockeye/contract";
import { CallError, Server } from "@sockeye/server";
import { createMsgpackCodec } from "@sockeye/server/msgpack";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { canImport, pythonWithSocketIo } from "../support/python.js";

const python = pythonWithSocketIo("its calls");
const hasMsgpack = python !== undefined && canImport(python, "msgpack", "MessagePack with python-socketio");
const described = contract({
  toServer: {
    double: call(z.number(), { answer: z.number() }),
    rename: call(z.string(), { answer: z.string(), errors: { TAKEN: z.object({ suggest: z.string() }) } }),
    "ask-me": call(z.number(), { answer: z.number() }),
  },
  toClient: { ready: call(z.number(), { answer: z.number() }) },
});

describe.skipIf(python === undefined)("python-socketio", () => {
  const ways = ["websocket", "polling"].flatMap((transport) => [
    [transport, "default"] as const,
    ...(hasMsgpack ? [[transport, "msgpack"] as const] : []),
  ]);
  it.each(ways)(
    "makes calls by hand, and is called, over %s, packets as %s",
    async (transport, serializer) => {
      const http = createServer();
      const codec = serializer === "msgpack" ? { codec: createMsgpackCodec() } : {};
      const io = new Server(http, { contract: described, ...codec });
      onTestFinished(() => io.close());
      // python-socketio 5.7 leaves an id of 0 out of MessagePack: nobody gets the first one.
      if (serializer === "msgpack") await io.to("nobody").emitWithAck("ready", 0);
      io.handle("double", (n) => 2 * n);
      io.handle("rename", (name) => {
        throw new CallError("TAKEN", { suggest: `${name}2` });
      });
      io.handle("ask-me", (n, { socket }) => socket.call("ready", n));
      await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
      const { stdout } = await promisify(execFile)(python as string, [
        fileURLToPath(new URL("./python.py", import.meta.url)),
        `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
        transport,
        serializer,
      ]);
      const refused = (code: string, data?: unknown) => [
        null,
        { $error: { code, message: expect.any(String), ...(data ? { data } : {}) } },
      ];
      expect(
        stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as unknown),
      ).toEqual([
        ["double", 8],
        ["double", refused("ERR_INVALID", { issues: expect.any(Array) })],
        ["rename", refused("TAKEN", { suggest: "Ann2" })],
        ["unknown", refused("ERR_UNDECLARED")],
        ["ask-me", 42],
      ]);
    },
    60_000,
  );
});
