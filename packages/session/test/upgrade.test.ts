import { EncodedPacket, type SessionObserver } from "@sockeye/protocol";
import { describe, expect, it, vi } from "vitest";
import { type DuplexEnd, duplex, type PolledEnd, type PollingEnd, polling, Wire } from "./network.js";
import { states, type Talk, talk, UPGRADE_MS } from "./talk.js";

interface Stage extends Talk {
  /** The polling pipe, and the candidate beside it. */
  readonly old: Wire;
  readonly fresh: Wire;
  readonly ends: { polling: PollingEnd; polled: PolledEnd; client: DuplexEnd; server: DuplexEnd };
  /** Everything arrives, on both pipes. */
  settle(): void;
}

/** A session on polling that has just opened; the candidate is dialled and its probe is under way. */
function probing(): Stage {
  const both = talk({}, ["websocket"]);
  const [old, fresh] = [new Wire(), new Wire()];
  const slow = polling("polling", old);
  const fast = duplex("websocket", fresh);
  both.client.dial = () => {
    fresh.carry(() => both.server.end.offer(fast.server));
    return fast.client;
  };
  both.client.session.start(slow.client);
  both.server.session.start(slow.server);
  const settle = (): void => {
    for (let round = 0; round < 50; round++) {
      both.clock.flush();
      old.drain();
      fresh.drain();
    }
  };
  // The poll arrives, the OPEN packet leaves, and arrives.
  both.clock.flush();
  old.step();
  both.clock.flush();
  old.step();
  expect(states(both)).toEqual(["open", "open"]);
  const ends = { polling: slow.client, polled: slow.server, client: fast.client, server: fast.server };
  return { ...both, old, fresh, ends, settle };
}

describe("an upgrade", () => {
  it("moves both ends to the better transport", () => {
    const stage = probing();
    const { client, server, ends } = stage;
    stage.settle();
    expect(client.session.transport).toBe(ends.client);
    expect(server.session.transport).toBe(ends.server);
    expect([client.session.upgraded, server.session.upgraded]).toEqual([true, true]);
    expect(states(stage)).toEqual(["open", "open"]);
    expect([ends.polling.closed, ends.polled.closed]).toEqual([true, true]);
    expect(client.upgrades).toEqual(["websocket"]);
    client.say(1);
    server.say(2);
    stage.settle();
    expect([server.heard(), client.heard()]).toEqual([[1], [2]]);
    expect([client.endings, server.endings]).toEqual([[], []]);
  });

  it("asks once, also over a transport that falls behind in between", () => {
    const stage = probing();
    stage.ends.client.held = true;
    stage.ends.client.release();
    stage.settle();
    expect(stage.server.session.upgraded).toBe(true);
  });

  it("answers the poll that holds it up at once", () => {
    const stage = probing();
    stage.old.drain();
    const send = vi.spyOn(stage.ends.polled, "send");
    // The candidate arrives, then its probe.
    stage.fresh.step();
    stage.fresh.step();
    expect(send.mock.calls.map(([batch]) => batch.map(({ head }) => head))).toEqual([["6"]]);
  });

  it("loses nothing, and keeps the order, whatever is under way", () => {
    const stage = probing();
    const { client, server } = stage;
    let [up, down] = [0, 0];
    for (let round = 0; round < 40; round++) {
      client.say(++up);
      server.say(++down, Uint8Array.of(down));
      if (round % 3 === 0) stage.clock.flush();
      if (round % 2 === 0) stage.old.step();
      else stage.fresh.step();
    }
    stage.settle();
    expect(client.session.upgraded).toBe(true);
    expect(server.heard()).toEqual(Array.from({ length: up }, (_, n) => n + 1));
    expect(client.heard()).toEqual(Array.from({ length: down }, (_, n) => n + 1));
  });

  it("that the client ends while it is under way closes the new transport as well", () => {
    const stage = probing();
    const { client, ends } = stage;
    for (let round = 0; round < 50 && client.session.state !== "upgrading"; round++) {
      stage.clock.flush();
      stage.fresh.step();
    }
    expect(client.session.state).toBe("upgrading");
    client.session.close();
    // At once, not when the server has noticed.
    expect([client.session.state, ends.client.closed]).toEqual(["closed", true]);
  });

  it("tells the observers", () => {
    const stage = probing();
    const seen: unknown[] = [];
    const observe = (side: string): SessionObserver => ({
      onPacket: () => {},
      onFlush: () => {},
      onUpgrading: ({ name }) => void seen.push([side, "upgrading", name]),
      onUpgrade: ({ name }) => void seen.push([side, "upgrade", name]),
      onUpgradeFailed: () => void seen.push([side, "failed"]),
      onClose: () => {},
    });
    stage.client.session.observer = observe("client");
    stage.server.session.observer = observe("server");
    stage.settle();
    expect(seen).toEqual([
      ["server", "upgrading", "websocket"],
      ["client", "upgrading", "websocket"],
      ["client", "upgrade", "websocket"],
      ["server", "upgrade", "websocket"],
    ]);
  });

  const failures: [string, (stage: Stage) => void][] = [
    ["the candidate breaks before the probe", ({ ends }) => ends.client.broken("transport error")],
    [
      "the candidate breaks after the probe",
      ({ ends, fresh }) => {
        fresh.step();
        fresh.step();
        fresh.alive = false;
        ends.client.broken("transport error");
        ends.server.broken("transport error");
      },
    ],
    [
      "the server answers the probe with something else",
      ({ ends }) => ends.server.send([new EncodedPacket("3nonsense")]),
    ],
    [
      "the client sends something else than the probe",
      ({ ends }) => ends.client.send([new EncodedPacket("4x")]),
    ],
    [
      "the client's UPGRADE never comes",
      ({ clock, fresh }) => {
        fresh.step();
        fresh.step();
        fresh.alive = false;
        clock.advance(UPGRADE_MS);
        fresh.alive = true;
      },
    ],
  ];

  it.each(failures)("that fails leaves the session as it was: %s", (_why, fail) => {
    const stage = probing();
    const { client, server, ends } = stage;
    const causes: Error[] = [];
    server.session.observer = {
      onPacket: () => {},
      onFlush: () => {},
      onUpgrading: () => {},
      onUpgrade: () => {},
      onUpgradeFailed: (cause) => void causes.push(cause),
      onClose: () => {},
    };
    client.say(1);
    server.say(2);
    fail(stage);
    ends.server.close("dead");
    ends.client.close("dead");
    stage.settle();
    ends.client.broken("transport close");
    client.say(3);
    server.say(4);
    stage.settle();
    expect(client.session.transport).toBe(ends.polling);
    expect(server.session.transport).toBe(ends.polled);
    expect([client.session.upgraded, server.session.upgraded]).toEqual([false, false]);
    expect([server.heard(), client.heard()]).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect([client.endings, server.endings]).toEqual([[], []]);
    for (const cause of causes) expect(cause).toMatchObject({ code: "ERR_PROBE_FAILED" });
  });

  it("that takes too long is dropped by the server, and by the client with it", () => {
    const stage = probing();
    const { client, server, ends } = stage;
    // The candidate and its probe arrive; the answer is lost.
    stage.fresh.step();
    ends.server.send = () => {};
    stage.fresh.step();
    expect(server.session.state).toBe("upgrading");
    stage.clock.advance(UPGRADE_MS);
    stage.settle();
    expect(states(stage)).toEqual(["open", "open"]);
    expect([ends.client.closed, ends.server.closed]).toEqual([true, true]);
    client.say(1);
    stage.settle();
    expect(server.heard()).toEqual([1]);
  });

  it.each(["client", "server"] as const)("is dropped when the %s closes the session in its midst", (side) => {
    for (let steps = 0; steps < 12; steps++) {
      const stage = probing();
      const { ends } = stage;
      const other = side === "client" ? stage.server : stage.client;
      for (let step = 0; step < steps; step++) {
        stage.clock.flush();
        if (step % 2 === 0) stage.fresh.step();
        else stage.old.step();
      }
      stage[side].say(1);
      stage[side].session.close();
      stage.settle();
      expect(stage[side].session.state).toBe("closed");
      expect(stage[side].endings.map(({ reason }) => reason)).toEqual(["forced close"]);
      expect(other.heard()).toEqual([1]);
      expect(other.endings.map(({ reason }) => reason)).toEqual(["transport close"]);
      expect([ends.client.closed, ends.polling.closed, ends.polled.closed]).toEqual([true, true, true]);
      expect(stage.clock.pendingTimers).toBe(0);
    }
  });

  it("is refused a second time, and for the transport that it has", () => {
    const stage = probing();
    stage.settle();
    const second = duplex("webtransport", new Wire());
    stage.server.end.offer(second.server);
    expect(second.server.closed).toBe(true);

    const plain = talk();
    const wire = new Wire();
    const pipe = duplex("websocket", wire);
    plain.server.session.start(pipe.server);
    const same = duplex("websocket", new Wire());
    plain.server.end.offer(same.server);
    expect(same.server.closed).toBe(true);
  });

  it("is refused while another one is tried, and on a session that is over", () => {
    const stage = probing();
    stage.fresh.step();
    const second = duplex("webtransport", new Wire());
    stage.server.end.offer(second.server);
    expect([second.server.closed, stage.ends.server.closed]).toEqual([true, false]);
    stage.server.session.close();
    const third = duplex("webtransport", new Wire());
    stage.server.end.offer(third.server);
    expect(third.server.closed).toBe(true);
  });
});

describe("a client with several candidates", () => {
  interface Race extends Talk {
    readonly dialled: string[];
    readonly candidates: Map<string, DuplexEnd>;
    /** Both ends of a candidate, and what is on its way between them. */
    readonly wires: Map<string, Wire>;
    settle(): void;
  }

  function race(names: readonly string[], unknown: readonly string[] = [], reach?: "lost"): Race {
    const both = talk({}, names);
    const old = new Wire();
    const slow = polling("polling", old);
    const dialled: string[] = [];
    const candidates = new Map<string, DuplexEnd>();
    const wires = new Map<string, Wire>();
    both.client.dial = (name) => {
      dialled.push(name);
      if (unknown.includes(name)) return undefined;
      const wire = new Wire();
      wire.alive = reach !== "lost";
      const pipe = duplex(name, wire);
      wires.set(name, wire);
      candidates.set(name, pipe.client);
      wire.carry(() => both.server.end.offer(pipe.server));
      return pipe.client;
    };
    both.client.session.start(slow.client);
    both.server.session.start(slow.server);
    const settle = (): void => {
      for (let round = 0; round < 50; round++) {
        both.clock.flush();
        old.drain();
        for (const wire of wires.values()) wire.drain();
      }
    };
    both.clock.flush();
    old.step();
    both.clock.flush();
    old.step();
    expect(states(both)).toEqual(["open", "open"]);
    return { ...both, dialled, candidates, wires, settle };
  }

  it("gives WebTransport a start of 200 ms, which it may win by", () => {
    const stage = race(["websocket", "webtransport"]);
    expect(stage.dialled).toEqual(["webtransport"]);
    stage.settle();
    expect(stage.client.upgrades).toEqual(["webtransport"]);
    stage.clock.advance(1000);
    expect(stage.dialled).toEqual(["webtransport"]);
  });

  it("dials the others then, and takes the first that answers", () => {
    const stage = race(["websocket", "webtransport"]);
    stage.clock.advance(199);
    expect(stage.dialled).toEqual(["webtransport"]);
    stage.clock.advance(1);
    expect(stage.dialled).toEqual(["webtransport", "websocket"]);
    const [slow, fast] = [stage.candidates.get("webtransport"), stage.wires.get("websocket")];
    for (let step = 0; step < 4; step++) fast?.step();
    expect(slow?.closed).toBe(true);
    stage.settle();
    expect(stage.client.upgrades).toEqual(["websocket"]);
    expect(stage.server.session.transport?.name).toBe("websocket");
  });

  it("dials the others at once when WebTransport fails, or is not known", () => {
    const failed = race(["websocket", "webtransport"]);
    failed.candidates.get("webtransport")?.broken("transport error");
    expect(failed.dialled).toEqual(["webtransport", "websocket"]);
    expect(race(["websocket", "webtransport"], ["webtransport"]).dialled).toEqual([
      "webtransport",
      "websocket",
    ]);
  });

  it("goes on as it was once all have failed", () => {
    const stage = race(["websocket", "webtransport"], [], "lost");
    let failures = 0;
    stage.client.session.observer = {
      onPacket: () => {},
      onFlush: () => {},
      onUpgrading: () => {},
      onUpgrade: () => {},
      onUpgradeFailed: () => failures++,
      onClose: () => {},
    };
    for (const name of ["webtransport", "websocket"]) stage.candidates.get(name)?.broken("transport error");
    stage.settle();
    expect([failures, stage.client.session.state]).toEqual([1, "open"]);
    stage.client.say(1);
    stage.settle();
    expect(stage.server.heard()).toEqual([1]);
  });

  it("drops them all when it closes, and dials none after that", () => {
    const stage = race(["websocket", "webtransport"]);
    stage.client.session.close();
    stage.clock.advance(500);
    expect(stage.dialled).toEqual(["webtransport"]);
    expect(stage.candidates.get("webtransport")?.closed).toBe(true);
  });
});
