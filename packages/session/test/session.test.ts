import { EncodedPacket, type EnginePacket, type SessionObserver } from "@sockeye/protocol";
import { type MemoryPair, memoryPair } from "@sockeye/transport/memory";
import { describe, expect, it, vi } from "vitest";
import { INTERVAL_MS, states, type Talk, TIMEOUT_MS, talk } from "./talk.js";

/** How late the timer wheel may be. */
const LATE_MS = 50;

interface Stage extends Talk {
  readonly pair: MemoryPair;
}

/** Two sessions on one pipe: `a` is the client's end. */
function meeting(...args: Parameters<typeof talk>): Stage {
  const both = talk(...args);
  const pair = memoryPair({ clock: both.clock, record: true });
  both.client.session.start(pair.a);
  both.server.session.start(pair.b);
  return { ...both, pair };
}

function met(...args: Parameters<typeof talk>): Stage {
  const stage = meeting(...args);
  stage.clock.flush();
  return stage;
}

/** Says to one end what no session would say. */
function inject({ pair, clock }: Stage, to: "client" | "server", frame: string): void {
  (to === "client" ? pair.b : pair.a).send([new EncodedPacket(frame)]);
  clock.flush();
}

describe("the handshake", () => {
  it("tells the client the server's terms, and opens both ends", () => {
    const stage = meeting({}, []);
    expect(states(stage)).toEqual(["opening", "open"]);
    expect(stage.client.session.id).toBe("");
    stage.clock.flush();
    expect(states(stage)).toEqual(["open", "open"]);
    expect(stage.client.session.id).toBe("sid");
    expect(stage.client.opened).toEqual([
      { sid: "sid", upgrades: [], pingInterval: INTERVAL_MS, pingTimeout: TIMEOUT_MS, maxPayload: 1e6 },
    ]);
  });

  it("lets what was sent before it leave after it, in order", () => {
    const stage = meeting();
    stage.client.say(1);
    stage.server.say(2);
    stage.client.say(3);
    expect(stage.client.session.ready).toBe(false);
    stage.clock.flush();
    expect([stage.server.heard(), stage.client.heard()]).toEqual([[1, 3], [2]]);
    expect(stage.client.session.ready).toBe(true);
  });

  it("is followed by the initial packet", () => {
    const stage = met({ initialPacket: new EncodedPacket('42["n",7]') });
    expect(stage.client.heard()).toEqual([7]);
  });

  it.each([
    ["no JSON", "0"],
    ["broken JSON", "0{"],
    ["no sid", '0{"upgrades":[],"pingInterval":1,"pingTimeout":1}'],
    ["times that are no numbers", '0{"sid":"x","upgrades":[],"pingInterval":"1","pingTimeout":1}'],
    ["a message first", '42["x"]'],
    ["a PING first", "2"],
    ["nonsense", "x"],
  ])("fails with %s", (_what, frame) => {
    const both = talk();
    const pair = memoryPair({ clock: both.clock });
    both.client.session.start(pair.a);
    inject({ ...both, pair }, "client", frame);
    expect(both.client.endings).toEqual([{ reason: "parse error", cause: expect.any(Error) }]);
    expect(both.clock.pendingTimers).toBe(0);
  });

  it("goes on with the next transport if one cannot be opened", () => {
    const both = talk();
    const [bad, good] = [memoryPair({ clock: both.clock }), memoryPair({ clock: both.clock })];
    const causes: unknown[] = [];
    both.client.redial = (cause) => {
      causes.push(cause);
      return causes.length === 1 ? good.a : undefined;
    };
    both.client.session.start(bad.a);
    both.client.say(1);
    bad.a.cut("transport error", new Error("refused"));
    both.clock.flush();
    both.server.session.start(good.b);
    both.clock.flush();
    expect(causes).toEqual([new Error("refused")]);
    expect(both.server.heard()).toEqual([1]);
    good.cut();
    both.clock.flush();
    // An open session has no second chance.
    expect([causes.length, both.client.endings.length]).toEqual([1, 1]);
  });

  it("ends if no transport is left", () => {
    const both = talk();
    const pair = memoryPair({ clock: both.clock });
    both.client.session.start(pair.a);
    pair.a.cut("transport error", new Error("refused"));
    both.clock.flush();
    expect(both.client.endings).toEqual([{ reason: "transport error", cause: new Error("refused") }]);
    expect(both.client.session.state).toBe("closed");
  });
});

describe("packets", () => {
  it("of one turn leave in one batch", () => {
    const stage = met();
    const send = vi.spyOn(stage.pair.b, "send");
    for (let n = 0; n < 10; n++) stage.server.say(n);
    expect(send).not.toHaveBeenCalled();
    stage.clock.flush();
    expect(send).toHaveBeenCalledOnce();
    expect(stage.client.heard()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("wait for a transport that is behind, and leave in one batch, too", () => {
    const stage = met();
    stage.pair.b.hold();
    stage.server.say(1);
    stage.clock.flush();
    stage.server.say(2);
    stage.clock.flush();
    expect([stage.server.session.ready, stage.client.heard()]).toEqual([false, []]);
    const send = vi.spyOn(stage.pair.b, "send");
    stage.pair.b.release();
    stage.clock.flush();
    expect(send).toHaveBeenCalledOnce();
    expect(stage.client.heard()).toEqual([1, 2]);
  });

  it("bring their bytes along", () => {
    const stage = met();
    stage.client.say(1, Uint8Array.of(1, 2, 3));
    stage.client.say(2);
    stage.clock.flush();
    expect(stage.server.packets.map(({ data }) => data)).toEqual([
      ["n", 1, Buffer.of(1, 2, 3)],
      ["n", 2],
    ]);
  });

  it("may be raw messages", () => {
    const stage = met();
    stage.client.session.sendMessage('2["n",1]', true);
    stage.clock.flush();
    expect(stage.server.heard()).toEqual([1]);
  });

  it.each([
    ["server", "x"],
    ["server", "4x"],
    ["server", "2"],
    ["server", '0{"sid":"x"}'],
    ["server", "5"],
    ["client", '0{"sid":"x","upgrades":[],"pingInterval":1,"pingTimeout":1}'],
    ["client", "5"],
    ["client", '451-["x",{"_placeholder":true,"num":1}]'],
  ] as const)("that are not allowed end the session: to the %s, %s", (to, frame) => {
    const stage = met();
    inject(stage, to, frame);
    const other = to === "client" ? stage.server : stage.client;
    expect(stage[to].endings).toEqual([{ reason: "parse error", cause: expect.any(Error) }]);
    expect(other.endings.map(({ reason }) => reason)).toEqual(["transport close"]);
    expect(stage.clock.pendingTimers).toBe(0);
  });

  it.each(["3", "6", "3probe"])("that mean nothing do nothing: %s", (frame) => {
    const stage = met();
    inject(stage, "server", frame);
    inject(stage, "client", "6");
    expect(states(stage)).toEqual(["open", "open"]);
  });
});

describe("the heartbeat", () => {
  it("keeps an idle session alive, at the server's pace", () => {
    const stage = met();
    stage.clock.advance(10 * (INTERVAL_MS + LATE_MS));
    expect(states(stage)).toEqual(["open", "open"]);
    const said = (from: "a" | "b", frame: string): number =>
      stage.pair.traffic.filter((each) => each.from === from && "frame" in each && each.frame === frame)
        .length;
    expect([said("b", "2"), said("a", "3"), stage.client.pings]).toEqual([10, 10, 10]);
  });

  it("is not put off by other packets", () => {
    const stage = met();
    for (let ms = 0; ms < INTERVAL_MS + LATE_MS; ms += 10) {
      stage.client.say(ms);
      stage.server.say(ms);
      stage.clock.advance(10);
    }
    expect(stage.client.pings).toBe(1);
  });

  it("ends a session whose client is silent", () => {
    const stage = met();
    stage.pair.a.drop();
    stage.clock.advance(INTERVAL_MS + TIMEOUT_MS - 1);
    expect(stage.server.session.state).toBe("open");
    stage.clock.advance(2 * LATE_MS + 1);
    expect(stage.server.endings).toEqual([{ reason: "ping timeout", cause: undefined }]);
    expect(stage.ended).toEqual(["sid"]);
  });

  it("ends a session whose server is silent", () => {
    const stage = met();
    stage.pair.b.drop();
    stage.clock.advance(INTERVAL_MS + TIMEOUT_MS - 1);
    expect(stage.client.session.state).toBe("open");
    stage.clock.advance(LATE_MS + 1);
    expect(stage.client.endings).toEqual([{ reason: "ping timeout", cause: undefined }]);
  });

  it("takes any packet for a sign of life", () => {
    const stage = met();
    // The PONGs are stuck, the messages are not.
    stage.pair.a.hold();
    for (let ms = 0; ms < 3 * (INTERVAL_MS + TIMEOUT_MS); ms += 100) {
      inject(stage, "server", "6");
      inject(stage, "client", "6");
      stage.clock.advance(100);
    }
    expect(stage.client.session.state).toBe("open");
    expect(stage.server.session.state).toBe("open");
    stage.clock.advance(TIMEOUT_MS * 2 + 2 * LATE_MS);
    expect(stage.server.endings[0]?.reason).toBe("ping timeout");
  });

  it("waits for a packet that has come in and is not told yet", () => {
    const stage = met();
    // The PONG may be behind much else.
    stage.pair.a.drop();
    const { transport } = stage.server.session;
    if (transport === undefined) throw new Error("no transport");
    Object.defineProperty(transport, "unread", { value: true, configurable: true });
    stage.clock.advance(3 * (INTERVAL_MS + TIMEOUT_MS));
    expect(stage.server.session.state).toBe("open");
    Object.defineProperty(transport, "unread", { value: false });
    stage.clock.advance(INTERVAL_MS + TIMEOUT_MS + 2 * LATE_MS);
    expect(stage.server.endings[0]?.reason).toBe("ping timeout");
  });

  it("is overdue by the time of day before a timer of a machine that slept notices", () => {
    const stage = met();
    stage.clock.jump(INTERVAL_MS + TIMEOUT_MS);
    expect(stage.client.session.endIfStale()).toBe(false);
    stage.clock.jump(1);
    expect(stage.client.session.endIfStale()).toBe(true);
    expect(stage.client.endings).toEqual([{ reason: "ping timeout", cause: undefined }]);
    expect(met().server.session.endIfStale()).toBe(false);
  });

  it("is overdue after a sleep, whatever was heard before", () => {
    const stage = met();
    stage.server.say(1);
    stage.clock.flush();
    stage.clock.jump(INTERVAL_MS + TIMEOUT_MS + 1);
    expect(stage.client.session.endIfStale()).toBe(true);
  });

  it("is never overdue before OPEN", () => {
    const both = talk();
    both.clock.jump(1e9);
    expect(both.client.session.endIfStale()).toBe(false);
  });

  it("may be the client's business", () => {
    const stage = met({ pings: "client" });
    for (let round = 0; round < 5; round++) {
      stage.clock.advance(INTERVAL_MS);
      inject(stage, "server", "2");
    }
    expect(stage.server.session.state).toBe("open");
    expect(stage.client.pings).toBe(0);
    stage.clock.advance(INTERVAL_MS + TIMEOUT_MS + LATE_MS);
    expect(stage.server.endings[0]?.reason).toBe("ping timeout");
  });
});

describe("the end", () => {
  it.each(["client", "server"] as const)(
    "asked for by the %s writes what is queued, and tells the other",
    (side) => {
      const stage = met();
      const other = side === "client" ? stage.server : stage.client;
      stage[side].say(1);
      stage[side].say(2);
      stage[side].session.close();
      stage[side].say(3);
      expect(stage[side].endings).toEqual([{ reason: "forced close", cause: undefined }]);
      stage.clock.flush();
      expect([other.heard(), other.endings.map(({ reason }) => reason)]).toEqual([
        [1, 2],
        ["transport close"],
      ]);
      expect(states(stage)).toEqual(["closed", "closed"]);
      expect([stage.clock.pendingTimers, stage.ended]).toEqual([0, ["sid"]]);
    },
  );

  it("waits for a transport that is behind, yet not for ever", () => {
    for (const patience of [10_000, 40_000]) {
      const stage = met();
      stage.pair.a.hold();
      stage.client.say(1);
      stage.client.session.close();
      expect([stage.client.session.state, stage.client.endings.length]).toEqual(["closing", 1]);
      stage.pair.b.drop();
      stage.server.session.send(new EncodedPacket("2"));
      stage.clock.advance(patience);
      if (patience > 30_000) {
        expect(stage.client.session.state).toBe("closed");
        expect(stage.client.endings).toHaveLength(1);
      } else {
        expect(stage.client.session.state).toBe("closing");
      }
    }
  });

  it("is not put off by a peer that goes on sending heartbeats", () => {
    const both = talk();
    const pair = memoryPair({ clock: both.clock });
    const stage: Stage = { ...both, pair };
    both.client.session.start(pair.a);
    inject(stage, "client", '0{"sid":"x","upgrades":[],"pingInterval":50000,"pingTimeout":50000}');
    pair.a.hold();
    both.client.say(1);
    both.client.session.close();
    for (let s = 0; s < 29; s++) {
      inject(stage, "client", "2");
      both.clock.advance(1000);
      expect(both.client.session.state).toBe("closing");
    }
    both.clock.advance(1000 + LATE_MS);
    expect(both.client.session.state).toBe("closed");
  });

  it("delivers nothing that comes in after it", () => {
    const stage = met();
    stage.server.say(1);
    stage.client.session.close();
    stage.clock.flush();
    expect(stage.client.heard()).toEqual([]);
  });

  it("before OPEN is at once", () => {
    const both = talk();
    const pair = memoryPair({ clock: both.clock });
    both.client.session.start(pair.a);
    both.client.session.close();
    expect([both.client.session.state, both.client.endings]).toEqual([
      "closed",
      [{ reason: "forced close", cause: undefined }],
    ]);
  });

  it("has the reason that was given", () => {
    const stage = met();
    stage.server.session.close("server shutting down");
    expect(stage.server.endings).toEqual([{ reason: "server shutting down", cause: undefined }]);
  });

  it("may be abrupt", () => {
    const stage = met();
    stage.pair.b.hold();
    stage.server.say(1);
    stage.server.session.terminate("server shutting down");
    expect(stage.server.session.state).toBe("closed");
    expect(stage.server.endings).toEqual([{ reason: "server shutting down", cause: undefined }]);
    stage.clock.flush();
    expect([stage.client.heard(), stage.client.endings.length, stage.clock.pendingTimers]).toEqual([
      [],
      1,
      0,
    ]);
  });

  it("comes with the pipe, and with what the pipe tells", () => {
    const stage = met();
    stage.pair.cut("transport error", new Error("cut"));
    stage.clock.flush();
    for (const half of [stage.client, stage.server]) {
      expect(half.endings).toEqual([{ reason: "transport error", cause: new Error("cut") }]);
    }
    expect(stage.clock.pendingTimers).toBe(0);
  });

  it("comes with a CLOSE packet", () => {
    const stage = met();
    inject(stage, "client", "1");
    expect(stage.client.endings).toEqual([{ reason: "transport close", cause: undefined }]);
  });

  it("happens once", () => {
    const stage = met();
    stage.client.session.close();
    stage.client.session.close();
    stage.client.session.ended(stage.pair.a, "closed", "transport error");
    stage.client.session.terminate("forced close");
    stage.clock.flush();
    expect(stage.client.endings).toHaveLength(1);
  });
});

describe("an observer", () => {
  it("sees everything that passes", () => {
    const stage = meeting();
    const seen: unknown[] = [];
    const note =
      (name: string) =>
      (what?: unknown): void =>
        void seen.push([name, what]);
    stage.client.session.observer = {
      onOpen: ({ pingInterval }) => note("open")(pingInterval),
      onPacket: ({ type, data }: EnginePacket) => note("packet")(`${type} ${type === "open" ? "…" : data}`),
      onFlush: (batch) => note("flush")(batch.map(({ head }) => head)),
      onUpgrading: note("upgrading"),
      onUpgrade: note("upgrade"),
      onUpgradeFailed: note("failed"),
      onClose: note("close"),
    } satisfies SessionObserver;
    stage.clock.flush();
    stage.client.say(1);
    stage.server.say(2);
    stage.clock.advance(INTERVAL_MS);
    stage.client.session.close();
    expect(seen).toEqual([
      ["packet", "open …"],
      ["open", INTERVAL_MS],
      ["flush", ['42["n",1]']],
      ["packet", 'message 2["n",2]'],
      ["packet", "ping undefined"],
      ["flush", ["3"]],
      ["close", "forced close"],
    ]);
    expect(stage.client.heard()).toEqual([2]);
  });
});

describe("back-pressure", () => {
  /** A server that cannot write. */
  function stuck(): Stage {
    const stage = met({}, []);
    stage.pair.b.hold();
    return stage;
  }

  it("counts what waits, and forgets it once it has left", () => {
    const stage = stuck();
    expect(stage.server.session.bufferedBytes).toBe(0);
    stage.server.say(1);
    expect(stage.server.session.bufferedBytes).toBeGreaterThan(8);
    stage.pair.b.release();
    expect(stage.server.session.bufferedBytes).toBe(0);
  });

  it("lets a burst leave before the turn ends, as long as the network takes it", () => {
    const { server, pair, clock, client } = met();
    for (let n = 0; n < 3000; n++) server.say(n);
    expect(server.session.bufferedBytes).toBeLessThan(100_000);
    clock.flush();
    expect(client.heard()).toEqual(Array.from({ length: 3000 }, (_, n) => n));
    expect(pair.b.writable).toBe(true);
  });

  it("tells who waits once nothing waits any more", async () => {
    const stage = stuck();
    const { session } = stage.server;
    stage.server.say(1);
    let told: boolean | undefined;
    const drained = session.drained().then((value) => {
      told = value;
    });
    stage.clock.flush();
    await Promise.resolve();
    expect(told).toBeUndefined();
    stage.pair.b.release();
    await drained;
    expect(told).toBe(true);
    expect(await session.drained()).toBe(true);
  });

  it("tells who waits that the session has ended while its packets were being written", async () => {
    const stage = stuck();
    stage.server.say(1);
    const drained = stage.server.session.drained();
    vi.spyOn(stage.pair.b, "send").mockImplementation(() => {
      throw new Error("broken");
    });
    stage.pair.b.release();
    stage.clock.flush();
    expect(await drained).toBe(false);
  });

  it("tells who waits that the session has ended", async () => {
    const stage = stuck();
    stage.server.say(1);
    const drained = stage.server.session.drained();
    stage.server.session.terminate("forced close");
    expect(await drained).toBe(false);
    expect(await stage.server.session.drained()).toBe(false);
  });

  it("ends a session whose peer reads too slowly, and says why", () => {
    const stage = stuck();
    const { server } = stage;
    for (let n = 0; n < 20_000 && server.endings.length === 0; n++) server.say(n);
    const [ending] = server.endings;
    expect(ending?.reason).toBe("forced server close");
    expect(ending?.cause).toMatchObject({ code: "ERR_OUTBOUND_FULL" });
    expect(server.session.bufferedBytes).toBe(0);
  });
});
