import { describe, expect } from "vitest";
import { attack, type Scene } from "../support/attack.js";
import { type Line, openPoller } from "../support/rawsocket.js";
import { until } from "../support/wait.js";

// Who comes in, and who is only held open: what somebody tries who has read the code.

const UPGRADE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";

/** A WebSocket by hand: it answers nothing, and never closes. */
function upgrade({ line }: Scene, query: string): Watched {
  const opened = line();
  const watched = watch(opened);
  opened.write(`GET /socket.io/?EIO=4&transport=websocket${query} HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n\r\n`);
  return watched;
}

interface Watched {
  readonly line: Line;
  text: string;
}

function watch(line: Line): Watched {
  const watched = { line, text: "" };
  line.socket.on("data", (chunk: Buffer) => {
    watched.text += chunk.toString("latin1");
  });
  return watched;
}

function openOnes(all: readonly Watched[]): number {
  return all.filter(({ line }) => !line.ended).length;
}

/** A masked frame that says it has so many bytes, and the first of them. */
function half(length: number, sent: number): Buffer {
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 6);
  return Buffer.concat([head, Buffer.alloc(sent, 0x30)]);
}

const slow = {
  limits: { maxSessionsPerAddress: 6 },
  allowRequest: (_req: unknown, answer: (error: null, yes: boolean) => void) =>
    void setTimeout(() => answer(null, true), 50),
};

describe("handshakes", () => {
  for (const way of ["polling", "websocket"] as const) {
    attack(
      `by the hundred while the app decides are no more sessions than its limit, over ${way}`,
      async (scene) => {
        const all = Array.from({ length: 100 }, () => {
          if (way === "websocket") return upgrade(scene, "");
          const opened = scene.line();
          const watched = watch(opened);
          opened.write("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n");
          return watched;
        });
        await until(() => all.every(({ text }) => text.includes("\r\n\r\n")), "all answers");
        // The good client is one of them.
        expect(scene.io.engine.clientsCount).toBeLessThanOrEqual(6);
        expect(all.filter(({ text }) => text.includes(" 429 "))).toHaveLength(95);
      },
      slow as never,
    );
  }
});

describe("upgrades", () => {
  attack("that name one polling session are one, however many come", async (scene) => {
    const { open } = await openPoller(scene.port);
    const { sid } = open;
    const all = Array.from({ length: 60 }, () => upgrade(scene, `&sid=${sid}`));
    await until(() => all.every(({ text }) => text.includes("\r\n\r\n")), "all answers");
    // Another is answered, and closed at once.
    expect(all.filter(({ text }) => text.includes(" 101 "))).toHaveLength(2);
    await until(() => openOnes(all) <= 1, "the others to be ended");
  });
});

describe("claims of sessions that do not exist", () => {
  attack("do not hold large frames open", async (scene) => {
    const all = Array.from({ length: 100 }, (_, n) => upgrade(scene, `&resume=claim&sid=unknown-${n}`));
    await until(() => all.every(({ text }) => text.includes("\r\n\r\n")), "all answers");
    for (const { line } of all) line.write(half(900_000, 100_000));
    await until(() => all.every(({ line }) => line.ended), "all of them to be ended", 15_000);
  });

  attack(
    "are held open up to the limit of sessions, and the eldest goes",
    async (scene) => {
      const all = Array.from({ length: 100 }, (_, n) => upgrade(scene, `&resume=claim&sid=unknown-${n}`));
      await until(() => openOnes(all) === 6, "the eldest to be ended");
    },
    { limits: { maxSessionsPerAddress: 6 } },
  );
});
