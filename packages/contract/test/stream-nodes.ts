// Streams at the nodes of a cluster in one thread, over the memory bus and a clock that tests move.
import { Cluster, ClusterStreams } from "@sockeye/cluster";
import { type MemoryBus, MemoryHub, type MemoryHubOptions } from "@sockeye/cluster/memory";
import { manualClock } from "@sockeye/conformance";
import type { StreamLimits, StreamTable } from "@sockeye/contract/internal";
import { EncodedPacket } from "@sockeye/protocol";
import { type Client, scene, settle } from "./stream-scene.js";

export interface StreamNode {
  readonly table: StreamTable;
  readonly bus: MemoryBus;
  readonly cluster: Cluster;
  readonly shared: ClusterStreams;
  readonly errors: unknown[];
  readonly clients: Client[];
  client(about?: object): Client;
}

export function nodes(options: Partial<MemoryHubOptions> = {}) {
  const clock = manualClock();
  const hub = new MemoryHub({ clock, ...options });
  const failures: unknown[] = [];
  const all: StreamNode[] = [];
  let count = 0;
  const start = (declare: (table: StreamTable) => void, limits: Partial<StreamLimits> = {}): StreamNode => {
    const name = `node${++count}`;
    const bus: MemoryBus = hub.bus();
    const cluster = new Cluster({
      bus,
      clock,
      name: "test",
      node: name,
      codec: "json",
      key: name,
      load: () => ({ sessions: 0, draining: false }),
      sink: { changed() {}, gap() {}, bus() {}, failed: (error) => failures.push(error) },
    });
    let shared: ClusterStreams | undefined;
    let ids = 0;
    const site = scene(limits, {
      clock,
      makeId: () => `${name}-made-${String(++ids).padStart(4, "0")}${cluster.tag}`,
      isElsewhere: (id) => !id.endsWith(cluster.tag),
      cluster: {
        share: (sink) => {
          shared = new ClusterStreams(cluster, "/", sink);
          return shared;
        },
        madeBy: (id) => cluster.members.byTag(id.slice(-4))?.id,
        encode: (event, args) => new EncodedPacket(JSON.stringify([event, ...args])),
        reportError: (error) => failures.push(error),
      },
    });
    declare(site.table);
    const clients: Client[] = [];
    const node = {
      ...site,
      bus,
      cluster,
      clients,
      get shared() {
        return shared as ClusterStreams;
      },
      client: (about: object = {}): Client => {
        const client = site.client(about);
        clients.push(client);
        return client;
      },
    };
    all.push(node);
    cluster.start();
    return node;
  };
  /** Lets everything happen that is under way, and so much time pass. */
  const run = async (ms = 0, step = 50): Promise<void> => {
    for (let passed = 0; passed <= ms; passed += step) {
      for (let turn = 0; turn < 12; turn++) {
        clock.flush();
        await settle();
        for (const { clients } of all)
          for (const client of clients) {
            while (client.up.length > 0) client.rise();
            while (client.down.length > 0) client.fall();
          }
        await settle();
      }
      if (passed < ms) clock.advance(Math.min(step, ms - passed));
    }
  };
  /** Without a goodbye. */
  const kill = (node: StreamNode): void => {
    all.splice(all.indexOf(node), 1);
    node.bus.lose();
    node.table.close();
    void node.cluster.close();
  };
  return { clock, hub, failures, all, start, run, kill };
}

/** What a reader has seen of a stream. */
export function reading(stream: {
  next(): Promise<IteratorResult<unknown>>;
  readonly end: Promise<unknown>;
}) {
  const seen = {
    items: [] as unknown[],
    code: undefined as unknown,
    end: undefined as unknown,
    isOver: false,
  };
  stream.end.then(
    (value) => {
      seen.end = value;
    },
    () => {},
  );
  const read = async (): Promise<void> => {
    try {
      for (;;) {
        const { done, value } = await stream.next();
        if (done) break;
        seen.items.push(value);
      }
    } catch (error) {
      seen.code = (error as { code?: unknown }).code;
    }
    seen.isOver = true;
  };
  void read();
  return seen;
}
