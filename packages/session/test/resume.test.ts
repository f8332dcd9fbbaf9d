import { EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { claimOf } from "../src/index.js";
import { comeBack, Road } from "./roads.js";
import { INTERVAL_MS, states, type Talk, TIMEOUT_MS, talk, UPGRADE_MS } from "./talk.js";

const TERMS = { window: 5000, bytes: 2000 };

interface Stage extends Talk {
  readonly road: Road;
  readonly told: string[];
}

/** All that can move, moves. */
function settle({ clock }: Talk, road: Road): void {
  do {
    clock.flush();
    road.up();
    road.down();
    clock.flush();
  } while (!road.idle);
}

/** Two sessions that count, and the server has heard of the client. */
function begin(terms = TERMS, prepare?: (both: Talk) => void): Stage {
  const both = talk({}, prepare ? ["websocket"] : [], terms);
  prepare?.(both);
  const road = new Road();
  const told: string[] = [];
  for (const side of ["client", "server"] as const) {
    both[side].session.observer = {
      onPacket: () => {},
      onFlush: () => {},
      onUpgrading: () => {},
      onUpgrade: () => {},
      onUpgradeFailed: () => {},
      onClose: (reason) => told.push(`${side} close ${reason}`),
      onSuspend: (reason) => told.push(`${side} suspend ${reason}`),
      onResume: ({ name }) => told.push(`${side} resume ${name}`),
    };
  }
  both.client.session.start(road.client);
  both.server.session.start(road.server);
  settle(both, road);
  both.client.say(0);
  settle(both, road);
  return { ...both, road, told };
}

/** The road dies, and both ends notice. */
function lose({ road }: Stage): void {
  road.die();
  road.client.end("lost");
  road.server.end("lost");
}

function comeBackOver(stage: Stage, name = "other"): Road {
  const road = new Road(name);
  comeBack(stage, road);
  settle(stage, road);
  return road;
}

describe("a session that lost its transport", () => {
  it("is suspended, and nobody above hears of it but who watches the session", () => {
    const stage = begin();
    lose(stage);
    expect(states(stage)).toEqual(["suspended", "suspended"]);
    expect(stage.told).toEqual(["client suspend transport close", "server suspend transport close"]);
    expect([stage.client.endings, stage.server.endings]).toEqual([[], []]);
  });

  it("goes on over another, with all that was said meanwhile", () => {
    const stage = begin();
    lose(stage);
    stage.client.say(1);
    stage.server.say(2, Uint8Array.of(1));
    comeBackOver(stage);
    expect(states(stage)).toEqual(["open", "open"]);
    expect([stage.server.heard(), stage.client.heard()]).toEqual([[0, 1], [2]]);
    expect(stage.told.slice(2)).toEqual(["server resume other", "client resume other"]);
  });

  it.each([1, 2])("sends no frame again that arrived: %i of three", (arrived) => {
    const stage = begin();
    stage.server.say(1, Uint8Array.of(7));
    stage.clock.flush();
    for (let n = 0; n < arrived; n++) stage.road.down();
    lose(stage);
    stage.server.say(2);
    comeBackOver(stage);
    expect(stage.client.heard()).toEqual([1, 2]);
    expect(stage.client.session.counted?.received).toBe(3);
  });

  it("ends with the reason of the loss once the window has passed, and its cause says why", () => {
    const stage = begin();
    lose(stage);
    stage.clock.advance(TERMS.window + 100);
    expect(states(stage)).toEqual(["closed", "closed"]);
    for (const { endings } of [stage.client, stage.server]) {
      expect(endings.map(({ reason }) => reason)).toEqual(["transport close"]);
      expect(endings[0]?.cause).toHaveProperty("code", "ERR_NOT_RESUMED");
    }
    expect(stage.clock.pendingTimers).toBe(0);
  });

  it("a return after the window is refused, and then the client's session ends too", () => {
    const stage = begin();
    stage.road.server.end("lost");
    stage.clock.advance(TERMS.window + 100);
    stage.road.die();
    if (stage.client.session.state === "open") stage.road.client.end("lost");
    comeBackOver(stage);
    expect(stage.client.session.state).toBe("closed");
  });

  it("takes a little while suspended, then ends and says what was too much", () => {
    const stage = begin();
    lose(stage);
    for (let n = 0; n < 100 && stage.server.endings.length === 0; n++) stage.server.say(n);
    expect(stage.server.endings.map(({ reason }) => reason)).toEqual(["forced server close"]);
    expect(stage.server.endings[0]?.cause).toHaveProperty("code", "ERR_OUTBOUND_FULL");
    expect(stage.server.heard()).toEqual([0]);
  });

  it.each(["client", "server"] as const)("ends at once if the %s closes it", (side) => {
    const stage = begin();
    lose(stage);
    stage[side].session.close();
    expect(stage[side].session.state).toBe("closed");
  });

  it("is not kept for a client that was never heard of", () => {
    const both = talk({}, [], TERMS);
    const road = new Road();
    both.server.session.start(road.server);
    road.server.end("lost");
    expect(both.server.session.state).toBe("closed");
  });

  it("ends if the peer does not count", () => {
    const both = talk();
    const road = new Road();
    both.client.session.start(road.client);
    both.server.session.start(road.server);
    settle(both, road);
    road.client.end("lost");
    road.server.end("lost");
    expect(states(both)).toEqual(["closed", "closed"]);
  });

  it("ends at once on a goodbye", () => {
    const stage = begin();
    stage.road.server.end("closed");
    expect(stage.server.session.state).toBe("closed");
  });
});

describe("a silent transport", () => {
  it("is lost at both ends, not the session", () => {
    const stage = begin();
    stage.road.die();
    stage.clock.advance(INTERVAL_MS + TIMEOUT_MS + 200);
    expect(states(stage)).toEqual(["suspended", "suspended"]);
    stage.client.say(1);
    comeBackOver(stage);
    expect(stage.server.heard()).toEqual([0, 1]);
  });

  it("is lost if the answer to a heartbeat does not acknowledge what was sent before it", () => {
    const stage = begin();
    stage.server.say(1);
    stage.clock.flush();
    // It never arrives, and yet the pipe lives.
    stage.road.server.underWay.length = 0;
    stage.clock.advance(INTERVAL_MS + 50);
    settle(stage, stage.road);
    expect(stage.told).toContain("server suspend transport error");
    stage.road.die();
    comeBackOver(stage);
    expect(stage.client.heard()).toEqual([1]);
  });

  it("is left for another while it seems to live", () => {
    const stage = begin();
    const other = comeBackOver(stage);
    expect(stage.road.server.closed).toBe(true);
    expect(states(stage)).toEqual(["open", "open"]);
    stage.client.say(1);
    settle(stage, other);
    expect(stage.server.heard()).toEqual([0, 1]);
  });
});

describe("acknowledgements", () => {
  it("come with a heartbeat, and only if there is something to tell", () => {
    const stage = begin();
    stage.server.say(1);
    settle(stage, stage.road);
    expect(stage.server.session.counted?.retainedBytes).toBeGreaterThan(0);
    stage.clock.advance(INTERVAL_MS + 50);
    settle(stage, stage.road);
    expect(stage.server.session.counted?.retainedBytes).toBe(0);
    expect(stage.client.session.counted?.retainedBytes).toBe(0);
  });

  it("come by themselves once a quarter of the bound has come in", () => {
    const stage = begin();
    for (let n = 1; n <= 6; n++) stage.server.say(n);
    settle(stage, stage.road);
    expect(stage.server.session.counted?.retainedBytes).toBeLessThan(TERMS.bytes / 4);
  });

  it("hold back what exceeds the bound, and it leaves without a heartbeat once they come", () => {
    const stage = begin();
    for (let n = 1; n <= 100; n++) stage.server.say(n);
    stage.clock.flush();
    expect(stage.server.session.ready).toBe(false);
    expect(stage.server.session.waiting).toBeGreaterThan(50);
    expect(stage.server.session.counted?.retainedBytes).toBeLessThan(TERMS.bytes + 200);
    settle(stage, stage.road);
    expect(stage.client.heard()).toHaveLength(100);
  });

  it("let who waits know that all has left", async () => {
    const stage = begin();
    for (let n = 1; n <= 100; n++) stage.server.say(n);
    stage.clock.flush();
    const drained = stage.server.session.drained();
    settle(stage, stage.road);
    await expect(drained).resolves.toBe(true);
  });

  it("let who waits know, also when the app sends more as soon as they leave", async () => {
    const stage = begin();
    const { session } = stage.server;
    stage.server.say(1);
    let more = 3;
    if (session.observer) {
      session.observer = {
        ...session.observer,
        onFlush: () => {
          if (more-- > 0) stage.server.say(2);
        },
      };
    }
    const drained = session.drained();
    settle(stage, stage.road);
    await expect(drained).resolves.toBe(true);
  });

  it("do not hold up the end of a session that is closed while too much is on its way", () => {
    const stage = begin();
    for (let n = 1; n <= 100; n++) stage.server.say(n);
    stage.server.session.close();
    settle(stage, stage.road);
    expect(stage.client.heard()).toHaveLength(100);
    expect(states(stage)).toEqual(["closed", "closed"]);
  });

  it.each([
    ["a NOOP from the future", "client", "699"],
    ["a PONG from the future", "client", "399"],
    ["a count that is none", "client", "6x"],
    ["a PING from the future", "server", "299"],
    ["too many digits", "client", `6${"9".repeat(17)}`],
  ] as const)("%s ends the session", (_what, side, frame) => {
    const stage = begin();
    stage.road[side].send([new EncodedPacket(frame)]);
    settle(stage, stage.road);
    const other = stage[side === "client" ? "server" : "client"];
    expect(other.endings.map(({ reason }) => reason)).toEqual(["parse error"]);
  });
});

describe("the secret", () => {
  it("is another one after each return, and the old one is worth nothing then", () => {
    const stage = begin();
    const before = claimOf(stage.client.end).head;
    lose(stage);
    comeBackOver(stage);
    expect(claimOf(stage.client.end).head).not.toBe(before);
    const thief = new Road("thief");
    const { received } = JSON.parse(String(before).slice(1)) as { received: number };
    expect(stage.server.end.acceptClaim(thief.server, { secret: "sid-0", received })).toBe(false);
    expect(states(stage)).toEqual(["open", "open"]);
    expect(stage.server.session.transport?.name).toBe("other");
  });

  it("of before holds as long as the client may not have got the new one, however often that happens", () => {
    const stage = begin();
    lose(stage);
    for (let n = 0; n < 5; n++) {
      const road = new Road();
      comeBack(stage, road);
      road.up();
      // The server agrees, and its answer is lost.
      expect(stage.server.session.state).toBe("open");
      road.die();
      road.client.close("dead");
    }
    comeBackOver(stage);
    expect(states(stage)).toEqual(["open", "open"]);
  });

  it.each([
    ["another secret", { secret: "sid-1", received: 0 }],
    ["a secret of before the first", { secret: "sid--1", received: 0 }],
    ["a count from the future", { secret: "sid-0", received: 1 }],
    ["a count below what was acknowledged", { secret: "sid-0", received: -1 }],
  ])("%s is refused, and changes nothing", (_what, claim) => {
    const stage = begin();
    const road = new Road();
    expect(stage.server.end.acceptClaim(road.server, claim)).toBe(false);
    expect(stage.server.session.transport).toBe(stage.road.server);
    stage.server.say(1);
    settle(stage, stage.road);
    expect(stage.client.heard()).toEqual([1]);
  });

  it("is no use once the session is closing", () => {
    const stage = begin();
    stage.road.server.held = true;
    stage.server.say(1);
    stage.server.session.close();
    expect(stage.server.session.state).toBe("closing");
    expect(stage.server.end.acceptClaim(new Road().server, { secret: "sid-0", received: 0 })).toBe(false);
  });
});

describe("a session that loses its transport during an upgrade", () => {
  /** The client has moved to the candidate already, and the server does not know yet. */
  function halfMoved(): Stage & { readonly candidate: Road } {
    const candidate = new Road("websocket");
    const stage = begin(TERMS, (both) => {
      both.client.dial = () => candidate.client;
    });
    stage.server.end.offer(candidate.server);
    for (const step of ["up", "down"] as const) candidate[step]();
    expect(states(stage)).toEqual(["open", "upgrading"]);
    stage.client.say(1);
    stage.clock.flush();
    return { ...stage, candidate };
  }

  it.each([
    ["loses the old one", ({ road }: Stage) => road.server.end("lost")],
    ["waits for too long", ({ clock }: Stage) => clock.advance(UPGRADE_MS)],
  ])("at the server, which %s: to the client that is no goodbye", (_what, harm) => {
    const stage = halfMoved();
    harm(stage);
    settle(stage, stage.candidate);
    expect(stage.client.session.state).toBe("suspended");
    comeBackOver(stage);
    expect(states(stage)).toEqual(["open", "open"]);
    expect(stage.server.heard()).toEqual([0, 1]);
    expect([stage.client.endings, stage.server.endings]).toEqual([[], []]);
  });

  it("ends with it if the server ends the session", () => {
    const stage = halfMoved();
    stage.server.session.end({ reason: "forced close" });
    settle(stage, stage.candidate);
    expect(stage.client.session.state).toBe("closed");
  });
});
