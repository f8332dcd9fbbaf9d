import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Line } from "../../../test/support/rawsocket.js";
import { until } from "../../../test/support/wait.js";
import type { ServerOptions } from "../src/index.js";
import { atEnd, serve } from "./site.js";

const REQUEST =
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

const READERS: readonly (readonly [string, ServerOptions])[] = [
  ["our reader", {}],
  ["another engine", { wsEngine: WebSocketServer as never }],
];

// Side by side, since each waits for its five seconds.
describe.concurrent.each(READERS)(
  "clients that never close their WebSocket, read by %s",
  (_name, options) => {
    it.each([
      ["close()", undefined],
      ["a drain", { drain: { deadlineMs: 300, spreadMs: 0 } }],
    ])(
      "keep %s waiting for 5 s at most, and not for 30",
      async (_what, how) => {
        const { io, port } = await serve(options);
        const lines = Array.from({ length: 5 }, () => new Line(port));
        for (const line of lines) {
          atEnd(() => line.end());
          line.socket.on("data", () => {});
          line.write(REQUEST);
        }
        await until(() => io.engine.clientsCount === 5, "all to be there");
        const since = performance.now();
        await io.close(how as never);
        // On a busy machine as well: timers are late there, but not by this.
        expect(performance.now() - since).toBeLessThan(15_000);
        await until(() => lines.every((line) => line.ended), "all connections to be cut");
      },
      20_000,
    );
  },
);
