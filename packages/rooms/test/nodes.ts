import { Cluster, ClusterRoom } from "@sockeye/cluster";
import { type MemoryBus, MemoryHub, type MemoryHubOptions } from "@sockeye/cluster/memory";
import { type ManualClock, manualClock } from "@sockeye/conformance";
import type { BroadcastOptions, EventPacket } from "@sockeye/protocol";
import { type Client, Site } from "./site.js";

/** One node of a cluster, with rooms. */
export class NodeSite extends Site {
  readonly bus: MemoryBus;
  readonly cluster: Cluster;
  readonly #nodes: Nodes;

  constructor(nodes: Nodes, name: string) {
    const bus = nodes.hub.bus();
    const cluster = new Cluster({
      bus,
      clock: nodes.clock,
      name: "test",
      node: name,
      codec: "json",
      key: name,
      load: () => ({ sessions: 0, draining: false }),
      sink: { changed() {}, gap() {}, bus() {}, failed: (error) => nodes.errors.push(error) },
    });
    super({}, nodes.clock, `${name}-`, {
      share: (room, keep, sink) => new ClusterRoom(cluster, { nsp: "/", room }, keep, sink),
      keeps: cluster.keeps !== undefined,
    });
    this.bus = bus;
    this.cluster = cluster;
    this.#nodes = nodes;
    cluster.start();
  }

  /** As an adapter that spans nodes; whatever the bus does, so that only what rooms do is tried here. */
  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    const meant = options.flags?.local ? [this] : this.#nodes.alive;
    for (const site of meant) site.fanOut(packet, options);
  }

  fanOut(packet: EventPacket, options: BroadcastOptions): void {
    super.broadcast(packet, options);
  }
}

/** A cluster in one thread. */
export class Nodes {
  readonly clock: ManualClock = manualClock();
  readonly hub: MemoryHub;
  readonly errors: unknown[] = [];
  readonly alive = new Set<NodeSite>();
  #count = 0;

  constructor(options: Partial<MemoryHubOptions> = {}) {
    this.hub = new MemoryHub({ clock: this.clock, ...options });
  }

  start(declare: (site: NodeSite) => void): NodeSite {
    const site = new NodeSite(this, `node${++this.#count}`);
    declare(site);
    this.alive.add(site);
    return site;
  }

  /** Without a goodbye: the others have to notice. */
  kill(site: NodeSite): void {
    this.alive.delete(site);
    site.bus.lose();
    site.rooms.close();
    for (const client of [...site.sockets.values()]) (client as Client).connected = false;
    void site.cluster.close();
  }

  /** Lets everything happen that is under way, and so much time pass. */
  async run(ms = 0): Promise<void> {
    for (let passed = 0; passed <= ms; passed += 50) {
      for (let turn = 0; turn < 4; turn++) {
        this.clock.flush();
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (passed < ms) this.clock.advance(Math.min(50, ms - passed));
    }
  }
}
