// Whole clusters in one thread, under faults that a seed chooses. A run that fails prints its seed; CLUSTER_SEED=n repeats it, and
// CLUSTER_RUNS=n makes more of them.
import { type MemoryBus, MemoryHub, randomFrom } from "@sockeye/cluster/memory";
import { ClusterNode, type ManualClock, manualClock, type NotingSocket } from "@sockeye/conformance";
import type { Clock, Timer } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";

const RUNS = Number(process.env["CLUSTER_RUNS"] ?? 12);
const ONLY = process.env["CLUSTER_SEED"];
const SEEDS = ONLY === undefined ? Array.from({ length: RUNS }, (_, n) => n + 1) : [Number(ONLY)];
const STEPS = 150;
/** Longer than the pause between two beats: shorter silent cuts of rooms alone are nobody's to notice. */
const CUT_MS = 3_000;

/** The clock of a process that can stand still: what falls due meanwhile comes when it goes on. */
class ProcessClock implements Clock {
  #held: (() => void)[] | undefined = undefined;
  constructor(readonly clock: ManualClock) {}
  now = (): number => this.clock.now();
  wall = (): number => this.clock.wall();
  setTimer = (callback: () => void, ms: number): Timer => this.clock.setTimer(() => this.#run(callback), ms);
  clearTimer = (timer: Timer): void => this.clock.clearTimer(timer);
  defer = (callback: () => void): void => this.clock.defer(() => this.#run(callback));
  freeze(): void {
    this.#held ??= [];
  }
  thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const callback of held) callback();
  }
  get isFrozen(): boolean {
    return this.#held !== undefined;
  }
  #run(callback: () => void): void {
    if (this.#held) this.#held.push(callback);
    else callback();
  }
}

interface Process {
  readonly node: ClusterNode;
  readonly bus: MemoryBus;
  readonly clock: ProcessClock;
  readonly socket: NotingSocket;
}

class World {
  readonly clock = manualClock();
  readonly hub: MemoryHub;
  readonly random: () => number;
  readonly processes: Process[];
  readonly queries: { readonly askedAt: number; settledAt: number | undefined }[] = [];
  faults = 0;
  #sent = 0;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    this.hub = new MemoryHub({ clock: this.clock, seed, faults: { delayMs: 4, duplicate: 0.1 } });
    this.processes = ["a", "b", "c", "d"].map((name) => {
      const clock = new ProcessClock(this.clock);
      const bus = this.hub.bus();
      const node = new ClusterNode({ bus, clock, name });
      node.start();
      return { node, bus, clock, socket: node.join() };
    });
    this.clock.advance(50);
    for (const { socket } of this.processes) socket.join(["all", "some"]);
    this.clock.advance(50);
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  emit({ node, clock }: Process): void {
    if (clock.isFrozen) return;
    const to = this.pick([[], ["all"], ["some", "all"], this.processes.map(({ socket }) => socket.id)]);
    node.emit(to, `${node.cluster.self.name} ${++this.#sent}`);
  }

  ask({ node, clock }: Process): void {
    if (clock.isFrozen) return;
    const query = { askedAt: this.clock.now(), settledAt: undefined as number | undefined };
    this.queries.push(query);
    const settled = (): void => {
      query.settledAt = this.clock.now();
    };
    node.adapter.count({ rooms: new Set(["all"]) }).then(settled, settled);
  }

  /** One fault, and its end. */
  misfortune(): void {
    this.faults += 1;
    const [one, other] = [this.pick(this.processes), this.pick(this.processes)];
    const later = (ms: number, mend: () => void): void => void this.clock.setTimer(mend, ms);
    const kinds = [
      () => {
        one.bus.lose();
        later(this.random() * 4000, () => one.bus.restore());
      },
      () => {
        if (one === other) return;
        this.hub.cut(one.bus, other.bus);
        later(CUT_MS + this.random() * 9000, () => this.hub.heal());
      },
      () => {
        one.clock.freeze();
        one.bus.freeze();
        later(this.random() * 15_000, () => {
          one.bus.thaw();
          one.clock.thaw();
        });
      },
    ];
    this.pick(kinds)();
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      const process = this.pick(this.processes);
      const what = this.random();
      if (what < 0.1) this.misfortune();
      else if (what < 0.2) this.ask(process);
      else for (let n = 0; n < 3; n++) this.emit(process);
      this.clock.advance(Math.floor(this.random() * 400));
      // Promises settle between two steps.
      await new Promise(setImmediate);
    }
  }

  /** All faults end, and time passes. */
  async mend(ms: number): Promise<void> {
    this.hub.heal();
    for (const { bus, clock } of this.processes) {
      bus.restore();
      bus.thaw();
      clock.thaw();
    }
    for (let passed = 0; passed < ms; passed += 100) {
      this.clock.advance(100);
      await new Promise(setImmediate);
    }
  }
}

/** What one socket got of one node, by number. */
function numbersOf(socket: NotingSocket, node: ClusterNode): number[] {
  return socket.got
    .map((event) => String(event).split(" "))
    .filter(([name]) => name === node.cluster.self.name)
    .map(([, number]) => Number(number));
}

describe.each(SEEDS)("seed %i", (seed) => {
  it("loses nothing untold, repeats nothing, keeps order, settles all queries and sees no ghosts", async () => {
    const world = new World(seed);
    await world.run();
    await world.mend(20_000);
    expect(world.faults).toBeGreaterThan(0);
    const { processes } = world;
    for (const { node: sender, socket: own } of processes) {
      const sent = numbersOf(own, sender);
      for (const { node, socket } of processes) {
        const got = numbersOf(socket, sender);
        const where = `${sender.cluster.self.name} → ${node.cluster.self.name}`;
        expect(new Set(got).size, `twice: ${where}`).toBe(got.length);
        expect(got, `order: ${where}`).toEqual([...got].sort((x, y) => x - y));
        if (got.length < sent.length) expect(node.gaps + sender.gaps, `untold: ${where}`).toBeGreaterThan(0);
      }
    }
    for (const { askedAt, settledAt } of world.queries) {
      expect(settledAt, `asked at ${askedAt}`).toBeDefined();
    }
    expect(processes.map(({ node }) => node.seen)).toEqual([4, 4, 4, 4]);

    const [dead, ...living] = processes;
    dead?.clock.freeze();
    dead?.bus.freeze();
    world.clock.advance(12_000);
    expect(living.map(({ node }) => node.seen)).toEqual([3, 3, 3]);
    for (const { node } of processes) expect(node.failures).toEqual([]);
  });
});
