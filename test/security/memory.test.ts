import type { Socket as NetSocket } from "node:net";
import { describe, expect, vi } from "vitest";
import { attack, SUBJECT } from "../support/attack.js";
import { usedBytes } from "../support/memory.js";
import { turn, until } from "../support/wait.js";

// Small text that becomes large objects, and what is never finished: what it costs is measured for each byte that was sent.

const CONNECTIONS = 20;

// Collecting the garbage of a hundred megabytes takes its time.
vi.setConfig({ testTimeout: 120_000 });

/** About a megabyte of JSON. */
const SHAPES = {
  "empty objects": (): string => `[${"{},".repeat(320_000)}{}]`,
  "empty lists": (): string => `[${"[],".repeat(320_000)}[]]`,
  "short texts": (): string => `[${'"a",'.repeat(240_000)}0]`,
  "small objects": (): string => `[${'{"a":0},'.repeat(120_000)}0]`,
} as const;

/** Bytes of memory for each byte that was sent. */
async function costOf(sent: number, act: () => Promise<unknown>): Promise<number> {
  const before = await usedBytes();
  await act();
  return ((await usedBytes()) - before) / sent;
}

describe("auth of a megabyte", () => {
  for (const [name, json] of Object.entries(SHAPES)) {
    attack(`of ${name} costs no memory while a middleware decides: ${name}`, async ({ io, join }) => {
      io.of("/slow").use(() => {});
      const text = json();
      const wires = await Promise.all(Array.from({ length: CONNECTIONS }, async () => (await join()).wire));
      const cost = await costOf(CONNECTIONS * text.length, async () => {
        for (const wire of wires) {
          wire.send(`40/slow,{"a":${text}}`, '42["echo",1]');
          await turn();
        }
        for (const wire of wires) {
          if (SUBJECT === "sockeye") expect(await wire.nextMessage()).toContain("Auth payload too large");
        }
      });
      expect(cost, "bytes for each byte").toBeLessThan(1);
      for (const wire of wires) wire.end();
    });
  }
});

describe("a binary event that waits for its bytes", () => {
  for (const [name, json] of Object.entries(SHAPES)) {
    attack(`costs what was sent, whatever its JSON: ${name}`, async ({ io, join }) => {
      const text = `451-["e",{"_placeholder":true,"num":0},${json()}]`;
      const wires = await Promise.all(Array.from({ length: CONNECTIONS }, async () => (await join()).wire));
      const cost = await costOf(CONNECTIONS * text.length, async () => {
        for (const wire of wires) {
          const drained = new Promise((resolve) => wire.ws.ping("", undefined, resolve as () => void));
          const ponged = new Promise((resolve) => wire.ws.once("pong", resolve));
          wire.send(text);
          wire.ws.ping();
          await drained;
          await ponged;
        }
        await until(() => io.engine.clientsCount === CONNECTIONS + 1, "all to be there");
        await turn();
      });
      // The text itself, the reader's memory, and what the sockets of this process hold.
      expect(cost, "bytes for each byte").toBeLessThan(3);
      for (const wire of wires) wire.end();
    });
  }
});

describe("messages without an end", () => {
  const BUDGET = 5_000_000;
  attack(
    "on forty connections end those that hold the most, and hold no more than the budget",
    async ({ io, join, roundTrip }) => {
      const wires = await Promise.all(
        Array.from({ length: 2 * CONNECTIONS }, async () => (await join()).wire),
      );
      const before = await usedBytes();
      for (const wire of wires) {
        const head = Buffer.alloc(14);
        head[0] = 0x82;
        head[1] = 0x80 | 127;
        head.writeUInt32BE(900_000, 6);
        const raw = (wire.ws as unknown as { _socket: NetSocket })._socket;
        await new Promise((resolve) => raw.write(Buffer.concat([head, Buffer.alloc(800_000)]), resolve));
        await roundTrip();
      }
      await until(() => io.engine.clientsCount <= 10, "the heaviest to end");
      expect((await usedBytes()) - before).toBeLessThan(2 * BUDGET);
      for (const wire of wires) wire.end();
    },
    { limits: { maxProcessBytes: BUDGET } },
  );
});
