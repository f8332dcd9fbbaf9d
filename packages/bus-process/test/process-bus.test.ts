import { EventEmitter } from "node:events";
import { processBus, relay } from "@sockeye/bus-process";
import { busSuite, type ClusterBench, clusterSuite, keepingBusSuite } from "@sockeye/conformance";
import { nativeClock } from "@sockeye/session";
import { describe, expect, it, vi } from "vitest";
import { until } from "../../../test/support/wait.js";
import { FakePrimary } from "./fake-primary.js";

function bench(): ClusterBench {
  const primary = new FakePrimary();
  relay({ primary });
  return {
    clock: nativeClock,
    makeBus: () => processBus(primary.fork().port),
    until: (condition, what) => until(condition, what),
  };
}

busSuite("Node's cluster", bench);
keepingBusSuite("Node's cluster", bench);
clusterSuite("Node's cluster", bench);

describe("the relay", () => {
  it("sets the channel to one that keeps bytes", () => {
    const primary = new FakePrimary();
    relay({ primary });
    expect(primary.settings).toEqual([{ serialization: "advanced" }]);
  });

  it("says goodbye for a worker that dies, and not for one that has left", async () => {
    const primary = new FakePrimary();
    relay({ primary });
    const heard: string[] = [];
    const sink = { message: (topic: string) => void heard.push(topic), subscribed() {}, up() {}, down() {} };
    const [a, b, c] = [primary.fork(), primary.fork(), primary.fork()];
    const buses = [a, b, c].map(({ port }) => processBus(port));
    buses[0]?.subscribe(["of b", "of c"]);
    for (const bus of buses) await bus.open(sink);
    buses[1]?.will?.("of b", Uint8Array.of(1));
    buses[2]?.will?.("of c", Uint8Array.of(1));
    await buses[2]?.close();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    b.die();
    c.die();
    await until(() => heard.length > 0, "the goodbye");
    expect(heard).toEqual(["of b"]);
  });

  it.each(["exit", "disconnect"] as const)(
    "says a worker's goodbye once, behind all that it has said: %s first",
    async (first) => {
      const primary = new FakePrimary();
      relay({ primary });
      const heard: string[] = [];
      const sink = {
        message: (topic: string) => void heard.push(topic),
        subscribed() {},
        up() {},
        down() {},
      };
      const [a, b] = [primary.fork(), primary.fork()];
      const [listening, dying] = [processBus(a.port), processBus(b.port)];
      listening.subscribe(["beat", "goodbye"]);
      await listening.open(sink);
      await dying.open(sink);
      dying.will?.("goodbye", Uint8Array.of(1));
      dying.publish("beat", Uint8Array.of(1));
      await Promise.resolve();
      b.die(first);
      await until(() => heard.includes("goodbye"), "the goodbye");
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      expect(heard).toEqual(["beat", "goodbye"]);
    },
  );

  it("lets the app's messages, and what is no message of the bus, pass by", async () => {
    const primary = new FakePrimary();
    relay({ primary });
    const worker = primary.fork();
    const bus = processBus(worker.port);
    const heard: unknown[] = [];
    await bus.open({ message: (...all) => void heard.push(all), subscribed: () => {}, up() {}, down() {} });
    for (const message of [
      undefined,
      "hello",
      { cmd: "x" },
      { "sockeye:bus": 1 },
      { "sockeye:bus": ["publish", [["t"]]] },
      { "sockeye:bus": ["subscribe", [1]] },
      { "sockeye:bus": ["messages", "x"] },
      { "sockeye:bus": ["messages", [["t", Uint8Array.of(1), { epoch: 1 }]]] },
      { "sockeye:bus": ["answer", 1, "stored"] },
      ...[
        undefined,
        ["__proto__", "x"],
        ["end"],
        ["append", "{x}", { writer: "w", number: 1, entries: [{ topics: ["t"], bytes: "text" }], keep: {} }],
        ["read", "{x}", { epoch: "e", number: "1" }],
        ["put", "key", Uint8Array.of(1), -1, 1],
        ["touch", "key", 1],
      ].map((question) => ({ "sockeye:bus": ["ask", 1, question] })),
    ]) {
      primary.emit("message", worker, message);
      worker.port.emit("message", message);
    }
    expect(heard).toEqual([]);
  });

  it("passes on what it cannot to the end of the other, and not to `error`, which would end this process", async () => {
    const primary = new EventEmitter() as EventEmitter & { setupPrimary(): void };
    primary.setupPrimary = () => {};
    relay({ primary: primary as never });
    // As Node.js does: without a callback, a message to a process that has just died is an `error` event.
    const broken = (_message: object, failed?: (error: Error) => void): void => {
      if (failed === undefined) throw new Error("an error event that nobody hears");
      failed(new Error("write EPIPE"));
    };
    const sent = vi.fn(broken);
    const worker = { id: 1, isConnected: () => true, isDead: () => false, send: sent };
    primary.emit("message", worker, { "sockeye:bus": ["subscribe", ["t"]] });
    expect(sent.mock.results.map(({ type }) => type)).toEqual(["return"]);
    const port = Object.assign(new EventEmitter(), { connected: true, send: vi.fn(broken) });
    const bus = processBus(port);
    await bus.open({ message() {}, subscribed() {}, up() {}, down() {} });
    bus.publish("t", Uint8Array.of(1));
    await bus.close();
    expect(port.send.mock.results.map(({ type }) => type)).toEqual(["return", "return", "return"]);
  });

  it("is missing in a process that is no worker", () => {
    const port = Object.assign(new EventEmitter(), { send: undefined });
    expect(() => processBus(port)).toThrow(expect.objectContaining({ code: "ERR_NOT_SUPPORTED" }));
  });

  it("tells when the primary is gone", async () => {
    const worker = new FakePrimary().fork();
    const states: unknown[] = [];
    const bus = processBus(worker.port);
    await bus.open({ message() {}, subscribed() {}, up() {}, down: ({ code }) => void states.push(code) });
    const asked = Promise.allSettled([bus.log?.end("{x}"), bus.records?.get("{x}y")]);
    worker.port.emit("disconnect");
    expect(states).toEqual(["ERR_BUS_DOWN"]);
    const failed = { status: "rejected", reason: { code: "ERR_BUS_DOWN" } };
    expect(await asked).toMatchObject([failed, failed]);
  });
});
