import { EncodedPacket } from "@sockeye/protocol";
import { sizeOf } from "@sockeye/session";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Account, defaultBudgetBytes, type Holder, MemoryBudget } from "../../src/server/memory-budget.js";

/** A connection that holds what a test says. */
class Client implements Holder {
  readonly account: Account;
  packets: EncodedPacket[] = [];
  own = 0;

  constructor(
    readonly name: string,
    budget: MemoryBudget,
    limit: number,
    readonly ended: string[] = [],
  ) {
    this.account = new Account(this, limit, budget);
  }

  hold(bytes: number, packets: EncodedPacket[] = []): this {
    this.own = bytes;
    this.packets = packets;
    this.account.refresh();
    return this;
  }

  heldBytes(): number {
    return this.packets.reduce((sum, packet) => sum + sizeOf(packet), this.own);
  }

  eachPacket(visit: (packet: EncodedPacket, bytes: number) => void): void {
    for (const packet of this.packets) visit(packet, sizeOf(packet));
  }

  shed(error: { code: string }): void {
    expect(error.code).toBe("ERR_MEMORY_BUDGET");
    this.ended.push(this.name);
    this.own = 0;
    this.packets = [];
  }
}

/** Until everything that was put off to the end of this piece of work is done. */
async function settled(): Promise<void> {
  for (let n = 0; n < 3; n++) await Promise.resolve();
}

describe("whom it ends", () => {
  it.each<[string, number, Record<string, number>, string[]]>([
    ["nobody at the limit", 100, { a: 60, b: 40 }, []],
    ["the heaviest", 100, { a: 60, b: 41 }, ["a"]],
    ["the heaviest, whoever came last", 100, { a: 41, b: 60 }, ["b"]],
    ["the one that is alone", 100, { a: 101 }, ["a"]],
    ["as many as it takes, heaviest first", 100, { a: 50, b: 200, c: 150, d: 39 }, ["b", "c"]],
    ["until a tenth is free", 100, { a: 30, b: 31, c: 32, d: 33 }, ["d", "c"]],
    ["no light one beside a heavy one", 100, { a: 1, b: 1, c: 1, d: 98 }, ["d"]],
  ])("%s", async (_what, limit, holds, expected) => {
    const budget = new MemoryBudget();
    const ended: string[] = [];
    for (const [name, bytes] of Object.entries(holds)) new Client(name, budget, limit, ended).hold(bytes);
    // Not in the middle of what made it too much.
    expect(ended).toEqual([]);
    await settled();
    expect(ended).toEqual(expected);
    const left = Object.entries(holds).filter(([name]) => !expected.includes(name));
    expect(budget.bytes).toBe(left.reduce((sum, [, bytes]) => sum + bytes, 0));
  });

  it("nobody, if enough has left by the time that it looks", async () => {
    const budget = new MemoryBudget();
    const client = new Client("a", budget, 100).hold(500);
    // As a socket that the network has emptied without a word.
    client.own = 20;
    await settled();
    expect(client.ended).toEqual([]);
    expect(budget.bytes).toBe(20);
  });

  it("again at the next crossing", async () => {
    const budget = new MemoryBudget();
    const ended: string[] = [];
    const light = new Client("light", budget, 100, ended).hold(10);
    for (let n = 0; n < 50; n++) {
      new Client(`heavy ${n}`, budget, 100, ended).hold(95);
      await settled();
    }
    expect(ended).toEqual(Array.from({ length: 50 }, (_, n) => `heavy ${n}`));
    expect(light.account.bytes).toBe(10);
  });

  it("by the lowest limit, where servers have different ones, for as long as that has clients", async () => {
    const budget = new MemoryBudget();
    const ended: string[] = [];
    const strict = new Client("strict", budget, 100, ended).hold(10);
    const generous = new Client("generous", budget, 1000, ended).hold(95);
    await settled();
    expect(ended).toEqual(["generous"]);
    strict.hold(0);
    generous.hold(900);
    await settled();
    expect(ended).toEqual(["generous"]);
    generous.hold(1001);
    await settled();
    expect(ended).toEqual(["generous", "generous"]);
  });
});

describe("a packet that waits for many", () => {
  const packet = new EncodedPacket(`42["e","${"x".repeat(10_000)}"]`);
  const size = sizeOf(packet);

  it("weighs once: a thousand receivers of one broadcast are not too much", async () => {
    const budget = new MemoryBudget();
    const ended: string[] = [];
    const clients = Array.from({ length: 1000 }, (_, n) => new Client(`${n}`, budget, 3 * size, ended));
    for (const client of clients) {
      client.hold(1, [packet]);
      await settled();
    }
    expect(ended).toEqual([]);
    expect(budget.bytes).toBeLessThan(3 * size);
    expect(budget.bytes).toBeGreaterThanOrEqual(size);
  });

  it("does not make its receivers heavier than one who holds more alone", async () => {
    const budget = new MemoryBudget();
    const ended: string[] = [];
    for (let n = 0; n < 10; n++) new Client(`${n}`, budget, 2 * size, ended).hold(0, [packet]);
    new Client("heavy", budget, 2 * size, ended).hold(size * 1.1);
    await settled();
    expect(ended).toEqual(["heavy"]);
  });

  it("is never counted too low, whatever leaves and comes meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(9), fc.nat(50), fc.subarray([0, 1, 2, 3])), { maxLength: 60 }),
        async (steps) => {
          const budget = new MemoryBudget();
          const limit = 1200;
          const packets = [0, 1, 2, 3].map((n) => new EncodedPacket("x".repeat(100 * n)));
          const clients = Array.from({ length: 10 }, (_, n) => new Client(`${n}`, budget, limit));
          for (const [who, bytes, which] of steps) {
            clients[who]?.hold(0);
            clients[who]?.hold(
              bytes,
              which.flatMap((n) => packets[n] ?? []),
            );
            await settled();
            const unique = new Set(clients.flatMap((client) => client.packets));
            const real = [...unique].reduce((sum, one) => sum + sizeOf(one), 0);
            const held = clients.reduce((sum, { own }) => sum + own, real);
            expect(budget.bytes).toBeGreaterThanOrEqual(held - 0.001);
            expect(budget.bytes).toBeLessThanOrEqual(limit);
          }
          for (const client of clients) client.hold(0);
          expect(budget.bytes).toBeCloseTo(0);
          expect(budget.size).toBe(0);
        },
      ),
    );
  });
});

it("finds out that what was shared has made room for what is not, though no account has grown", async () => {
  const budget = new MemoryBudget();
  const packet = new EncodedPacket("x".repeat(1000));
  const size = sizeOf(packet);
  const ended: string[] = [];
  const clients = Array.from({ length: 10 }, (_, n) => new Client(`${n}`, budget, 4 * size, ended));
  for (const client of clients) client.hold(0, [packet]);
  await settled();
  expect(ended).toEqual([]);
  for (let n = 0; n < 1000 && ended.length === 0; n++) {
    clients[n % 10]?.hold(size + (Math.floor(n / 10) % 2));
    await settled();
  }
  expect(ended.length).toBeGreaterThanOrEqual(6);
  expect(budget.bytes).toBeLessThanOrEqual(4 * size);
});

describe("the sum", () => {
  it("is that of all accounts, and nothing once all have left", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.constantFrom("hold", "add"), fc.nat(1000))), (steps) => {
        const budget = new MemoryBudget();
        const clients = Array.from({ length: 6 }, (_, n) => new Client(`${n}`, budget, 1e9));
        const added = clients.map(() => 0);
        for (const [who, how, bytes] of steps) {
          const client = clients[who] as Client;
          if (how === "hold") client.hold(bytes);
          else {
            client.account.add(bytes);
            added[who] = (added[who] ?? 0) + bytes;
          }
          const sum = clients.reduce((total, each, n) => total + each.own + (added[n] ?? 0), 0);
          expect(budget.bytes).toBe(sum);
          expect(budget.size).toBe(clients.filter(({ account }) => account.bytes > 0).length);
        }
        for (const [n, client] of clients.entries()) {
          client.hold(0);
          client.account.add(-(added[n] ?? 0));
        }
        expect([budget.bytes, budget.size]).toEqual([0, 0]);
      }),
    );
  });

  it("never ends a client while a heavier one stays", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1 }), async (sizes) => {
        const budget = new MemoryBudget();
        const ended: string[] = [];
        for (const [n, bytes] of sizes.entries()) new Client(`${n}`, budget, 1500, ended).hold(bytes);
        await settled();
        const lightest = Math.min(...ended.map((n) => sizes[Number(n)] ?? 0));
        for (const [n, bytes] of sizes.entries()) {
          if (!ended.includes(`${n}`)) expect(bytes).toBeLessThanOrEqual(lightest);
        }
        expect(budget.bytes).toBeLessThanOrEqual(1500);
      }),
    );
  });
});

it("is a quarter of the memory by default, and no more than of the heap", () => {
  expect(defaultBudgetBytes()).toBeGreaterThan(1e6);
  expect(defaultBudgetBytes()).toBeLessThan(2 ** 33);
});
