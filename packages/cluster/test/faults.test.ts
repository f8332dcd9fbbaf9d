// Whole clusters in one thread, under faults that a seed chooses: the same seed is the same run, to the last byte. A run that fails prints its
// seed; CLUSTER_SEED=n repeats it, and CLUSTER_RUNS=n makes more of them.
import { type MemoryBus, MemoryHub, randomFrom } from "@sockeye/cluster/memory";
import { ClusterNode, type ManualClock, manualClock, type NotingSocket } from "@sockeye/conformance";
import type { Clock, Timer } from "@sockeye/protocol";
import { describe, expect, it, vi } from "vitest";

/** All that is drawn while a world lasts: the same seed is the same run, ids and the times of beats included. */
const drawn = vi.hoisted(() => ({ random: (): number => 0.5 }));
vi.mock("node:crypto", async (original) => ({
  ...(await original<typeof import("node:crypto")>()),
  randomBytes: (length: number) => Buffer.from(Array.from({ length }, () => drawn.random() * 256)),
}));
vi.spyOn(Math, "random").mockImplementation(() => drawn.random());

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
  /** Losses and standstills so far, and those of now. */
  troubles: number;
  isTroubled: boolean;
}

/** With this, all goes through the log. */
const KEEP = { maxDisconnectionDuration: 60_000, maxPackets: 100_000 };

class World {
  readonly clock = manualClock();
  readonly hub: MemoryHub;
  readonly random: () => number;
  readonly processes: Process[];
  readonly queries: { readonly askedAt: number; settledAt: number | undefined }[] = [];
  faults = 0;
  /** Pairs with a silent cut while no beat went over it: what is lost of rooms is nobody's to notice. */
  readonly unheard = new Set<string>();
  readonly #cuts = new Set<readonly [MemoryBus, MemoryBus]>();
  #sent = 0;

  constructor(seed: number, keep?: typeof KEEP) {
    this.random = randomFrom(seed);
    drawn.random = randomFrom(seed + 1e6);
    this.hub = new MemoryHub({ clock: this.clock, seed, faults: { delayMs: keep ? 80 : 4, duplicate: 0.1 } });
    this.processes = ["a", "b", "c", "d"].map((name) => {
      const clock = new ProcessClock(this.clock);
      const bus = this.hub.bus();
      const node = new ClusterNode({ bus, clock, name, keep });
      node.start();
      return { node, bus, clock, socket: node.join(), troubles: 0, isTroubled: false };
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
    const isPrivate = (to[0]?.length ?? 0) > 4;
    node.emit(to, `${node.cluster.self.name} ${++this.#sent}${isPrivate ? " private" : ""}`);
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
    const trouble = (ms: number, mend: () => void): void => {
      one.troubles += 1;
      one.isTroubled = true;
      later(ms, () => {
        mend();
        one.isTroubled = false;
      });
    };
    const kinds = [
      () => {
        one.bus.lose();
        trouble(this.random() * 4000, () => one.bus.restore());
      },
      () => {
        if (one === other) return;
        const cut = [one.bus, other.bus] as const;
        const troubles = one.troubles + other.troubles;
        this.#cuts.add(cut);
        this.hub.cut(...cut);
        later(CUT_MS + this.random() * 9000, () => {
          this.#cuts.delete(cut);
          if (one.troubles + other.troubles > troubles || one.isTroubled || other.isTroubled)
            this.unheard.add(`${one.node.cluster.self.name} → ${other.node.cluster.self.name}`);
          this.hub.heal();
          for (const left of this.#cuts) this.hub.cut(...left);
        });
      },
      () => {
        one.clock.freeze();
        one.bus.freeze();
        trouble(this.random() * 15_000, () => {
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
    this.#cuts.clear();
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
        if (got.length < sent.length && !world.unheard.has(where))
          expect(node.gaps + sender.gaps, `untold: ${where}`).toBeGreaterThan(0);
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

function isPrivate(event: unknown): boolean {
  return String(event).endsWith("private");
}

/** Clients that move from node to node, while nodes break, freeze and are cut off. */
describe.each(SEEDS)("with a log, seed %i", (seed) => {
  it("says `recovered` to nobody who has missed something, and tells all in one order", async () => {
    const world = new World(seed, KEEP);
    const { processes, clock } = world;
    clock.advance(100);
    await new Promise(setImmediate);
    clock.advance(100);
    // What each client got since it was last told that it begins anew.
    const clients = Array.from({ length: 3 }, (_, n) => {
      const { node } = processes[n] as Process;
      const socket = node.join("all", "some");
      return {
        at: processes[n] as Process,
        socket,
        seen: socket.got,
        alone: socket.alone,
        away: false,
        returns: 0,
        begun: 0,
      };
    });
    const order: unknown[] = [];
    const { carry } = world.hub;
    const position = new Map<unknown, number>();
    world.hub.carry = function (from, told) {
      // What is kept comes by here in the order of the log.
      if (told.at) {
        const [, event] = /42\["([^"]+)"/.exec(Buffer.from(told.bytes).toString("latin1")) ?? [];
        if (event !== undefined && position.get(event) === undefined) position.set(event, order.push(event));
      }
      carry.call(this, from, told);
    };
    for (let step = 0; step < STEPS; step++) {
      const process = world.pick(processes);
      const what = world.random();
      if (what < 0.06) world.misfortune();
      else for (let n = 0; n < 2; n++) world.emit(process);
      const client = world.pick(clients);
      if (what > 0.7 && !client.at.clock.isFrozen && !client.away) {
        client.at.node.lose(client.socket);
        client.away = true;
      } else if (what > 0.5 && client.away) {
        const next = world.pick(processes);
        if (next.clock.isFrozen) continue;
        // Its middlewares take their time, and more is sent meanwhile.
        let decide = (): void => {};
        const decided = new Promise<void>((resolve) => {
          decide = resolve;
        });
        const coming = next.node.comesBack(client.socket, decided).catch(() => undefined);
        client.away = false;
        client.at = next;
        let isOpen = true;
        coming.then(() => {
          isOpen = false;
        });
        for (let wait = 0; isOpen && wait < 1000; wait++) {
          if (wait % 3 === 0) world.emit(world.pick(processes));
          if (wait > 30) decide();
          clock.advance(5);
          await new Promise(setImmediate);
        }
        expect(isOpen, "an answer").toBe(false);
        const socket = await coming;
        if (socket) {
          client.returns += 1;
          // Up to here it has all.
          client.seen.push(...socket.got.splice(0));
          complete(client.seen);
          for (const event of socket.alone) client.alone.add(event);
          Object.assign(socket, { got: client.seen, alone: client.alone });
          client.socket = socket;
        } else {
          client.begun += 1;
          client.socket = next.node.join("all", "some");
          client.seen = client.socket.got;
          client.alone = client.socket.alone;
        }
      }
      clock.advance(Math.floor(world.random() * 300));
      await new Promise(setImmediate);
      for (const client of clients) check(client);
    }

    /** Of what is in the log for all, none is left out between the first and the last. */
    function complete(seen: readonly unknown[]): void {
      const numbers = seen.flatMap((event) => position.get(event) ?? []);
      const forAll = order
        .slice((numbers[0] ?? 1) - 1, numbers.at(-1) ?? 0)
        .filter((event) => !isPrivate(event));
      expect(
        forAll.filter((event) => !seen.includes(event)),
        "missing",
      ).toEqual([]);
    }

    // What a node that is cut off tells alone comes out of order, and again to those who leave it before it is back.
    function check({ seen, alone }: { seen: readonly unknown[]; alone: ReadonlySet<unknown> }): void {
      const logged = seen.filter((event) => !alone.has(event));
      expect(new Set(logged).size, "twice").toBe(logged.length);
      const kept = logged.flatMap((event) => position.get(event) ?? []);
      expect(kept, "order").toEqual([...kept].sort((x, y) => x - y));
    }
    expect(clients.reduce((sum, { returns }) => sum + returns, 0)).toBeGreaterThan(0);
  });
});
