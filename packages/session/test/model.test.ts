import { NEXT_STATES, SESSION_STATES, type SessionState } from "@sockeye/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { duplex, polling, Wire } from "./network.js";
import { type Half, states, type Talk, talk } from "./talk.js";

/*
 * Two sessions, a polling pipe and a candidate for an upgrade, and a network in the hands of chance: every order of
 * arrivals, writes, heartbeats, failures and closes that the acts below can make.
 */

type Act =
  | { readonly act: "clientSays" | "serverSays"; readonly bytes: boolean }
  | { readonly act: "oldArrives" | "freshArrives" | "turnEnds" }
  | { readonly act: "timePasses"; readonly ms: number }
  | { readonly act: "serverHeld" | "serverFree" | "clientHeld" | "clientFree" }
  | { readonly act: "candidateBreaks" | "pipeBreaks" | "clientCloses" | "serverCloses" };

const ordinary: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constantFrom("clientSays", "serverSays"), bytes: fc.boolean() }),
  },
  { weight: 12, arbitrary: fc.record({ act: fc.constantFrom("oldArrives", "freshArrives", "turnEnds") }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("timePasses"), ms: fc.nat(300) }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constantFrom("serverHeld", "serverFree", "clientHeld", "clientFree") }),
  },
) as fc.Arbitrary<Act>;

const violent: fc.Arbitrary<Act> = fc.record({
  act: fc.constantFrom("candidateBreaks", "pipeBreaks", "clientCloses", "serverCloses"),
}) as fc.Arbitrary<Act>;

class World {
  readonly talk: Talk = talk({}, ["websocket"]);
  readonly old = new Wire();
  readonly fresh = new Wire();
  readonly slow = polling("polling", this.old);
  readonly fast = duplex("websocket", this.fresh);
  readonly said = { client: [] as number[], server: [] as number[] };
  #seen: SessionState[] = ["opening", "open"];
  #n = 0;

  constructor() {
    const { client, server } = this.talk;
    client.dial = () => {
      this.fresh.carry(() => server.end.offer(this.fast.server));
      return this.fast.client;
    };
    client.session.start(this.slow.client);
    server.session.start(this.slow.server);
  }

  perform(act: Act): void {
    this.#do(act);
    this.#checkStates();
    this.#checkDelivery();
  }

  /** The network heals, everything arrives. */
  settle(): void {
    for (const end of [this.slow.client, this.slow.server, this.fast.client, this.fast.server]) end.release();
    for (let round = 0; round < 200; round++) {
      this.talk.clock.flush();
      this.old.step();
      this.fresh.step();
      this.#checkStates();
    }
    expect([this.old.idle, this.fresh.idle]).toEqual([true, true]);
    this.#checkDelivery();
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
      case "oldArrives":
        this.old.step();
        return;
      case "freshArrives":
        this.fresh.step();
        return;
      case "turnEnds":
        clock.flush();
        return;
      case "timePasses":
        clock.advance(act.ms);
        return;
      case "serverHeld":
        this.slow.server.held = true;
        this.fast.server.held = true;
        return;
      case "serverFree":
        this.slow.server.release();
        this.fast.server.release();
        return;
      case "clientHeld":
        this.slow.client.held = true;
        this.fast.client.held = true;
        return;
      case "clientFree":
        this.slow.client.release();
        this.fast.client.release();
        return;
      case "candidateBreaks":
        this.fast.client.broken("transport error");
        this.fast.server.broken("transport error");
        return;
      case "pipeBreaks":
        this.slow.client.broken("transport error");
        this.slow.server.broken("transport error");
        return;
      case "clientCloses":
        client.session.close();
        return;
      case "serverCloses":
        server.session.close();
        return;
    }
  }

  #say(side: "client" | "server", bytes: boolean): void {
    const half: Half = this.talk[side];
    if (SESSION_STATES[half.session.state].accepts) this.said[side].push(++this.#n);
    half.say(this.#n, bytes ? Uint8Array.of(1, 2) : undefined);
  }

  // Plain comparisons, since they run after every single act.
  #checkStates(): void {
    const now = states(this.talk);
    for (const [index, state] of now.entries()) {
      const before = this.#seen[index] as SessionState;
      if (state !== before && !reachable(before).includes(state))
        throw new Error(`${before} became ${state}`);
    }
    this.#seen = now;
    for (const { session, endings } of [this.talk.client, this.talk.server]) {
      const over = session.state === "closing" || session.state === "closed";
      if (endings.length !== (over ? 1 : 0)) throw new Error(`${endings.length} endings in ${session.state}`);
    }
  }

  /** Nothing is lost on the way, doubled, or overtaken: what came is how it began. */
  #checkDelivery(): void {
    const { client, server } = this.talk;
    for (const [heard, said] of [
      [server.heard(), this.said.client],
      [client.heard(), this.said.server],
    ] as const) {
      if (heard.some((n, index) => n !== said[index])) throw new Error(`heard ${heard} of ${said}`);
    }
  }
}

/** All states that can follow, at once or later. */
function reachable(from: SessionState, found: Set<SessionState> = new Set([from])): SessionState[] {
  for (const next of NEXT_STATES[from]) {
    if (found.has(next)) continue;
    found.add(next);
    reachable(next, found);
  }
  // No state but the first is left for good, and yet comes back.
  return from === "opening" ? [...found] : [...found].filter((state) => state !== "opening");
}

const PATIENCE = { numRuns: 400 };

it("a talk that nobody disturbs loses nothing, and ends up on the better transport", () => {
  fc.assert(
    fc.property(fc.array(ordinary, { maxLength: 120 }), (acts) => {
      const world = new World();
      // So much time that a heartbeat comes, and not so much that one is missed.
      let left = 700;
      for (const act of acts) {
        if (act.act === "timePasses") left -= act.ms;
        if (act.act !== "timePasses" || left > 0) world.perform(act);
      }
      world.settle();
      const { client, server } = world.talk;
      expect(states(world.talk)).toEqual(["open", "open"]);
      expect([server.heard(), client.heard()]).toEqual([world.said.client, world.said.server]);
      expect(client.session.transport).toBe(world.fast.client);
      expect(server.session.transport).toBe(world.fast.server);
    }),
    PATIENCE,
  );
});

it("a talk that one side ends arrives whole at the other", () => {
  fc.assert(
    fc.property(
      fc.array(ordinary, { maxLength: 80 }),
      fc.constantFrom("client" as const, "server" as const),
      fc.array(ordinary, { maxLength: 40 }),
      (before, side, after) => {
        const world = new World();
        const calm = (acts: readonly Act[]): void => {
          for (const act of acts) if (act.act !== "timePasses") world.perform(act);
        };
        calm(before);
        // A client that closes before it knows the server has nobody to tell.
        if (world.talk.client.session.state === "opening") return;
        const said = [...world.said[side]];
        world.perform({ act: side === "client" ? "clientCloses" : "serverCloses" });
        calm(after);
        world.settle();
        const other = world.talk[side === "client" ? "server" : "client"];
        expect(other.heard()).toEqual(said);
        expect(states(world.talk)).toEqual(["closed", "closed"]);
        expect(world.talk.clock.pendingTimers).toBe(0);
      },
    ),
    PATIENCE,
  );
});

it("a talk in a storm keeps to its states and its order, and leaves nothing behind", () => {
  const any = fc.oneof({ weight: 12, arbitrary: ordinary }, { weight: 1, arbitrary: violent });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 120 }), (acts) => {
      const world = new World();
      for (const act of acts) world.perform(act);
      world.perform({ act: "clientCloses" });
      world.perform({ act: "serverCloses" });
      world.perform({ act: "timePasses", ms: 60_000 });
      expect(states(world.talk)).toEqual(["closed", "closed"]);
      expect(world.talk.clock.pendingTimers).toBe(0);
      expect(world.talk.ended).toEqual(["sid"]);
    }),
    PATIENCE,
  );
});
