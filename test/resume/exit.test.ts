// A process of Node.js that ends says goodbye, so that the server does not wait for it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { Server, type Socket } from "@sockeye/server";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../support/wait.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const app = fileURLToPath(new URL("exit-app.ts", import.meta.url));

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe("a process with two connections over WebSocket", () => {
  it.each(["exit", "empty", "throw"])("that ends says goodbye: %s", async (end) => {
    const http = createServer().listen(0, "127.0.0.1");
    await once(http, "listening");
    const io = new Server(http);
    ends.push(() => io.close());
    const sockets: Socket[] = [];
    const ended: string[] = [];
    for (const nsp of ["/", "/other"]) {
      io.of(nsp).on("connection", (socket) => {
        sockets.push(socket);
        expect(socket.conn.suspended).toBe(false);
        socket.on("disconnect", (reason) => ended.push(reason));
      });
    }
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const child = spawn(process.execPath, ["--import", "tsx", app, url, "websocket", end], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: `${root}tsconfig.json` },
      stdio: ["ignore", "pipe", "ignore"],
    });
    ends.push(() => child.kill("SIGKILL"));
    const [said] = await once(child.stdout, "data");
    // Of tsx itself there may be some; of all connections of the client one.
    expect(Number(String(said))).toBeLessThanOrEqual(2);
    await until(() => ended.length === 2, "the server to hear of it");
    expect(ended).toEqual(["transport close", "transport close"]);
    expect(sockets).toHaveLength(2);
  });
});
