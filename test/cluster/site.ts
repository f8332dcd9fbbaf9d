// Servers of one process as nodes of one cluster, over the memory bus and the real clock.
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type MemoryBus, MemoryHub } from "@sockeye/cluster/memory";
import type { Bus } from "@sockeye/protocol";
import { Server, type ServerOptions } from "@sockeye/server";
import { nativeClock } from "@sockeye/session";
import { afterEach } from "vitest";
import { until } from "../support/wait.js";

export interface Node {
  readonly io: Server;
  readonly http: HttpServer;
  readonly bus: Bus;
  readonly url: string;
  readonly port: number;
}

const ends: (() => unknown)[] = [];
/** What is to be ended after the test, the last first. */
export function atEnd(end: () => unknown): void {
  ends.push(end);
}
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

export function memoryBuses(): () => MemoryBus {
  const hub = new MemoryHub({ clock: nativeClock });
  return () => hub.bus();
}

/** @param makeBus called once for each node */
export async function startNodes(
  names: readonly string[],
  makeBus: () => Bus | Promise<Bus> = memoryBuses(),
  options: Partial<ServerOptions> = {},
): Promise<Node[]> {
  const nodes: Node[] = [];
  for (const name of names) {
    const http = createServer();
    const bus = await makeBus();
    const io = new Server(http, {
      ...options,
      cluster: { bus, name: "test", node: name, ...options.cluster },
    });
    atEnd(() => io.close());
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    nodes.push({ io, http, bus, port, url: `http://127.0.0.1:${port}` });
  }
  await Promise.all(nodes.map(({ io }) => io.cluster.ready));
  await until(() => nodes.every(({ io }) => io.cluster.nodes().length === names.length), "all nodes");
  return nodes;
}
