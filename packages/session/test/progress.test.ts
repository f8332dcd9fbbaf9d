import { type EncodedPacket, PacketType, type SessionState } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { defaultCodec } from "../src/index.js";
import { comeBack, Road } from "./roads.js";
import { type RoadKind, SlowRoad } from "./slow-roads.js";
import { type Half, INTERVAL_MS, states, type Talk, TIMEOUT_MS, talk } from "./talk.js";

const TERMS = { window: 30_000, bytes: 4_000_000 };
const CODEC = defaultCodec();
/** As by default. */
const HEARTBEATS = { pingIntervalMs: 25_000, pingTimeoutMs: 20_000 };

interface Scene {
  readonly it: Talk;
  readonly roads: SlowRoad[];
  run(ms: number, until?: () => boolean): number;
}

/** A client that comes back a second after it was lost, over another road of the kind. */
function scene(
  kind: RoadKind,
  bytesPerSecond: number,
  { counts = true, largest = Number.POSITIVE_INFINITY } = {},
): Scene {
  const it = talk(HEARTBEATS, [], counts ? TERMS : undefined);
  const roads: SlowRoad[] = [];
  const add = (): SlowRoad => {
    const road = new SlowRoad(it.clock, kind, bytesPerSecond);
    roads.push(road);
    return road;
  };
  const first = add();
  it.client.session.start(first.client);
  it.server.session.start(first.server);
  const run = (ms: number, until = (): boolean => false): number => {
    let passed = 0;
    let away = 0;
    for (; passed < ms && !until(); passed += 100) {
      it.clock.advance(100);
      away = it.client.session.state === "suspended" ? away + 100 : 0;
      if (away === 1000) {
        const road = add();
        comeBack(it, road);
        // The terms get through.
        for (const end of [road.client, road.server]) end.carry(10_000);
        road.largest = largest;
      }
    }
    return passed;
  };
  run(1000);
  it.client.say(0);
  run(1000);
  first.largest = largest;
  return { it, roads, run };
}

function say(half: Half, n: number, kind: "text" | "binary", bytes: number): void {
  const payload =
    kind === "text" ? ["x".repeat(bytes)] : [new Uint8Array(bytes / 2), new Uint8Array(bytes / 2)];
  const data: [string, ...unknown[]] = ["n", n, ...payload];
  half.session.send(CODEC.encode({ type: PacketType.EVENT, nsp: "/", id: undefined, data }));
}

const KINDS: readonly RoadKind[] = [
  { name: "frames", bodies: false, sees: true },
  { name: "bodies", bodies: true, sees: true },
  { name: "frames that the client does not see come", bodies: false, sees: false },
  { name: "bodies that the client does not see come", bodies: true, sees: false },
];

describe("1 MB over 15 KB/s, with heartbeats as by default", () => {
  const rows = KINDS.flatMap((kind) =>
    (["up", "down"] as const).flatMap((way) =>
      (["text", "binary"] as const).flatMap((what) =>
        [true, false].map((counts) => ({ kind, way, what, counts, name: kind.name })),
      ),
    ),
  ).filter(({ kind, way, counts }) => counts || kind.sees || way === "up");

  it.each(rows)("$way as $what over $name, counts: $counts", ({ kind, way, what, counts }) => {
    const { it, roads, run } = scene(kind, 15_000, { counts });
    const [from, to] = way === "up" ? [it.client, it.server] : [it.server, it.client];
    say(from, 1, what, 1_000_000);
    from.say(2);
    const takesMs = 1_000_000 / 15;
    const tookMs = run(300_000, () => to.heard().includes(2));
    expect(to.heard().filter((n) => n > 0)).toEqual([1, 2]);
    expect(states(it)).toEqual(["open", "open"]);
    if (kind.sees || way === "up") {
      expect(roads).toHaveLength(1);
      expect(tookMs).toBeLessThan(takesMs + 1500);
    } else {
      // Once in vain, and then it has more time.
      expect(roads).toHaveLength(2);
    }
    // And it lives on.
    run(200_000);
    expect(states(it)).toEqual(["open", "open"]);
    expect(it.client.endings.concat(it.server.endings)).toEqual([]);
  });

  it.each(KINDS)("3 MB up over $name: the client hears of the server all the time", (kind) => {
    const { it, roads, run } = scene(kind, 15_000);
    say(it.client, 1, "text", 3_000_000);
    run(250_000, () => it.server.heard().includes(1));
    expect([it.server.heard(), roads.length]).toEqual([[0, 1], 1]);
  });
});

describe("a session that makes no progress ends", () => {
  const rows = (["up", "down"] as const).flatMap((way) =>
    KINDS.map((kind) => ({ way, kind, name: kind.name })),
  );

  it.each(rows)("$way over $name, when what is large never arrives", ({ way, kind }) => {
    const { it, roads, run } = scene(kind, 15_000, { largest: 10_000 });
    say(way === "up" ? it.client : it.server, 1, "text", 100_000);
    run(1_000_000, () => states(it).every((state: SessionState) => state === "closed"));
    expect(states(it)).toEqual(["closed", "closed"]);
    const codes = [...it.client.endings, ...it.server.endings].map(
      ({ cause }) => (cause as { code?: string })?.code,
    );
    expect(codes).toContain("ERR_NO_PROGRESS");
    expect(roads.length).toBeLessThanOrEqual(4);
  });

  it("a way that breaks as soon as something is written is not taken for ever", () => {
    const it = talk({}, [], TERMS);
    let road = meet(it);
    it.client.say(1);
    let returns = 0;
    while (it.client.session.state !== "closed" && returns < 50) {
      it.clock.flush();
      road.die();
      road.client.end("lost");
      if (it.client.session.state !== "suspended") break;
      returns++;
      road = new Road();
      comeBack(it, road);
      road.up();
      it.clock.flush();
      road.down();
      it.clock.flush();
    }
    expect(it.client.endings).toMatchObject([
      { reason: "transport close", cause: { code: "ERR_NO_PROGRESS" } },
    ]);
    expect(returns).toBe(10);
  });

  it("one that breaks as often, but each time lets something through or has nothing to write, lives", () => {
    const it = talk({}, [], TERMS);
    let road = meet(it);
    for (let n = 0; n < 60; n++) {
      if (n % 3 === 0) it.client.say(n);
      it.clock.flush();
      // The acknowledgement of the return, and the message.
      if (n % 3 === 1) for (let steps = 0; steps < 3; steps++) road.up();
      road.die();
      road.client.end("lost");
      road = new Road();
      comeBack(it, road);
      road.up();
      it.clock.flush();
      road.down();
    }
    expect(it.client.session.state).toBe("open");
  });

  it.each([
    { bytes: 1, lives: false },
    { bytes: 50, lives: false },
    { bytes: 400, lives: true },
  ])("$bytes bytes of something unfinished every 100 ms: lives $lives", ({ bytes, lives }) => {
    for (const counts of [TERMS, undefined]) {
      const it = talk({}, [], counts);
      const { client, server } = meet(it);
      for (let ms = 0; ms < 20_000; ms += 100) {
        for (const end of [client, server]) if (!end.closed) end.sink?.progress?.(end, bytes);
        it.clock.advance(100);
      }
      const open = lives ? "open" : counts ? "suspended" : "closed";
      expect(states(it)).toEqual([open, open]);
    }
  });

  it.each([
    { bytes: 2, late: true },
    { bytes: 600, late: false },
  ])("an attachment of which $bytes bytes come every 200 ms, late: $late", ({ bytes, late }) => {
    const it = talk();
    const { client, server } = meet(it);
    const packet = CODEC.encode({
      type: PacketType.EVENT,
      nsp: "/",
      id: undefined,
      data: ["n", 1, new Uint8Array(5)],
    });
    server.sink?.frame(server, packet.head);
    for (let ms = 0; ms < 10_000; ms += 100) {
      if (ms % 200 === 0) server.sink?.progress?.(server, bytes);
      it.clock.advance(100);
      pump(it, client, server);
    }
    expect(it.server.endings).toMatchObject(late ? [{ cause: { code: "ERR_ATTACHMENT_LATE" } }] : []);
  });
});

describe("an end that freezes is noticed one silence after the last that was heard of it", () => {
  const moments = Array.from({ length: 30 }, (_, k) => k * 150);

  it.each(moments)("the server, after %i ms", (ms) => {
    const it = talk();
    const { client, server } = meet(it);
    let lastAt = 0;
    for (let now = 0; now < 3000 + ms; now += 50) {
      if (now % 300 === 0) it.server.say(1);
      it.clock.advance(50);
      if (server.underWay.length > 0) lastAt = it.clock.now();
      pump(it, client, server);
    }
    while (it.client.endings.length === 0) it.clock.advance(10);
    const silenceMs = it.clock.now() - lastAt;
    expect(it.client.endings[0]?.reason).toBe("ping timeout");
    expect(silenceMs).toBeGreaterThanOrEqual(INTERVAL_MS + TIMEOUT_MS - 10);
    expect(silenceMs).toBeLessThanOrEqual(INTERVAL_MS + TIMEOUT_MS + 60);
  });

  it.each(moments)("the client, %i ms after its last answer to a PING", (ms) => {
    const it = talk();
    const { client, server } = meet(it);
    let lastAt = 0;
    let deaf = false;
    const receive = client.receive.bind(client);
    client.receive = (frame) => {
      if (!deaf || frame !== "2") receive(frame);
    };
    for (let now = 0; now < 3000 + ms; now += 50) {
      // It speaks, and never answers.
      deaf ||= now >= 2500;
      if (now % 200 === 0) it.client.say(1);
      if (now % 200 === 100) it.server.say(1);
      it.clock.advance(50);
      if (client.underWay.length > 0) lastAt = it.clock.now();
      pump(it, client, server);
    }
    while (it.server.endings.length === 0) it.clock.advance(10);
    expect(it.server.endings[0]?.reason).toBe("ping timeout");
    const silenceMs = it.clock.now() - lastAt;
    expect(silenceMs).toBeLessThanOrEqual(INTERVAL_MS + TIMEOUT_MS + 110);
    if (ms > 1500) expect(silenceMs).toBeLessThanOrEqual(TIMEOUT_MS + 110);
  });
});

describe("pings", () => {
  it.each([0, 40, 130])("do not drift with answers that take %i ms", (latencyMs) => {
    const it = talk({ pingIntervalMs: 300, pingTimeoutMs: 200 });
    const { client, server } = meet(it);
    const pings: number[] = [];
    const answers: number[] = [];
    const startedAt = it.clock.now();
    for (let ms = 0; ms < 6000; ms += 10) {
      it.clock.advance(10);
      for (; server.underWay.length > 0; server.underWay.shift()?.()) {
        pings.push(it.clock.now() - startedAt);
        answers.push(it.clock.now() + latencyMs);
      }
      if ((answers[0] ?? Number.POSITIVE_INFINITY) <= it.clock.now()) {
        answers.shift();
        it.clock.flush();
        for (const arrive of client.underWay.splice(0)) arrive();
      }
    }
    expect(pings).toHaveLength(19 + 1);
    for (const [index, at] of pings.entries()) {
      expect(at).toBeGreaterThanOrEqual(300 * (index + 1));
      expect(at).toBeLessThanOrEqual(300 * (index + 1) + 60);
    }
  });

  it("are answered late, and then the next has its whole time", () => {
    const it = talk({ pingIntervalMs: 100, pingTimeoutMs: 1000 });
    const { client, server } = meet(it);
    it.clock.advance(150);
    expect(server.underWay).toHaveLength(1);
    it.clock.advance(500);
    // Nothing came in, so that nothing is repeated.
    expect(server.underWay).toHaveLength(1);
    pump(it, client, server);
    it.clock.advance(90);
    expect(server.underWay).toHaveLength(0);
    it.clock.advance(70);
    expect(server.underWay).toHaveLength(1);
  });
});

describe("what the app gives up", () => {
  const packet = (n: number, bytes: number[] = []): EncodedPacket => {
    const data: [string, ...unknown[]] = ["n", n, ...bytes.map((length) => new Uint8Array(length))];
    return CODEC.encode({ type: PacketType.EVENT, nsp: "/", id: undefined, data });
  };

  it.each(["client", "server"] as const)("never leaves the %s if it has not left", (side) => {
    const it = talk({}, [], TERMS);
    const road = meet(it);
    const half = it[side];
    const other = side === "client" ? it.server : it.client;
    const written = packet(1, [3, 4]);
    half.session.send(written);
    it.clock.flush();
    expect(half.session.takeBack(written)).toBe(false);
    for (const end of [road.client, road.server]) end.end("lost");
    const packets = [packet(2), packet(3, [3, 4]), packet(4)];
    const before = half.session.bufferedBytes;
    for (const each of packets) half.session.send(each);
    expect(half.session.takeBack(packets[1] as EncodedPacket)).toBe(true);
    expect(half.session.takeBack(packets[1] as EncodedPacket)).toBe(false);
    expect(half.session.takeBack(packets[0] as EncodedPacket)).toBe(true);
    expect(half.session.waiting).toBe(1);
    expect(half.session.takeBack(packets[2] as EncodedPacket)).toBe(true);
    expect([half.session.waiting, half.session.bufferedBytes]).toEqual([0, before]);
    half.session.send(packet(5));
    const next = new Road();
    comeBack(it, next);
    for (let turns = 0; turns < 10; turns++) pump(it, next.client, next.server);
    expect(other.heard()).toEqual(side === "client" ? [0, 1, 5] : [1, 5]);
  });
});

type End = Road["client"];

/** Two ends that have met and said something. */
function meet(it: Talk): Road {
  const road = new Road();
  it.client.session.start(road.client);
  it.server.session.start(road.server);
  it.clock.flush();
  pump(it, road.client, road.server);
  it.client.say(0);
  for (let turns = 0; turns < 5; turns++) pump(it, road.client, road.server);
  return road;
}

function pump(it: Talk, client: End, server: End): void {
  for (let turns = 0; turns < 3; turns++) {
    it.clock.flush();
    for (const end of [client, server]) for (const arrive of end.underWay.splice(0)) arrive();
  }
  it.clock.flush();
}
