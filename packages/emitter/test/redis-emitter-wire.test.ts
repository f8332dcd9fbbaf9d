// What npm's emitter says over Redis, ours must say byte for byte; and what becomes of it when the bus does not work.

import { Emitter as StockEmitter } from "@socket.io/redis-emitter";
import { manualClock } from "@sockeye/conformance";
import { Emitter } from "@sockeye/emitter";
import type { Bus, BusSink } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RedisEmitterWire } from "../src/redis-emitter-wire.js";

/** A bus that is open when it is told to be. */
class PaperBus implements Bus {
  readonly maxBytes = 1e6;
  readonly order = "all";
  readonly local = false;
  readonly said: [channel: string, bytes: string][] = [];
  sink: BusSink | undefined;
  opened: () => void = () => {};
  isClosed = false;

  open(sink: BusSink): Promise<void> {
    this.sink = sink;
    return new Promise((resolve) => {
      this.opened = resolve;
    });
  }

  publish(topic: string, bytes: Uint8Array): void {
    this.said.push([`socket.io${topic}`, Buffer.from(bytes).toString("hex")]);
  }

  subscribe(): void {}
  unsubscribe(): void {}
  restart(): void {}

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const texts = fc.array(fc.string({ maxLength: 40 }), { maxLength: 3 });
/** Beyond them ours writes doubles, and npm's writes integers. These, and dates, are the same only once they are read: the test on a real Redis has a date. */
const isSafe = (each: unknown): boolean =>
  typeof each === "number"
    ? !Number.isInteger(each) || Number.isSafeInteger(each)
    : typeof each !== "object" || each === null || Object.values(each).every(isSafe);
const value = fc.oneof(
  fc.jsonValue().filter(isSafe),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

describe("the wire of @socket.io/redis-emitter", () => {
  it("has the same channels and the same bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        texts,
        texts,
        fc.array(value, { maxLength: 3 }),
        fc.boolean(),
        async (rooms, except, args, of) => {
          const bus = new PaperBus();
          const stockSaid: [string, string][] = [];
          const publish = (channel: string, message: string | Uint8Array): void =>
            void stockSaid.push([channel, Buffer.from(message as string).toString("hex")]);
          const [ours, stock] = [new Emitter(bus, { wire: "redis-emitter" }), new StockEmitter({ publish })];
          bus.opened();
          await ours.ready;
          for (const emitter of [of ? ours.of("/admin") : ours, of ? stock.of("/admin") : stock]) {
            emitter.emit("news", ...args);
            if (rooms.length > 0)
              emitter
                .to(rooms)
                .except(except)
                .emit("news", ...args);
            emitter.except(except).volatile.emit("news");
            emitter.except(except).compress(false).emit("news");
            const all = emitter.except(except);
            all.socketsJoin(rooms);
            all.socketsLeave("one");
            all.disconnectSockets(true);
            emitter.serverSideEmit("job", ...args);
          }
          expect(bus.said).toEqual(stockSaid);
        },
      ),
      { numRuns: 60 },
    );
  });

  const world = () => {
    const [bus, clock] = [new PaperBus(), manualClock()];
    const failed: unknown[] = [];
    const wire = new RedisEmitterWire({ bus, clock, failed: (error) => void failed.push(error) });
    const all = { rooms: new Set<string>(), except: new Set<string>(), flags: {}, nobody: false };
    return { bus, clock, failed, wire, say: (data = "x") => wire.emit("/", ["news", data], all) };
  };
  const down = (): ClusterError => new ClusterError("ERR_BUS_DOWN", "test");

  it("waits for a bus that is not open yet, however long that takes, and drops the oldest beyond 1 MiB", async () => {
    const { bus, clock, failed, wire, say } = world();
    for (let n = 0; n < 12; n++) say("x".repeat(100_000));
    clock.advance(60_000);
    bus.opened();
    await wire.ready;
    expect(bus.said).toHaveLength(10);
    expect(failed).toHaveLength(2);
  });

  it("waits two seconds for a bus that is down, and tells what was dropped", async () => {
    const { bus, clock, failed, wire, say } = world();
    bus.opened();
    await wire.ready;
    bus.sink?.down(down());
    say("old");
    clock.advance(2_001);
    say("new");
    bus.sink?.up(true);
    expect(bus.said).toHaveLength(1);
    expect(failed).toEqual([expect.objectContaining({ code: "ERR_BUS_DOWN" })]);
    say("next");
    expect(bus.said).toHaveLength(2);
  });

  it("closes though the bus never opens, tells what was dropped, and says nothing more", async () => {
    const { bus, clock, failed, wire, say } = world();
    say();
    const closing = wire.close();
    clock.advance(5_000);
    await closing;
    say();
    bus.opened();
    await wire.ready;
    expect([bus.isClosed, bus.said.length, failed.length]).toEqual([true, 0, 1]);
  });

  it("is refused together with what it has not", () => {
    const bad = expect.objectContaining({ code: "ERR_BAD_OPTION" });
    const wire = "redis-emitter";
    for (const more of [
      { secret: "s" },
      { name: "shop" },
      { connectionStateRecovery: {} },
      { parser: {} as never },
    ])
      expect(() => new Emitter(new PaperBus(), { wire, ...more })).toThrow(bad);
    expect(() => new Emitter(new PaperBus(), { wire: "socket.io" as never })).toThrow(bad);
  });
});
