import { describe, expect } from "vitest";
import { attack } from "../support/attack.js";
import { usedBytes } from "../support/memory.js";
import { countPieces, oneByteChunks } from "../support/pieces.js";
import { http, requestBytes } from "../support/rawsocket.js";
import { until } from "../support/wait.js";

// What a request costs, in memory and in the processor's time, for each byte of it. Readers by themselves: parsers.test.ts and
// pieces.test.ts.

const CHUNKS = 100_000;
/** Bytes held for one that has come: a buffer that has just doubled is half empty. */
const MOST = 4;
/** What code, counters and the connection take. */
const SLACK = 1_600_000;

describe("what a server is sent", () => {
  attack("a POST in one-byte chunks is held as what it weighs", async ({ joinByPolling, line }) => {
    const { poller } = await joinByPolling();
    const pieces = countPieces();
    const peer = line();
    const before = await usedBytes();
    const headers = { "Transfer-Encoding": "chunked", "Content-Type": "text/plain" };
    peer.write(requestBytes({ method: "POST", target: poller.target, headers }));
    for (let n = 0; n < CHUNKS; n += 10_000) {
      peer.write(oneByteChunks(10_000));
      await until(() => pieces.count >= n + 10_000, "the pieces to come");
    }
    const held = (await usedBytes()) - before;
    pieces.end();
    peer.end();
    expect(held).toBeLessThan(MOST * CHUNKS + SLACK);
  });

  /** The processor's time for one request, at best. */
  async function costOf(play: () => Promise<unknown>): Promise<number> {
    let best = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 5; n++) {
      const begin = process.cpuUsage();
      await play();
      const { user, system } = process.cpuUsage(begin);
      best = Math.min(best, (user + system) / 1000);
    }
    return best;
  }

  /** Ten times as much may take 25 times as long, and a request itself takes something. */
  async function expectLinear(play: (bytes: number) => Promise<unknown>, bytes: number): Promise<void> {
    await play(bytes);
    const small = await costOf(() => play(bytes / 10));
    expect(await costOf(() => play(bytes))).toBeLessThan(25 * Math.max(small / 3, 0.5));
  }

  attack("a query of one name again and again costs as much per byte", async ({ port }) => {
    for (const name of ["n&", "sid=&", "transport=x&", "a&"]) {
      await expectLinear(
        (bytes) =>
          http(port, { target: `/socket.io/?EIO=4&transport=polling&${name.repeat(bytes / name.length)}` }),
        15_000,
      );
    }
  });
});
