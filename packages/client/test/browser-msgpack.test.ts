import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { Server, type Socket as ServerSocket } from "socket.io";
import { afterEach, describe, expect, it } from "vitest";
import io, { Manager, io as named, Socket } from "../src/browser-msgpack.js";
import type { Options } from "../src/options.js";

// What socket.io.msgpack.min.js holds, on a server of Socket.IO's whose parser is npm's.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(options: object): Promise<{ url: string; server: Server }> {
  const http = createServer();
  const server = new Server(http, options);
  ends.push(() => server.close());
  server.on("connection", (socket: ServerSocket) => {
    socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, server };
}

function dial(url: string, options: Options): Socket {
  const socket = io(url, options);
  ends.push(() => socket.disconnect());
  return socket;
}

describe("the bundle that speaks MessagePack", () => {
  const parser: unknown = createRequire(import.meta.url)("socket.io-msgpack-parser");

  it.each(["polling", "websocket"])("is understood by npm's parser, over %s", async (transport) => {
    const { url } = await serve({ parser });
    const socket = dial(url, { transports: [transport] });
    const bytes = Buffer.from([0, 255]);
    expect(await socket.emitWithAck("echo", { bytes, text: "ü" })).toEqual({ bytes, text: "ü" });
  });

  it("takes another parser by name, and options in the place of the URL", async () => {
    const { url } = await serve({});
    const stock: unknown = createRequire(import.meta.url)("socket.io-parser");
    const { hostname, port } = new URL(url);
    const manager = new Manager({ hostname, port, parser: stock as NonNullable<Options["parser"]> });
    const socket = manager.socket("/");
    ends.push(() => socket.disconnect());
    expect(await socket.emitWithAck("echo", "ü")).toBe("ü");
  });

  it("exports what the others do", async () => {
    const { default: _, ...rest } = await import("../src/browser-msgpack.js");
    expect(Object.keys(rest).sort()).toEqual(
      Object.keys(await import("../src/index.js"))
        .filter((name) => name !== "default")
        .sort(),
    );
    expect(named).toBe(io);
    expect([io.Manager, io.Socket]).toEqual([Manager, Socket]);
  });
});
