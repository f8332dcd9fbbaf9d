// Nodes that are processes, killed with SIGKILL, over a real Redis. Runs on the built packages.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { io as dialOwn } from "@sockeye/client";
import { type Stream, streams } from "@sockeye/contract/client";
import { io as dialStock } from "socket.io-client";
import { expect, test } from "vitest";
import { findRedis, startRedis } from "../../interop/packages/redis-server.js";
import { once, until, within } from "../../support/wait.js";
import { blindProxy } from "../blind-proxy.js";
import { atEnd } from "../site.js";

const NODE = fileURLToPath(new URL("./node.mjs", import.meta.url));
const PATIENCE_MS = 60_000;
const program = findRedis();
if (program === undefined)
  console.log("killed: no redis-server of version 7 or later, so its tests are skipped");

test.runIf(process.env["CI"] === "true")("there is a Redis where nothing may be skipped", () => {
  expect(program).toBeDefined();
});

interface Killable {
  readonly port: number;
  readonly child: ChildProcess;
}

async function startNode(redisPort: number, name: string): Promise<Killable> {
  const child = fork(NODE, [`${redisPort}`, name]);
  atEnd(() => child.kill("SIGKILL"));
  const [said] = await once(child, "message", PATIENCE_MS);
  return { child, port: (said as { port: number }).port };
}

test.skipIf(program === undefined).each([
  ["sockeye", dialOwn as unknown as typeof dialStock],
  ["socket.io-client 4", dialStock],
])(
  "%s comes back from a node that was killed, under traffic: nothing missing, nothing twice, rooms and data there",
  async (_name, dial) => {
    const { port, stop } = await startRedis(program ?? "");
    atEnd(stop);
    const [first, second, sender] = [
      await startNode(port, "first"),
      await startNode(port, "second"),
      await startNode(port, "sender"),
    ];
    const proxy = await blindProxy([first.port]);
    const client = dial(proxy.url, {
      transports: ["websocket"],
      reconnectionDelay: 20,
      reconnectionDelayMax: 200,
      forceNew: true,
    });
    atEnd(() => client.disconnect());
    const got: number[] = [];
    const recovered: boolean[] = [];
    client.on("n", (n: number) => void got.push(n));
    client.on("connect", () => void recovered.push(client.recovered));
    const id = await within(
      new Promise((resolve) => client.once("kept", () => resolve(client.id))),
      "the record",
      PATIENCE_MS,
    );
    sender.child.send("traffic");
    await until(() => got.length > 20, "traffic", PATIENCE_MS);
    let from = "first";
    for (const [node, name] of [
      [first, "second"],
      [second, "sender"],
    ] as const) {
      const { length } = recovered;
      proxy.ports = [(name === "second" ? second : sender).port];
      node.child.kill("SIGKILL");
      await until(() => recovered.length > length, "its return", PATIENCE_MS);
      const heard = got.length;
      await until(() => got.length > heard + 20, "more of it", PATIENCE_MS);
      const answer = await within(
        new Promise((resolve) => client.emit("who", (...all: unknown[]) => resolve(all))),
        "an answer",
        PATIENCE_MS,
      );
      expect(answer).toEqual([name, { from: "first" }, ["all", id].sort()]);
      from = name;
    }
    expect([from, client.id]).toEqual(["sender", id]);
    expect(recovered).toEqual([false, true, true]);
    expect(got).toEqual(Array.from({ length: got.length }, (_, n) => n + (got[0] ?? 0)));
  },
  240_000,
);

test.skipIf(program === undefined)(
  "a kept stream goes on for who watches it from a node that is killed; of its own node comes what had come, then ERR_STREAM_LOST",
  async () => {
    const { port, stop } = await startRedis(program ?? "");
    atEnd(stop);
    const [home, second, third] = [
      await startNode(port, "home"),
      await startNode(port, "second"),
      await startNode(port, "third"),
    ];
    const connect = (url: string) => {
      const socket = dialOwn(url, {
        transports: ["websocket"],
        reconnectionDelay: 20,
        reconnectionDelayMax: 200,
        forceNew: true,
        extend: [streams],
      });
      atEnd(() => socket.disconnect());
      return socket;
    };
    const read = (stream: Stream) => {
      const seen = { items: [] as unknown[], code: undefined as unknown };
      void (async () => {
        try {
          for await (const item of stream) seen.items.push(item);
        } catch (error) {
          seen.code = (error as { code?: unknown }).code;
        }
      })();
      return seen;
    };
    const first = read(connect(`http://127.0.0.1:${home.port}`).stream("count", 1, { id: "one" }));
    await until(() => first.items.length > 5, "its beginning", PATIENCE_MS);
    const proxy = await blindProxy([second.port]);
    const moved = read(connect(proxy.url).stream("count", 1, { id: "one" }));
    const stays = read(connect(`http://127.0.0.1:${third.port}`).stream("count", 1, { id: "one" }));
    await until(() => Math.min(moved.items.length, stays.items.length) > 20, "other nodes", PATIENCE_MS);
    proxy.ports = [third.port];
    second.child.kill("SIGKILL");
    const { length } = moved.items;
    await until(() => moved.items.length > length + 50, "it goes on", PATIENCE_MS);
    home.child.kill("SIGKILL");
    await until(() => moved.code !== undefined && stays.code !== undefined, "its end", PATIENCE_MS);
    for (const { items, code } of [moved, stays]) {
      expect(code).toBe("ERR_STREAM_LOST");
      expect(items).toEqual(items.map((_, at) => ["home", at + 1]));
    }
    const again = read(connect(proxy.url).stream("count", 1, { id: "one" }));
    await until(() => again.code !== undefined, "an answer", PATIENCE_MS);
    expect(again).toEqual({ items: [], code: "ERR_STREAM_LOST" });
  },
  240_000,
);
