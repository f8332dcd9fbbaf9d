import { type MemoryBus, MemoryHub } from "@sockeye/cluster/memory";
import {
  busSuite,
  type ClusterBench,
  clusterSuite,
  keepingBusSuite,
  manualClock,
} from "@sockeye/conformance";

function bench(delayMs: number): ClusterBench {
  const clock = manualClock();
  const hub = new MemoryHub({ clock, seed: 7, faults: { delayMs, duplicate: delayMs > 0 ? 0.2 : 0 } });
  const buses: MemoryBus[] = [];
  return {
    clock,
    makeBus: () => {
      const bus = hub.bus();
      buses.push(bus);
      return bus;
    },
    until: async (condition, what) => {
      for (let turn = 0; turn < 2000; turn++) {
        if (condition()) return;
        clock.advance(1);
        await new Promise(setImmediate);
      }
      throw new Error(`never: ${what}`);
    },
    breakDown: async () => {
      for (const bus of buses) bus.lose();
    },
    repair: async () => {
      for (const bus of buses) bus.restore();
    },
  };
}

busSuite("the memory bus", () => bench(0));
clusterSuite("the memory bus", () => bench(0));
clusterSuite("a memory bus that is slow and says things twice", () => bench(5));

const KEEP = { maxDisconnectionDuration: 60_000, maxPackets: 10_000 };
for (const delayMs of [0, 5]) {
  const name = `the memory bus, ${delayMs} ms`;
  keepingBusSuite(name, () => bench(delayMs));
  clusterSuite(name, () => bench(delayMs), KEEP);
}
