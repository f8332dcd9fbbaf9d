import { describe, expect, it } from "vitest";
import { Continuations } from "../../src/server/turns/continuations.js";
import { DIRECT_UNITS, type Loop, Turns, unitsOf, type Waiter } from "../../src/server/turns/turns.js";

const TURN_MS = 5;

/** A clock that work moves: what is deferred runs when the test ends a turn. */
class ManualLoop implements Loop {
  ms = 0;
  #deferred: (() => void)[] = [];
  readonly turns = new Turns(this, TURN_MS);

  now(): number {
    return this.ms;
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  get isIdle(): boolean {
    return this.#deferred.length === 0;
  }

  endTurn(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const callback of deferred) callback();
  }
}

/** A connection that has so many messages of such a cost, as pipes read them: at once, or when its turn comes. */
class Connection implements Waiter {
  handled = 0;
  readonly at: number[] = [];

  constructor(
    readonly loop: ManualLoop,
    readonly messages: number,
    readonly ms: number,
    readonly units = 1,
  ) {}

  /** All of it comes in. */
  arrive(): this {
    let share = DIRECT_UNITS;
    while (this.handled < this.messages) {
      if ((this.units > share && this.handled > 0) || !this.loop.turns.allows(this.units)) {
        this.loop.turns.wait(this, this.units);
        return this;
      }
      share -= this.units;
      this.#handle();
    }
    return this;
  }

  take(units: number): boolean {
    for (let left = units; this.handled < this.messages; left -= this.units) {
      if (this.units > left && left < units) return true;
      this.#handle();
    }
    return false;
  }

  #handle(): void {
    this.handled++;
    this.loop.ms += this.ms;
    this.at.push(this.loop.ms);
  }
}

/** Offenders, who come first, and one who comes after them with a single short message: how long does that wait? */
interface Crowd {
  readonly offenders: number;
  readonly messages: number;
  /** Of one message. */
  readonly ms: number;
  readonly units: number;
  /** Allowed for the short message, in ms, whenever it comes. */
  readonly bound: number;
}

const CROWDS: readonly [string, Crowd][] = [
  ["10,000 tiny messages", { offenders: 1, messages: 10_000, ms: 0.005, units: 1, bound: 20 }],
  ["the same from a hundred", { offenders: 100, messages: 10_000, ms: 0.005, units: 1, bound: 20 }],
  ["the same from a thousand", { offenders: 1000, messages: 1000, ms: 0.005, units: 1, bound: 200 }],
  ["50 messages of 1 MB", { offenders: 1, messages: 50, ms: 8, units: unitsOf(1e6, true), bound: 20 }],
  [
    "one of 1 MB from each of a hundred",
    { offenders: 100, messages: 1, ms: 8, units: unitsOf(1e6, true), bound: 20 },
  ],
  [
    "ten of 1 MB from each of a hundred",
    { offenders: 100, messages: 10, ms: 8, units: unitsOf(1e6, true), bound: 20 },
  ],
  ["messages of 64 KB", { offenders: 20, messages: 100, ms: 0.6, units: unitsOf(65_536, true), bound: 20 }],
  ["requests by the thousand", { offenders: 20, messages: 1000, ms: 0.1, units: 16, bound: 20 }],
];

describe("how long others wait", () => {
  it.each(CROWDS)("for %s", (_name, { offenders, messages, ms, units, bound }) => {
    const loop = new ManualLoop();
    const crowd = Array.from({ length: offenders }, () => new Connection(loop, messages, ms, units));
    const total = offenders * messages;
    const done = (): number => crowd.reduce((sum, { handled }) => sum + handled, 0);
    let longest = 0;
    let turns = 0;
    for (const each of crowd) each.arrive();
    while (done() < total) {
      // It comes at the beginning of a turn, or has waited in the network since the end of the one before.
      const since = loop.ms;
      const other = new Connection(loop, 1, 0).arrive();
      loop.endTurn();
      // If it had to wait it is served in this turn, among the first.
      while (other.handled === 0) loop.endTurn();
      longest = Math.max(longest, (other.at[0] as number) - since);
      longest = Math.max(longest, loop.ms - since);
      turns++;
    }
    expect(longest).toBeLessThanOrEqual(bound);
    // And nothing is idled away: what waits is handled for as long as a turn has time, one piece at least.
    expect(turns).toBeLessThanOrEqual(Math.ceil((total * ms) / Math.min(TURN_MS, Math.max(ms, 1))) + 2);
  });

  it("waits, too, if it comes in the same turn as the crowd, but not behind all that the crowd has", () => {
    const loop = new ManualLoop();
    for (let n = 0; n < 100; n++) new Connection(loop, 10_000, 0.005).arrive();
    const other = new Connection(loop, 1, 0).arrive();
    expect(other.handled).toBe(0);
    for (let n = 0; n < 3; n++) loop.endTurn();
    expect(other.at[0]).toBeLessThanOrEqual(20);
  });
});

describe("Turns", () => {
  it("looks at the clock once for many messages, and not at all for a few", () => {
    const loop = new ManualLoop();
    let looks = 0;
    const turns = new Turns({ now: () => looks++, defer: (callback) => loop.defer(callback) });
    for (let n = 0; n < 16; n++) expect(turns.allows(1)).toBe(true);
    expect(looks).toBe(0);
    for (let n = 0; n < 160; n++) turns.allows(1);
    expect(looks).toBeLessThanOrEqual(11);
  });

  it("defers nothing for those who do not wait, beyond the end of the turn", () => {
    const loop = new ManualLoop();
    new Connection(loop, 200, 0.001).arrive();
    loop.endTurn();
    expect(loop.isIdle).toBe(true);
  });

  it("keeps looking at the clock if handlers are slow", () => {
    const loop = new ManualLoop();
    // It cannot know before.
    new Connection(loop, 100, 4).arrive();
    while (!loop.isIdle) loop.endTurn();
    const next = new Connection(loop, 100, 4).arrive();
    expect(next.handled).toBeLessThanOrEqual(4);
    const before = next.handled;
    loop.endTurn();
    expect(next.handled - before).toBeLessThanOrEqual(3);
  });

  it("serves those who wait one after the other, and everybody in the end", () => {
    const loop = new ManualLoop();
    const crowd = Array.from({ length: 5 }, () => new Connection(loop, 1000, 0.05).arrive());
    for (let n = 0; n < 20; n++) loop.endTurn();
    const handled = crowd.slice(1).map((each) => each.handled);
    expect(Math.max(...handled) - Math.min(...handled)).toBeLessThanOrEqual(32);
    while (!loop.isIdle) loop.endTurn();
    expect(crowd.map((each) => each.handled)).toEqual([1000, 1000, 1000, 1000, 1000]);
  });

  it("does not starve those with much to do behind a stream of those with little", () => {
    const loop = new ManualLoop();
    const heavy = new Connection(loop, 20, 8, 2000).arrive();
    for (let n = 0; n < 20; n++) {
      for (let each = 0; each < 50; each++) new Connection(loop, 10, 0.05).arrive();
      loop.endTurn();
    }
    expect(heavy.handled).toBe(20);
  });

  it("handles all at once without a limit, but for the share of a connection", () => {
    const loop = new ManualLoop();
    const turns = new Turns(loop, Number.POSITIVE_INFINITY);
    for (let n = 0; n < 10_000; n++) {
      loop.ms += 1;
      expect(turns.allows(1000)).toBe(true);
    }
  });
});

describe("one that throws in its turn", () => {
  it("keeps none of the others from theirs: of the same client, of other clients, and what comes in", () => {
    const loop = new ManualLoop();
    const said: string[] = [];
    const [first, second] = [new Continuations(loop.turns), new Continuations(loop.turns)];
    first.add(() => {
      throw new Error("broken");
    });
    first.add(() => said.push("same client"));
    second.add(() => said.push("other client"));
    expect(loop.turns.allows(1)).toBe(false);
    expect(() => loop.endTurn()).toThrow("broken");
    loop.endTurn();
    expect(said.sort()).toEqual(["other client", "same client"]);
    expect(loop.turns.allows(1)).toBe(true);
    expect(first.goesOn()).toBe(true);
  });
});
