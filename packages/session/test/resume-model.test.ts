import type { EncodedPacket } from "@sockeye/protocol";
import { SESSION_STATES } from "@sockeye/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { comeBack, Road } from "./roads.js";
import { type Half, states, type Talk, talk } from "./talk.js";

/*
 * Two sessions that count, and any number of roads between them, in the hands of chance: every order of arrivals, writes, heartbeats,
 * losses that one end notices and the other does not, and returns, that the acts below can make.
 */

type Act =
  | { readonly act: "clientSays" | "serverSays"; readonly bytes: boolean }
  | { readonly act: "up" | "down" | "turnEnds" | "lateUp" | "lateDown" }
  | { readonly act: "timePasses"; readonly ms: number }
  | { readonly act: "serverHeld" | "serverFree" | "clientHeld" | "clientFree" }
  | { readonly act: "clientNotices" | "serverNotices" | "roadDies" | "clientReturns" }
  | { readonly act: "clientGivesUp" | "serverGivesUp"; readonly which: number }
  | { readonly act: "clientCloses" | "serverCloses" };

const ordinary: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ act: fc.constantFrom("clientSays", "serverSays"), bytes: fc.boolean() }),
  },
  { weight: 16, arbitrary: fc.record({ act: fc.constantFrom("up", "down", "turnEnds") }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("lateUp", "lateDown") }) },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constantFrom("clientGivesUp", "serverGivesUp"), which: fc.nat(3) }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("timePasses"), ms: fc.nat(600) }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constantFrom("serverHeld", "serverFree", "clientHeld", "clientFree") }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constantFrom("clientNotices", "serverNotices", "roadDies", "clientReturns"),
    }),
  },
) as fc.Arbitrary<Act>;

const closing: fc.Arbitrary<Act> = fc.record({
  act: fc.constantFrom("clientCloses", "serverCloses"),
}) as fc.Arbitrary<Act>;

/** So long that no run of ordinary acts outlasts it. */
const WINDOW_MS = 1_000_000;
/** A few messages. */
const BYTES = 700;

class World {
  readonly talk: Talk;
  readonly said = { client: [] as number[], server: [] as number[] };
  readonly #packets = new Map<number, EncodedPacket>();
  /** The newest is last. What is on its way on the others may still arrive. */
  readonly #roads: Road[] = [new Road()];
  #n = 0;

  constructor(windowMs = WINDOW_MS, bytes = BYTES) {
    this.talk = talk({}, [], { window: windowMs, bytes });
    const [road] = this.#roads;
    if (!road) throw new Error("there is no road");
    this.talk.client.session.start(road.client);
    this.talk.server.session.start(road.server);
    // Until the server has heard of the client there is nothing to return to.
    this.#carryAll();
    this.#say("client", false);
    this.#carryAll();
  }

  get #road(): Road {
    return this.#roads.at(-1) as Road;
  }

  perform(act: Act): void {
    this.#do(act);
    this.#check();
  }

  /** The network heals, the client returns once more, and everything arrives. */
  settle(): void {
    const { clock } = this.talk;
    for (const road of this.#roads) road.die();
    this.#do({ act: "clientReturns" });
    this.#carryAll();
    // Two heartbeats.
    for (let passed = 0; passed < 2500; passed += 250) {
      clock.advance(250);
      this.#carryAll();
    }
    this.#check();
  }

  #carryAll(): void {
    const { client, server } = this.#road;
    client.release();
    server.release();
    do {
      this.talk.clock.flush();
      this.#road.up();
      this.#road.down();
      this.talk.clock.flush();
    } while (!this.#road.idle);
  }

  #do(act: Act): void {
    const { clock, client, server } = this.talk;
    switch (act.act) {
      case "clientSays":
        this.#say("client", act.bytes);
        return;
      case "serverSays":
        this.#say("server", act.bytes);
        return;
      case "clientGivesUp":
        this.#giveUp("client", act.which);
        return;
      case "serverGivesUp":
        this.#giveUp("server", act.which);
        return;
      case "up":
        this.#road.up();
        return;
      case "down":
        this.#road.down();
        return;
      case "lateUp":
        this.#roads.at(-2)?.up();
        return;
      case "lateDown":
        this.#roads.at(-2)?.down();
        return;
      case "turnEnds":
        clock.flush();
        return;
      case "timePasses":
        clock.advance(act.ms);
        return;
      case "serverHeld":
        this.#road.server.held = true;
        return;
      case "serverFree":
        this.#road.server.release();
        return;
      case "clientHeld":
        this.#road.client.held = true;
        return;
      case "clientFree":
        this.#road.client.release();
        return;
      case "clientNotices":
        this.#road.client.end("lost");
        return;
      case "serverNotices":
        this.#road.server.end("lost");
        return;
      case "roadDies":
        this.#road.die();
        return;
      case "clientReturns":
        this.#return();
        return;
      case "clientCloses":
        client.session.close();
        return;
      case "serverCloses":
        server.session.close();
        return;
    }
  }

  /** Whether or not it knows already that it has to: it may also just move. */
  #return(): void {
    const { session } = this.talk.client;
    if (!SESSION_STATES[session.state].accepts) return;
    // Only one claim is under way: the attempt before is given up.
    if (this.#road.client !== session.transport) this.#road.client.close("dead");
    this.#roads.push(new Road());
    comeBack(this.talk, this.#road);
  }

  #say(side: "client" | "server", bytes: boolean): void {
    const half: Half = this.talk[side];
    if (!SESSION_STATES[half.session.state].accepts) return;
    this.said[side].push(++this.#n);
    this.#packets.set(this.#n, half.say(this.#n, bytes ? Uint8Array.of(1, 2) : undefined));
  }

  /** One of the last that were said. If it has not left it never will, and if it has nothing changes. */
  #giveUp(side: "client" | "server", which: number): void {
    const said = this.said[side];
    const n = said.at(-1 - which);
    const packet = n === undefined ? undefined : this.#packets.get(n);
    const { session } = this.talk[side];
    const { waiting } = session;
    if (!packet || !session.takeBack(packet)) return;
    if (session.waiting !== waiting - 1) throw new Error("more than one packet went");
    said.splice(said.length - 1 - which, 1);
  }

  /** Nothing is lost on the way, doubled, or overtaken: what came is how it began. */
  #check(): void {
    const { client, server } = this.talk;
    for (const [heard, said] of [
      [server.heard(), this.said.client],
      [client.heard(), this.said.server],
    ] as const) {
      if (heard.some((n, index) => n !== said[index])) throw new Error(`heard ${heard} of ${said}`);
    }
  }
}

const PATIENCE = { numRuns: 600 };

it("whatever becomes of the roads, nothing is lost, doubled or overtaken, and no end hears of it", () => {
  fc.assert(
    fc.property(fc.array(ordinary, { maxLength: 150 }), (acts) => {
      const world = new World();
      for (const act of acts) world.perform(act);
      world.settle();
      const { client, server } = world.talk;
      expect(states(world.talk)).toEqual(["open", "open"]);
      expect([client.endings, server.endings]).toEqual([[], []]);
      expect([server.heard(), client.heard()]).toEqual([world.said.client, world.said.server]);
      for (const { session } of [client, server]) expect(session.counted?.retainedBytes).toBe(0);
    }),
    PATIENCE,
  );
});

it("a session in a storm that is closed, or comes too late, leaves nothing behind", () => {
  const any = fc.oneof({ weight: 15, arbitrary: ordinary }, { weight: 1, arbitrary: closing });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 100 }), (acts) => {
      const world = new World(2000);
      for (const act of acts) world.perform(act);
      world.perform({ act: "clientCloses" });
      world.perform({ act: "serverCloses" });
      world.perform({ act: "timePasses", ms: 60_000 });
      const { client, server, clock, ended } = world.talk;
      expect(states(world.talk)).toEqual(["closed", "closed"]);
      expect([client.endings.length, server.endings.length]).toEqual([1, 1]);
      expect(clock.pendingTimers).toBe(0);
      expect(ended).toEqual(["sid"]);
    }),
    PATIENCE,
  );
});
