import { manualClock, Side } from "@sockeye/conformance";
import { EncodedPacket } from "@sockeye/protocol";
import { type MemoryOptions, type MemoryPair, memoryPair } from "@sockeye/transport/memory";
import { expect, it } from "vitest";

interface Bound {
  readonly pair: MemoryPair;
  readonly a: Side;
  readonly b: Side;
  flush(): void;
}

function bound(options?: MemoryOptions): Bound {
  const clock = manualClock();
  const pair = memoryPair({ clock, ...options });
  const a = new Side();
  const b = new Side();
  pair.a.bind(a);
  pair.b.bind(b);
  a.use(pair.a);
  b.use(pair.b);
  return { pair, a, b, flush: () => clock.flush() };
}

it("has the given name, and one of its own", () => {
  expect(memoryPair().a.name).toBe("memory");
  expect(bound({ name: "polling" }).pair.b.name).toBe("polling");
});

it("delivers when the clock says so, never within send()", () => {
  const { a, b, flush } = bound();
  a.sendText("4one");
  a.sendText("4two");
  expect(b.frames).toEqual([]);
  flush();
  expect(b.frames).toEqual(["4one", "4two"]);
});

it("holds and releases", () => {
  const { pair, a, b, flush } = bound();
  pair.a.hold();
  a.sendText("4one");
  flush();
  expect(pair.a.writable).toBe(false);
  expect(b.frames).toEqual([]);
  pair.a.release();
  expect(a.writables).toBe(1);
  flush();
  expect(b.frames).toEqual(["4one"]);
  pair.a.release();
  expect(a.writables).toBe(1);
});

it("is not writable while paused, held or not", () => {
  const { pair, a } = bound();
  pair.a.pause(() => {});
  pair.a.hold();
  pair.a.release();
  expect(pair.a.writable).toBe(false);
  expect(a.writables).toBe(0);
  pair.a.resume();
  expect(pair.a.writable).toBe(true);
  expect(a.writables).toBe(1);
  pair.a.resume();
  expect(a.writables).toBe(1);
});

it("drops what one end sends, its close included", () => {
  const { pair, a, b, flush } = bound();
  a.sendText("4before");
  pair.a.drop();
  a.sendText("4lost");
  b.sendText("4the other way");
  flush();
  pair.a.close("goodbye");
  flush();
  expect(b.frames).toEqual(["4before"]);
  expect(a.frames).toEqual(["4the other way"]);
  expect(b.endings).toEqual([]);
});

it("cuts both ends: what is on its way is lost, each is told once", () => {
  const { pair, a, b, flush } = bound();
  const cause = new Error("cable");
  a.sendText("4lost");
  pair.cut("transport error", cause);
  pair.cut();
  expect(pair.a.writable).toBe(false);
  expect(b.endings).toEqual([]);
  flush();
  expect(b.frames).toEqual([]);
  expect(a.endings).toEqual([{ reason: "transport error", cause }]);
  expect(b.endings).toEqual([{ reason: "transport error", cause }]);
});

it("tells a cut, and an end without goodbye, as losses", () => {
  for (const [lose, losses] of [
    [(pair: MemoryPair) => pair.cut(), 1],
    [(pair: MemoryPair) => pair.a.close("dead"), 1],
    [(pair: MemoryPair) => pair.a.close("goodbye"), 0],
  ] as const) {
    const { pair, b, flush } = bound();
    lose(pair);
    flush();
    expect(b.endings).toHaveLength(1);
    expect(b.losses).toBe(losses);
  }
});

it("cuts one end, and the other hears nothing", () => {
  const { pair, a, b, flush } = bound();
  pair.b.cut("transport close");
  a.sendText("4into the void");
  flush();
  expect(b.endings).toEqual([{ reason: "transport close", cause: undefined }]);
  expect(b.frames).toEqual([]);
  expect(a.endings).toEqual([]);
});

it("delivers nothing more once it is cut within frame()", () => {
  const { pair, a, b, flush } = bound();
  b.onFrame = () => pair.b.cut();
  a.sendText("4one", "4two");
  flush();
  expect(b.frames).toEqual(["4one"]);
  expect(b.endings).toHaveLength(1);
});

it("cannot be released from a cut", () => {
  const { pair, a } = bound();
  pair.a.cut();
  pair.a.release();
  pair.a.hold();
  pair.a.release();
  expect(pair.a.writable).toBe(false);
  expect(a.writables).toBe(0);
});

it("records what both ends do, if asked", () => {
  const { pair, a, b, flush } = bound({ record: true });
  const attached = new Uint8Array([1]);
  a.send([new EncodedPacket("451-[]", [attached])]);
  b.sendText("4b");
  pair.a.drop();
  a.sendText("4dropped");
  pair.a.close("dead");
  pair.a.close("goodbye");
  pair.b.close("goodbye");
  flush();
  expect(pair.traffic).toEqual([
    { from: "a", frame: "451-[]" },
    { from: "a", frame: attached },
    { from: "b", frame: "4b" },
    { from: "a", frame: "4dropped" },
    { from: "a", close: "dead" },
    { from: "b", close: "goodbye" },
  ]);
  expect(bound().pair.traffic).toEqual([]);
});
