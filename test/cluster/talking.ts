// Clients of all ages that talk to the nodes of a site, whoever stands in front.
import { io as dialOwn } from "@sockeye/client";
import { EventSource } from "eventsource";
import { io as dialFour } from "socket.io-client";
import dialTwo from "socket.io-client-2";
import { io as dialThree } from "socket.io-client-3";
import { expect } from "vitest";
import { once, within } from "../support/wait.js";
import { atEnd, memoryBuses, type Node, startNodes } from "./site.js";

// Node.js has none.
Object.assign(globalThis, { EventSource });

/** What all clients have. */
interface AnyClient {
  connected: boolean;
  id?: string | undefined;
  once(event: string, listener: (...args: unknown[]) => void): unknown;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
  close(): unknown;
}
export type Dial = (url: string, options: object) => AnyClient;

const WAYS: readonly (readonly [string, readonly string[]])[] = [
  ["polling", ["polling"]],
  ["websocket", ["websocket"]],
  ["an upgrade", ["polling", "websocket"]],
];
const OWN_WAYS = [...WAYS, ["stream", ["stream"]], ["sse", ["sse"]]] as const;

/** Each client with each of its ways to connect. */
export const PEERS: readonly (readonly [
  client: string,
  way: string,
  dial: Dial,
  transports: readonly string[],
])[] = (
  [
    ["@sockeye/client", dialOwn as unknown as Dial, OWN_WAYS],
    ["socket.io-client 4", dialFour as unknown as Dial, WAYS],
    ["socket.io-client 3", dialThree as unknown as Dial, WAYS],
    ["socket.io-client 2", dialTwo as unknown as Dial, WAYS],
  ] as const
).flatMap(([client, dial, ways]) =>
  ways.map(([way, transports]) => [client, way, dial, transports] as const),
);

/** Three nodes that answer, and what they refused because they know no such session. */
export async function talkingNodes(options: object = {}): Promise<{ nodes: Node[]; unknown: unknown[] }> {
  const nodes = await startNodes(["a", "b", "c"], memoryBuses(), { allowEIO3: true, ...options });
  const unknown: unknown[] = [];
  for (const { io } of nodes) {
    io.engine.on("connection_error", ({ code, message }) => {
      if (code === 1) unknown.push(message);
    });
    io.on("connection", (socket) => {
      socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
    });
  }
  return { nodes, unknown };
}

/** Connects, asks again and again, hears a broadcast of any node, and loses nothing by it. */
export async function talks(
  url: string,
  nodes: readonly Node[],
  dial: Dial,
  transports: readonly string[],
): Promise<void> {
  const losses: unknown[] = [];
  const socket = dial(url, { transports, forceNew: true, reconnection: false });
  atEnd(() => socket.close());
  socket.on("disconnect", (reason) => losses.push(reason));
  await once(socket, "connect");
  for (let n = 0; n < 8; n++) {
    const value = { n, bytes: Buffer.from([n]), text: "x".repeat(n * 1500) };
    const answer = new Promise((resolve) => socket.emit("echo", value, resolve));
    expect(await within(answer, `echo ${n}`)).toEqual(value);
  }
  for (const { io } of nodes) {
    const news = once(socket, "news");
    io.emit("news", 1);
    await news;
  }
  expect(losses).toEqual([]);
  const sessions = nodes.map(({ io }) => io.engine.clientsCount);
  expect(sessions.sort()).toEqual([...nodes.slice(1).map(() => 0), 1]);
}
