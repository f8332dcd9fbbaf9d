// Workers and their primary inside one process: what they send is copied as IPC copies it, and arrives later, in order.
import { EventEmitter } from "node:events";
import { type ProcessPort, processBus, relay } from "@sockeye/bus-process";
import { busSuite, type ClusterBench, clusterSuite } from "@sockeye/conformance";
import { nativeClock } from "@sockeye/session";
import { describe, expect, it, vi } from "vitest";
import { until } from "../../../test/support/wait.js";

class FakePrimary extends EventEmitter {
  readonly settings: unknown[] = [];
  readonly workers: FakeWorker[] = [];

  setupPrimary(settings: unknown): void {
    this.settings.push(settings);
  }

  fork(): FakeWorker {
    const worker = new FakeWorker(this, this.workers.length + 1);
    this.workers.push(worker);
    return worker;
  }
}

/** Both ends of a worker's channel. */
class FakeWorker {
  readonly port: ProcessPort & EventEmitter;
  isAlive = true;
  /** Of its channel: what it has sent may be read when it is dead. */
  #isOpen = true;

  constructor(
    readonly primary: FakePrimary,
    readonly id: number,
  ) {
    const send = (message: object): void =>
      this.#later(message, (copy) => primary.emit("message", this, copy));
    this.port = Object.assign(new EventEmitter(), { connected: true, send });
  }

  isConnected(): boolean {
    return this.#isOpen;
  }

  isDead(): boolean {
    return !this.isAlive;
  }

  send(message: object): void {
    this.#later(message, (copy) => {
      if (this.isAlive) this.port.emit("message", copy);
    });
  }

  /** What it has sent is read before its channel ends, as Node does; its exit may be told before or after that. */
  die(first: "exit" | "disconnect" = "disconnect"): void {
    this.isAlive = false;
    if (first === "exit") this.primary.emit("exit", this);
    setImmediate(() => {
      this.#isOpen = false;
      this.primary.emit("disconnect", this);
      if (first !== "exit") this.primary.emit("exit", this);
    });
  }

  #later(message: object, deliver: (copy: unknown) => void): void {
    const copy: unknown = structuredClone(message);
    setImmediate(() => deliver(copy));
  }
}

function bench(): ClusterBench {
  const primary = new FakePrimary();
  relay(primary);
  return {
    clock: nativeClock,
    makeBus: () => processBus(primary.fork().port),
    until: (condition, what) => until(condition, what),
  };
}

busSuite("Node's cluster", bench);
clusterSuite("Node's cluster", bench);

describe("the relay", () => {
  it("sets the channel to one that keeps bytes", () => {
    const primary = new FakePrimary();
    relay(primary);
    expect(primary.settings).toEqual([{ serialization: "advanced" }]);
  });

  it("says goodbye for a worker that dies, and not for one that has left", async () => {
    const primary = new FakePrimary();
    relay(primary);
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
      relay(primary);
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
    relay(primary);
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
    ]) {
      primary.emit("message", worker, message);
      worker.port.emit("message", message);
    }
    expect(heard).toEqual([]);
  });

  it("passes on what it cannot to the end of the other, and not to `error`, which would end this process", async () => {
    const primary = new EventEmitter() as EventEmitter & { setupPrimary(): void };
    primary.setupPrimary = () => {};
    relay(primary as never);
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
    worker.port.emit("disconnect");
    expect(states).toEqual(["ERR_BUS_DOWN"]);
  });
});
