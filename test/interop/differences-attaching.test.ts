import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { describe } from "vitest";
import { WebSocket } from "ws";
import { loadServer, type ServerName } from "../support/servers.js";
import { once } from "../support/wait.js";
import { differs, ends } from "./differ.js";

// Rows of docs/differences.md about what is attached to one HTTP server.

/** Which of the servers with these paths has opened a WebSocket to each target. */
async function tryTargets(
  name: ServerName,
  paths: readonly string[],
  targets: readonly string[],
): Promise<readonly string[]> {
  const { Server } = await loadServer(name);
  const http = createServer();
  // What else would end the process.
  const thrown: string[] = [];
  const emit = http.emit.bind(http) as (...args: unknown[]) => boolean;
  http.emit = (...args: unknown[]): boolean => {
    try {
      return emit(...args);
    } catch (error) {
      thrown.push(String(error));
      return true;
    }
  };
  const openedAt: string[] = [];
  const servers = paths.map((path, index) => {
    const io = new Server(http, { path });
    io.engine.on("connection", () => openedAt.push(String(index)));
    return io;
  });
  ends.push(async () => {
    for (const io of servers) await io.close();
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const outcomes: string[] = [];
  for (const target of targets) {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${target}/?EIO=4&transport=websocket`);
    await Promise.race([once(ws, "open"), once(ws, "error")]);
    const isThrown = thrown.splice(0).some((text) => text.includes("handleUpgrade()"));
    outcomes.push(isThrown ? "thrown" : openedAt.splice(0).join());
    ws.on("error", () => {}).terminate();
  }
  return outcomes;
}

describe("options of attach", () => {
  differs("a path in both places", { stock: [true, false], sockeye: [false, true] }, async (name) => {
    const { Server } = await loadServer(name);
    const http = createServer((_req, res) => res.writeHead(404).end());
    const io = new Server({ path: "/first" }).attach(http, { path: "/second" });
    ends.push(() => io.close());
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const { port } = http.address() as AddressInfo;
    const answers = ["/first", "/second"].map((path) =>
      fetch(`http://127.0.0.1:${port}${path}/?EIO=4&transport=polling`),
    );
    return (await Promise.all(answers)).map(({ ok }) => ok);
  });
});

describe("two servers on one HTTP server", () => {
  differs("two servers at one path", { stock: ["thrown"], sockeye: ["1"] }, (name) =>
    tryTargets(name, ["/a", "/a"], ["/a"]),
  );
  differs("a path below another one", { stock: ["0", "thrown"], sockeye: ["0", "1"] }, (name) =>
    tryTargets(name, ["/a", "/a/b"], ["/a", "/a/b"]),
  );
});

describe("an HTTP server with one server", () => {
  differs("an upgrade request at another path", { stock: "socket hang up", sockeye: "404" }, async (name) => {
    const { Server } = await loadServer(name);
    const http = createServer();
    const io = new Server(http, { destroyUpgradeTimeout: 10 });
    ends.push(() => io.close());
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const { port } = http.address() as AddressInfo;
    const headers = { connection: "Upgrade", upgrade: "websocket" };
    return new Promise<string>((resolve) => {
      get({ port, host: "127.0.0.1", path: "/wrong/", headers }, (res) => resolve(String(res.statusCode))).on(
        "error",
        (error) => resolve(error.message),
      );
    });
  });
});
