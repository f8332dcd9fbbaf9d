// Who speaks to nodes without being one, when its bus does not work.
import { MemoryHub } from "@sockeye/cluster/memory";
import { ClusterNode, manualClock } from "@sockeye/conformance";
import { type Bus, EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { Outsider } from "../src/outsider.js";

const KEEP = { maxDisconnectionDuration: 60_000, maxPackets: 1_000 };
const ALL = { rooms: new Set<string>() };
const event = (name: string): EncodedPacket => new EncodedPacket(`42["${name}"]`);

async function world(logged: boolean, wrap: (bus: Bus) => Bus = (bus) => bus) {
  const clock = manualClock();
  const hub = new MemoryHub({ clock });
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10);
      await new Promise(setImmediate);
    }
  };
  const keep = logged ? KEEP : undefined;
  const node = new ClusterNode({ bus: hub.bus(), clock, name: "a", keep }).start();
  await pass(100);
  const socket = node.join("x");
  const bus = hub.bus();
  const failed: unknown[] = [];
  const outsider = new Outsider({
    bus: wrap(bus),
    name: "test",
    secret: undefined,
    keep: logged ? { ms: 60_000, entries: 1_000 } : undefined,
    clock,
    failed: (error) => void failed.push(error instanceof Error && error.message),
  });
  return { clock, pass, node, socket, bus, outsider, failed };
}

describe.each([false, true])("an outsider (with a log: %s)", (logged) => {
  it("is heard with what it said before its bus was open", async () => {
    const { socket, outsider, pass, failed } = await world(logged);
    for (let n = 0; n < 5; n++) outsider.event("/", event(`${n}`), ALL);
    await pass(50);
    expect([socket.got, failed]).toEqual([["0", "1", "2", "3", "4"], []]);
  });

  it("keeps what is said before that within a bound, and tells of the rest", async () => {
    let open: () => void = () => {};
    const { socket, outsider, pass, failed } = await world(logged, (bus) => {
      const late = Object.create(bus) as Bus;
      late.open = (sink) => new Promise((resolve) => (open = () => resolve(bus.open(sink))));
      late.publish = (topic, bytes) => bus.publish(topic, bytes);
      Object.defineProperty(late, "log", { value: bus.log });
      Object.defineProperty(late, "maxBytes", { value: bus.maxBytes });
      return late;
    });
    const long = "x".repeat(100_000);
    for (let n = 0; n < 12; n++) outsider.event("/", event(`${n}${long}`), ALL);
    expect(failed).toHaveLength(2);
    await pass(3_000);
    open();
    await pass(50);
    expect(socket.got.map((name) => `${name}`.replace(long, ""))).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
      "5",
      "6",
      "7",
      "8",
      "9",
    ]);
  });

  it("says what could not be said for a moment; what was too long ago is dropped, and that is told", async () => {
    const { node, socket, bus, outsider, pass, failed } = await world(logged);
    await pass(50);
    bus.lose();
    outsider.event("/", event("old"), ALL);
    await pass(2_500);
    outsider.event("/", event("new"), ALL);
    await pass(500);
    bus.restore();
    await pass(500);
    expect(socket.got).toEqual(["new"]);
    // Nodes hear of a gap, or the app hears that it is in no log.
    expect(logged ? failed : node.told.filter((told) => told.startsWith("gap"))).toHaveLength(1);
  });

  it("has said all when it is closed, and says nothing more", async () => {
    const { socket, bus, outsider, pass, failed } = await world(logged);
    outsider.event("/", event("1"), ALL);
    let isClosed = false;
    outsider.close().then(() => {
      isClosed = true;
    });
    await pass(50);
    expect(isClosed).toBe(true);
    outsider.event("/", event("2"), ALL);
    await pass(50);
    expect([socket.got, failed]).toEqual([["1"], []]);
    expect(bus.received).toBe(0);
  });

  it("closes though its bus never opens, and tells", async () => {
    const { outsider, pass, failed } = await world(logged, (bus) => {
      const never = Object.create(bus) as Bus;
      never.open = () => new Promise(() => {});
      never.close = () => bus.close();
      Object.defineProperty(never, "log", { value: bus.log });
      Object.defineProperty(never, "maxBytes", { value: bus.maxBytes });
      return never;
    });
    outsider.event("/", event("1"), ALL);
    let isClosed = false;
    outsider.close().then(() => {
      isClosed = true;
    });
    await pass(6_000);
    expect([isClosed, failed.length]).toEqual([true, 1]);
  });

  it("emits to all while sockets join that it has sent into a room, since their nodes must subscribe first", async () => {
    const { socket, outsider, pass } = await world(logged);
    await pass(50);
    outsider.act("/", "join", ALL, ["y"]);
    outsider.event("/", event("1"), { rooms: new Set(["y"]) });
    await pass(3_000);
    outsider.event("/", event("2"), { rooms: new Set(["y"]) });
    await pass(100);
    expect(socket.got).toEqual(["1", "2"]);
  });
});
