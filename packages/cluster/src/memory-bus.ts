import { randomBytes } from "node:crypto";
import type { Bus, BusLog, BusRecords, BusSink, Clock, Position } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import { LogStore, RecordStore } from "@sockeye/protocol/stores";

/** What goes wrong by itself. All chances are numbers from 0 to 1, drawn from the seed. */
export interface MemoryFaults {
  /** A message takes up to so many milliseconds from one node to another. Within a pair nothing overtakes. Default 0. */
  readonly delayMs?: number | undefined;
  /** A message comes a second time. Default 0. */
  readonly duplicate?: number | undefined;
}

/** Where a fault has struck. */
interface Struck {
  readonly from: object;
  readonly to: MemoryBus;
  readonly topic: string;
}

export interface MemoryHubOptions {
  readonly clock: Clock;
  /** Of the faults: the same seed, the same run. Default 1. */
  readonly seed?: number | undefined;
  readonly faults?: MemoryFaults | undefined;
  readonly maxBytes?: number | undefined;
  /** False: an engine that keeps nothing. Default true. */
  readonly keeps?: boolean | undefined;
}

/**
 * An engine in memory, for tests: buses that reach each other inside one process, with faults on demand. It is driven by a clock, so
 * that a run with a manual one is the same each time.
 */
export class MemoryHub {
  readonly clock: Clock;
  readonly maxBytes: number;
  /** May be changed at any time. */
  faults: MemoryFaults;
  readonly keeps: boolean;
  readonly logs: LogStore = new LogStore({ newEpoch: () => randomBytes(6).toString("base64url") });
  readonly records: RecordStore = new RecordStore();
  /** Called with each message that a cut or a broken connection has taken, or that comes a second time. */
  struck: (what: "dropped" | "doubled", where: Struck) => void = () => {};
  readonly #buses = new Set<MemoryBus>();
  readonly #cuts = new Map<MemoryBus, Set<MemoryBus>>();
  #random: () => number;

  constructor({ clock, seed = 1, faults = {}, maxBytes = 1_048_576, keeps = true }: MemoryHubOptions) {
    this.clock = clock;
    this.keeps = keeps;
    this.maxBytes = maxBytes;
    this.faults = faults;
    this.#random = randomFrom(seed);
  }

  /** A bus for one more node. */
  bus(): MemoryBus {
    const bus = new MemoryBus(this);
    this.#buses.add(bus);
    return bus;
  }

  /** What one node sends does not reach another one any more, and nobody is told. */
  cut(from: MemoryBus, to: MemoryBus): void {
    const cut = this.#cuts.get(from) ?? new Set();
    this.#cuts.set(from, cut.add(to));
  }

  heal(): void {
    this.#cuts.clear();
  }

  removed(bus: MemoryBus): void {
    this.#buses.delete(bus);
  }

  /** What is kept comes from the engine, and no cut between nodes keeps it back. */
  carry(from: MemoryBus, { topics, bytes, at }: Told): void {
    for (const to of this.#buses) {
      if (!topics.some((topic) => to.hears(topic))) continue;
      const topic = topics[0] ?? "";
      if (!at && this.#cuts.get(from)?.has(to)) {
        this.struck("dropped", { from, to, topic });
        continue;
      }
      const copies = this.#random() < (this.faults.duplicate ?? 0) ? 2 : 1;
      if (copies > 1) this.struck("doubled", { from, to, topic });
      for (let copy = 0; copy < copies; copy++)
        to.take(at ? this : from, { topic, bytes: bytes.slice(), at, delayMs: this.delay() });
    }
  }

  /** Milliseconds that the next message takes. */
  delay(): number {
    return Math.floor(this.#random() * ((this.faults.delayMs ?? 0) + 1));
  }
}

interface Told {
  readonly topics: readonly string[];
  readonly bytes: Uint8Array;
  readonly at?: Position | undefined;
}

interface Carried {
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly at: Position | undefined;
  readonly delayMs: number;
}

/** One node's end of a {@link MemoryHub}. */
export class MemoryBus implements Bus {
  readonly order: "all" = "all";
  readonly local: true = true;
  readonly #hub: MemoryHub;
  readonly #log: BusLog;
  readonly #records: BusRecords;
  readonly #topics = new Set<string>();
  /** When the last message of each sender arrives that takes its time: none overtakes it. */
  readonly #lastAt = new Map<object, number>();
  #sink: BusSink | undefined = undefined;
  #isUp = false;
  /** Messages of a connection that was lost never arrive. */
  #connection = 0;
  #askedAt = 0;
  #held: (() => void)[] | undefined = undefined;
  /** How many messages have reached this node, its own included. */
  received = 0;
  /** How often it was asked to reconnect. */
  restarts = 0;

  constructor(hub: MemoryHub) {
    const { logs, records, clock } = hub;
    this.#hub = hub;
    this.#log = {
      append: (group, batch) =>
        this.#asked(() => {
          const added = logs.append(group, batch, clock.now());
          for (const entry of added ?? []) hub.carry(this, entry);
          return added === undefined ? "unexpected" : added.length > 0 ? "stored" : "known";
        }),
      end: (group) => this.#asked(() => logs.end(group)),
      read: (group, after, topics) => this.#asked(() => logs.read(group, after, topics)),
      renew: (group) => this.#asked(() => logs.renew(group)),
    };
    this.#records = {
      get: (key) => this.#asked(() => records.get(key, clock.now())),
      put: (key, bytes, version, ttlMs) =>
        this.#asked(() => records.put(key, bytes, { version, ttlMs, now: clock.now() })),
      delete: (key, version) => this.#asked(() => records.delete(key, version, clock.now())),
      touch: (keys, ttlMs) => this.#asked(() => records.touch(keys, ttlMs, clock.now())),
    };
  }

  get maxBytes(): number {
    return this.#hub.maxBytes;
  }

  get log(): BusLog | undefined {
    return this.#hub.keeps ? this.#log : undefined;
  }

  get records(): BusRecords | undefined {
    return this.#hub.keeps ? this.#records : undefined;
  }

  open(sink: BusSink): Promise<void> {
    this.#sink = sink;
    this.#isUp = true;
    this.#confirm([...this.#topics]);
    return Promise.resolve();
  }

  publish(topic: string, bytes: Uint8Array): void {
    if (this.#isUp) this.#hub.carry(this, { topics: [topic], bytes });
  }

  subscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.add(topic);
    if (this.#isUp) this.#confirm([...topics]);
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.delete(topic);
  }

  restart(): void {
    this.restarts += 1;
    this.lose();
    this.restore();
  }

  close(): Promise<void> {
    this.#sink = undefined;
    this.#isUp = false;
    this.#hub.removed(this);
    return Promise.resolve();
  }

  // ---- faults

  /** The connection breaks: nothing comes or goes, and what was under way is lost. */
  lose(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#connection += 1;
    this.#sink?.down(new ClusterError("ERR_BUS_DOWN", "the memory bus was told to break"));
  }

  restore(): void {
    if (this.#isUp || !this.#sink) return;
    this.#isUp = true;
    this.#sink.up(true);
  }

  /** The process stands still: what comes waits. */
  freeze(): void {
    this.#held ??= [];
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const deliver of held) deliver();
  }

  // ---- from the hub

  hears(topic: string): boolean {
    return this.#isUp && this.#topics.has(topic);
  }

  take(from: object, { topic, bytes, at: place, delayMs }: Carried): void {
    const { clock } = this.#hub;
    const now = clock.now();
    const at = Math.max(now + delayMs, this.#lastAt.get(from) ?? Number.NEGATIVE_INFINITY);
    const connection = this.#connection;
    const deliver = (): void => {
      if (connection !== this.#connection) {
        this.#hub.struck("dropped", { from, to: this, topic });
        return;
      }
      if (this.#held) {
        this.#held.push(deliver);
        return;
      }
      this.received += 1;
      if (place) this.#sink?.message(topic, bytes, place);
      else this.#sink?.message(topic, bytes);
    };
    if (at === now && !this.#lastAt.has(from)) {
      clock.defer(deliver);
      return;
    }
    this.#lastAt.set(from, at);
    clock.setTimer(deliver, at - now);
  }

  /** A question to the engine, and its answer. If the connection breaks between them, what was asked for has happened all the same. */
  #asked<T>(act: () => T): Promise<T> {
    const connection = this.#connection;
    return new Promise((resolve, reject) => {
      const whileUp = (step: () => void) => (): void => {
        if (this.#isUp && connection === this.#connection) step();
        else reject(new ClusterError("ERR_BUS_DOWN", "the memory bus was told to break"));
      };
      this.#inOrder(
        whileUp(() => {
          const answer = act();
          this.#inOrder(whileUp(() => this.#unlessFrozen(() => resolve(answer))));
        }),
      );
    });
  }

  #unlessFrozen(step: () => void): void {
    if (this.#held) this.#held.push(step);
    else step();
  }

  /** Nothing of one node overtakes. */
  #inOrder(step: () => void): void {
    const { clock } = this.#hub;
    const now = clock.now();
    this.#askedAt = Math.max(this.#askedAt, now + this.#hub.delay());
    if (this.#askedAt === now) clock.defer(step);
    else clock.setTimer(step, this.#askedAt - now);
  }

  #confirm(topics: readonly string[]): void {
    const connection = this.#connection;
    this.#hub.clock.defer(() => {
      if (connection === this.#connection) this.#sink?.subscribed(topics);
    });
  }
}

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
