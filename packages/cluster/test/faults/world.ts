// A whole cluster in one thread, under faults that a seed chooses: the same seed is the same run, to the last byte.
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { FrameFormat } from "@sockeye/cluster/internal";
import { type MemoryBus, MemoryHub, randomFrom } from "@sockeye/cluster/memory";
import { type ManualClock, manualClock } from "@sockeye/conformance/clock";
import { ClusterNode, type NotingSocket } from "@sockeye/conformance/cluster-node";
import type { BusSink, Clock, Timer } from "@sockeye/protocol";

/** With this, all goes through the log. */
const KEEP = { maxDisconnectionDuration: 60_000, maxPackets: 100_000 };
const NAMES = ["a", "b", "c", "d"];
const CLUSTER = "test";
const FORMAT = new FrameFormat("--------", undefined);

/** How long messages take, at most. */
export const DELAY_MS = 4;
const DELAY_WITH_LOG_MS = 80;
const CUT_MS = 12_000;
const DOWN_MS = 4_000;
const FROZEN_MS = 15_000;
/** Longer than each fault, and than it takes the others to notice. */
const REST_MS = FROZEN_MS + 20_000;

/** From when to when something lasted; without an end, it lasts. */
export interface Span {
  readonly from: number;
  to: number;
}

export function covers({ from, to }: Span, at: number): boolean {
  return from <= at && at <= to;
}

/** How often each kind of misfortune has struck. */
export type Faults = Record<"cut" | "lost" | "frozen" | "dropped" | "doubled", number>;

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

export interface Process {
  readonly name: string;
  readonly node: ClusterNode;
  readonly bus: MemoryBus;
  readonly clock: ProcessClock;
  /** In the rooms `all` and `some`, for ever. */
  readonly socket: NotingSocket;
  /** When it had no connection, and when it stood still. */
  readonly downs: Span[];
  readonly frozen: Span[];
  /** When its app was told that something is missing. */
  readonly gaps: number[];
}

/** What one process said to another, where it is more than the two. */
export interface Pair {
  readonly cuts: Span[];
  /** Frames that a cut has taken, under numbered topics. */
  readonly dropped: { readonly topic: string; readonly at: number }[];
  /** Those that were heard. */
  readonly heard: { readonly topic: string; readonly sentAt: number; readonly at: number }[];
}

export interface Sent {
  readonly event: string;
  readonly by: Process;
  readonly at: number;
  /** Was there no connection? */
  readonly waits: boolean;
}

export interface Query {
  readonly askedAt: number;
  settledAt: number | undefined;
}

export class World {
  readonly clock: ManualClock = manualClock();
  readonly hub: MemoryHub;
  readonly random: () => number;
  readonly processes: readonly Process[];
  readonly sent: Sent[] = [];
  readonly queries: Query[] = [];
  readonly faults: Faults = { cut: 0, lost: 0, frozen: 0, dropped: 0, doubled: 0 };
  /** Called whenever time has passed. */
  onPass: () => void = () => {};
  readonly #pairs = new Map<string, Pair>();
  readonly #cuts = new Set<readonly [Process, Process]>();
  /** By topic, node and number. */
  readonly #saidAt = new Map<string, number>();

  constructor(seed: number, { log }: { readonly log: boolean }) {
    this.random = randomFrom(seed);
    const faults = { delayMs: log ? DELAY_WITH_LOG_MS : DELAY_MS, duplicate: 0.1 };
    this.hub = new MemoryHub({ clock: this.clock, seed, faults });
    this.processes = NAMES.map((name) => this.#start(name, log));
    this.hub.struck = (what, { from, to, topic }) => {
      this.faults[what] += 1;
      if (what === "doubled" || !isNumbered(topic)) return;
      const [sender, receiver] = [from, to].map((bus) => this.processes.find((one) => one.bus === bus));
      if (sender && receiver) this.pair(sender, receiver).dropped.push({ topic, at: this.clock.now() });
    };
  }

  /** The nodes know each other, and all sockets are in their rooms. */
  async begin(): Promise<this> {
    await this.pass(100, 10);
    for (const { socket } of this.processes) socket.join(["all", "some"]);
    await this.pass(200, 100);
    return this;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  pair(from: Process, to: Process): Pair {
    const name = `${from.name} → ${to.name}`;
    const known = this.#pairs.get(name) ?? { cuts: [], dropped: [], heard: [] };
    this.#pairs.set(name, known);
    return known;
  }

  /** All sockets are meant, by one name or another. */
  emit(by: Process, word = ""): void {
    if (by.clock.isFrozen) return;
    const to = this.pick([[], ["all"], ["some", "all"], this.processes.map(({ socket }) => socket.id)]);
    const isPrivate = (to[0]?.length ?? 0) > 4;
    const event = `${by.name} ${this.sent.length}${isPrivate ? " private" : ""}${word}`;
    this.sent.push({ event, by, at: this.clock.now(), waits: !by.node.cluster.isUp });
    by.node.emit(to, event);
  }

  ask({ node, clock }: Process): void {
    if (clock.isFrozen) return;
    const query: Query = { askedAt: this.clock.now(), settledAt: undefined };
    this.queries.push(query);
    const settled = (): void => {
      query.settledAt = this.clock.now();
    };
    node.adapter.count({ rooms: new Set(["all"]) }).then(settled, settled);
  }

  /** One fault, which ends by itself. */
  misfortune(): void {
    const [one, other] = [this.pick(this.processes), this.pick(this.processes)];
    const kinds = [() => this.#lose(one), () => this.#cut(one, other), () => this.#freeze(one)];
    this.pick(kinds)();
  }

  /** Time passes, and between two moments promises settle. */
  async pass(ms: number, stepMs = ms): Promise<void> {
    let passed = 0;
    do {
      this.clock.advance(stepMs);
      await new Promise(setImmediate);
      this.onPass();
      passed += stepMs;
    } while (passed < ms);
  }

  /** All faults end by themselves, and the nodes notice. */
  rest(): Promise<void> {
    return this.pass(REST_MS, 500);
  }

  #lose(one: Process): void {
    if (!one.node.cluster.isUp) return;
    this.faults.lost += 1;
    const end = this.#begins(one.downs);
    one.bus.lose();
    this.#later(DOWN_MS, () => {
      end();
      one.bus.restore();
    });
  }

  #freeze(one: Process): void {
    if (one.clock.isFrozen) return;
    this.faults.frozen += 1;
    const end = this.#begins(one.frozen);
    one.clock.freeze();
    one.bus.freeze();
    this.#later(FROZEN_MS, () => {
      end();
      one.bus.thaw();
      one.clock.thaw();
    });
  }

  /** What one says does not reach the other any more. */
  #cut(one: Process, other: Process): void {
    const isCut = [...this.#cuts].some(([from, to]) => from === one && to === other);
    if (one === other || isCut) return;
    this.faults.cut += 1;
    const cut = [one, other] as const;
    this.#cuts.add(cut);
    this.hub.cut(one.bus, other.bus);
    const end = this.#begins(this.pair(one, other).cuts);
    this.#later(CUT_MS, () => {
      end();
      this.#cuts.delete(cut);
      this.hub.heal();
      for (const [from, to] of this.#cuts) this.hub.cut(from.bus, to.bus);
    });
  }

  #later(withinMs: number, mend: () => void): void {
    this.clock.setTimer(mend, this.random() * withinMs);
  }

  #begins(spans: Span[]): () => void {
    const span: Span = { from: this.clock.now(), to: Number.POSITIVE_INFINITY };
    spans.push(span);
    return () => {
      span.to = this.clock.now();
    };
  }

  #start(name: string, log: boolean): Process {
    const clock = new ProcessClock(this.clock);
    const bus = this.hub.bus();
    this.#watch(bus);
    const node = new ClusterNode({ bus, clock, name, cluster: CLUSTER, keep: log ? KEEP : undefined });
    const gaps: number[] = [];
    node.onGap = () => gaps.push(this.clock.now());
    // A node that is deaf makes its connection anew.
    const downs: Span[] = [];
    const restart = bus.restart.bind(bus);
    bus.restart = () => {
      this.#begins(downs)();
      restart();
    };
    node.start();
    return { name, node, bus, clock, socket: node.join(), downs, frozen: [], gaps };
  }

  /** Notes when numbered messages are said, and when they are heard. */
  #watch(bus: MemoryBus): void {
    const note = (topic: string, bytes: Uint8Array, act: (key: string, origin: string) => void): void => {
      if (!isNumbered(topic)) return;
      const { origin, messages } = FORMAT.read(topic, bytes);
      for (const { seq } of messages) act(`${topic} ${origin} ${seq}`, origin);
    };
    const publish = bus.publish.bind(bus);
    bus.publish = (topic, bytes) => {
      note(topic, bytes, (key) => this.#saidAt.set(key, this.clock.now()));
      publish(topic, bytes);
    };
    const open = bus.open.bind(bus);
    bus.open = (sink: BusSink) =>
      open({
        ...sink,
        message: (topic, bytes, at) => {
          sink.message(topic, bytes, at);
          if (!at)
            note(topic, bytes, (key, origin) =>
              this.#heard({ bus, origin, topic, sentAt: this.#saidAt.get(key) }),
            );
        },
      });
  }

  #heard({ bus, origin, topic, sentAt }: Heard): void {
    const from = this.processes.find(({ node }) => node.cluster.id === origin);
    const to = this.processes.find((one) => one.bus === bus);
    if (from && to && sentAt !== undefined)
      this.pair(from, to).heard.push({ topic, sentAt, at: this.clock.now() });
  }
}

interface Heard {
  readonly bus: MemoryBus;
  readonly origin: string;
  readonly topic: string;
  readonly sentAt: number | undefined;
}

/** Of rooms there are too many for numbers. */
function isNumbered(topic: string): boolean {
  return !topic.includes("}#");
}

/** Ids, epochs and the times of beats are drawn from the seed, too, while this lasts. */
export async function drawn<T>(seed: number, act: () => Promise<T>): Promise<T> {
  const { randomBytes } = crypto;
  const { random } = Math;
  const draw = randomFrom(seed + 1e6);
  Math.random = draw;
  Object.assign(crypto, {
    randomBytes: (length: number) => Buffer.from(Array.from({ length }, () => draw() * 256)),
  });
  syncBuiltinESMExports();
  try {
    return await act();
  } finally {
    Math.random = random;
    Object.assign(crypto, { randomBytes });
    syncBuiltinESMExports();
  }
}

/** What a run has shown. */
export interface Played {
  /** What must not be. */
  readonly problems: readonly string[];
  readonly faults: Faults;
  /** Losses that nobody is told of, since no numbered message was lost beside them. */
  readonly silent: number;
}
