// What of the log is hard to hit by chance.
import { MemoryHub } from "@sockeye/cluster/memory";
import { ClusterNode, manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";
import { readOffset, writeOffset } from "../src/log/offset.js";

const KEEP = { maxDisconnectionDuration: 60_000, maxPackets: 1_000 };

function world() {
  const clock = manualClock();
  const hub = new MemoryHub({ clock });
  const buses = ["a", "b"].map(() => hub.bus());
  const nodes = buses.map((bus, n) => new ClusterNode({ bus, clock, name: `${n}`, keep: KEEP }).start());
  return { clock, hub, buses, nodes, pass: passing(clock) };
}

function passing(clock: ReturnType<typeof manualClock>): (ms: number) => Promise<void> {
  return async (ms) => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10);
      await new Promise(setImmediate);
    }
  };
}

describe("a return", () => {
  it("to a node that has heard nothing of the room brings all; what comes late besides comes once", async () => {
    const { nodes, buses, pass } = world();
    const [a, b] = nodes as [ClusterNode, ClusterNode];
    const [, bus] = buses;
    await pass(100);
    const socket = a.join("x");
    await pass(50);
    a.lose(socket);
    for (const event of ["1", "2", "3"]) a.emit(["x"], event);
    await pass(50);
    const { log } = bus ?? {};
    const read = log?.read;
    if (!bus || !log || !read) throw new Error("no log");
    const { take } = bus;
    log.read = async (...args) => {
      // These are in the log when it is read, and under way to this node.
      bus.take = (from, carried) => take.call(bus, from, { ...carried, delayMs: 300 });
      for (const event of ["4", "5"]) a.emit(["x"], event);
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      return read(...args);
    };
    const coming = b.comesBack(socket);
    await pass(100);
    const back = await coming;
    expect(back?.got).toEqual(["1", "2", "3"]);
    await pass(600);
    expect(back?.got).toEqual(["1", "2", "3", "4", "5"]);
  });

  it.each([100, 900])(
    "misses nothing though the last one leaves its room meanwhile, %i ms before the node would unsubscribe",
    async (ms) => {
      const { nodes, buses, pass } = world();
      const [a, b] = nodes as [ClusterNode, ClusterNode];
      await pass(100);
      const [socket, other, third] = [a.join("x"), b.join("x"), b.join("y")];
      await pass(50);
      a.lose(socket);
      a.emit(["x"], "1");
      let decide = (): void => {};
      const middlewares = new Promise<void>((resolve) => {
        decide = resolve;
      });
      const coming = b.comesBack(socket, middlewares);
      await pass(300);
      b.lose(third);
      await pass(1_000 - ms);
      b.lose(other);
      await pass(ms + 20);
      a.emit(["x"], "2");
      await pass(1_000);
      a.emit(["x"], "3");
      await pass(50);
      decide();
      await pass(20);
      const back = await coming;
      a.emit(["x"], "4");
      await pass(50);
      expect(back?.got).toEqual(["1", "2", "3", "4"]);
      // And nothing is held for it any more.
      if (back) b.lose(back);
      await pass(2_500);
      const received = buses[1]?.received ?? 0;
      for (let n = 0; n < 10; n++) a.emit(["x"], "unheard");
      await pass(50);
      expect((buses[1]?.received ?? 0) - received).toBeLessThan(10);
    },
  );

  it("is refused, and costs nothing, while the log cannot be had", async () => {
    const { nodes, buses, pass } = world();
    const [a, b] = nodes as [ClusterNode, ClusterNode];
    await pass(100);
    const socket = a.join("x");
    await pass(50);
    buses[1]?.lose();
    expect(b.adapter.position()).toBeNull();
    expect(await b.adapter.restoreSession(socket.kept?.pid ?? "", undefined)).toBeNull();
    expect(b.join("y").kept).toBeUndefined();
    expect(b.failures).toEqual([]);
  });
});

describe("a log that answers with errors", () => {
  it("keeps nobody waiting for more than 2 s, and begins anew once it works", async () => {
    const { nodes, buses, pass } = world();
    const [a, b] = nodes as [ClusterNode, ClusterNode];
    const [{ log } = {}] = buses;
    if (!log) throw new Error("no log");
    await pass(100);
    const [here, there] = [a.join(), b.join()];
    await pass(50);
    const { append } = log;
    log.append = () => Promise.reject(new Error("out of memory"));
    a.emit([], "1");
    await pass(1900);
    expect(here.got).toEqual([]);
    await pass(300);
    expect(here.got).toEqual(["1"]);
    expect(a.failures.splice(0).length).toBeGreaterThan(0);
    a.emit([], "2");
    expect(here.got).toEqual(["1", "2"]);
    log.append = append;
    await pass(3000);
    const [{ told, gaps }, position] = [b, String(b.adapter.position())];
    expect([there.got, gaps, told.at(-1)]).toEqual([["2"], 1, "gap of 0"]);
    a.emit([], "3");
    await pass(100);
    expect([here.got, there.got]).toEqual([
      ["1", "2", "3"],
      ["2", "3"],
    ]);
    expect(String(b.adapter.position()).slice(0, 9)).not.toBe(position.slice(0, 9));
  });
});

describe("a node that continues alone", () => {
  it("is not overtaken by what it has said before, at a node that reads on: that is told as a gap, and nobody is recovered", async () => {
    const { clock, nodes, buses, pass } = world();
    const [a, b] = nodes as [ClusterNode, ClusterNode];
    const [own, other] = buses;
    await pass(100);
    const [here, there] = [a.join(), b.join()];
    await pass(50);
    const { log } = other ?? {};
    if (!own || !other || !log) throw new Error("no log");
    const read = log.read.bind(log);
    log.read = async (...args) => {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 3_000));
      return read(...args);
    };
    other.lose();
    other.restore();
    await pass(50);
    // It is kept, and comes back to its sender too late.
    const take = own.take.bind(own);
    own.take = (from, carried) => take(from, { ...carried, delayMs: carried.at ? 4_000 : 0 });
    const before = `${a.adapter.position()}`;
    expect(b.adapter.position()).toBeNull();
    a.emit([], "1");
    await pass(2_100);
    a.emit([], "2");
    await pass(100);
    expect([here.got, there.got]).toEqual([["1", "2"], ["2"]]);
    const { gaps } = b;
    await pass(6_000);
    expect([here.got, there.got]).toEqual([["1", "2"], ["2"]]);
    expect(b.gaps).toBeGreaterThan(gaps);
    expect(`${b.adapter.position()}`.slice(0, 9)).not.toBe(before.slice(0, 9));
  });
});

describe("a node that has stood still", () => {
  it.each([
    [5_000, 400, true],
    [5_000, 700, false],
    [100, 400, false],
  ])(
    "for %i ms: what the log has %i ms after it was to wait no longer is heard: %s",
    async (still, late, heard) => {
      const clock = manualClock();
      const bus = new MemoryHub({ clock }).bus();
      let stood = 0;
      // Its timers come late.
      const own = {
        now: () => clock.now() + stood,
        wall: () => clock.wall() + stood,
        setTimer: clock.setTimer.bind(clock),
        clearTimer: clock.clearTimer.bind(clock),
        defer: clock.defer.bind(clock),
      };
      const node = new ClusterNode({ bus, clock: own, name: "a", keep: KEEP }).start();
      const pass = passing(clock);
      await pass(100);
      const socket = node.join();
      await pass(50);
      const { log } = bus;
      const append = log?.append.bind(log);
      if (!log || !append) throw new Error("no log");
      log.append = async (...args) => {
        await new Promise<void>((resolve) => void clock.setTimer(resolve, 2_000 + late));
        return append(...args);
      };
      const before = `${node.adapter.position()}`;
      node.emit([], "1");
      await pass(10);
      stood = still;
      await pass(4_500);
      expect(socket.got).toEqual(["1"]);
      expect(`${node.adapter.position()}`.startsWith(before.slice(0, 9))).toBe(heard);
    },
  );
});

describe("what is said to a room that empties", () => {
  it.each([10, 300, 990, 1_500])(
    "is not waited for, however late the log has it: after %i ms",
    async (ms) => {
      const { clock, nodes, buses, pass } = world();
      const [a] = nodes as [ClusterNode];
      const [{ log } = {}] = buses;
      if (!log) throw new Error("no log");
      await pass(100);
      const [first, other] = [a.join("x"), a.join("y")];
      await pass(50);
      const before = `${a.adapter.position()}`;
      const append = log.append.bind(log);
      log.append = async (...args) => {
        await new Promise<void>((resolve) => void clock.setTimer(resolve, ms));
        return append(...args);
      };
      a.lose(other);
      await pass(990);
      a.emit(["x"], "1");
      a.lose(first);
      await pass(6_000);
      expect(`${a.adapter.position()}`.split(".")[0]).toBe(before.split(".")[0]);
      expect([a.gaps, a.failures]).toEqual([0, []]);
    },
  );
});

describe("offsets", () => {
  it.each([
    "",
    "x",
    "abcdefgh",
    "abcdefgh.",
    ".1",
    "abcdefgh.-1",
    "abcdefgh.0.0",
    "abcdefgh.00",
    "a.1 ",
    "a.Z",
  ])("%j is none", (text) => {
    expect(readOffset(text)).toBeUndefined();
  });

  it("are read as they were written", () => {
    for (const number of [0, 1, 35, 36, 1e9, Number.MAX_SAFE_INTEGER])
      expect(readOffset(writeOffset({ epoch: "abcdefgh", number }))).toEqual({ epoch: "abcdefgh", number });
  });
});

it("a node that gives up on its log while it reads what it has missed applies what comes meanwhile behind that, and loses none", async () => {
  const { nodes, buses, hub, pass } = world();
  const [a, b] = nodes as [ClusterNode, ClusterNode];
  const bus = buses[1];
  await pass(100);
  const socket = b.join("x");
  await pass(50);
  bus?.lose();
  b.emit(["x"], "of b");
  a.emit(["x"], "1");
  await pass(1_950);
  hub.faults = { delayMs: 200 };
  bus?.restore();
  for (let n = 2; n < 12; n++) {
    a.emit(["x"], `${n}`);
    await pass(50);
  }
  await pass(3_000);
  const ofA = Array.from({ length: 11 }, (_, n) => `${n + 1}`);
  expect(socket.got.filter((event) => event !== "of b")).toEqual(ofA);
});
