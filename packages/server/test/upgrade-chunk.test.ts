import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Line, openPoller } from "../../../test/support/rawsocket.js";
import { until } from "../../../test/support/wait.js";
import type { ServerOptions } from "../src/index.js";
import { atEnd, serve } from "./site.js";

/** A client frame of a text. The mask is zero. */
function frame(text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(14);
  head[0] = 0x81;
  head[1] = 0xff;
  head.writeUInt32BE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/** Who reads the WebSocket. */
const READERS: readonly (readonly [string, ServerOptions, string])[] = [
  ["our reader", {}, ""],
  ["our reader, with deflate", { perMessageDeflate: true }, DEFLATE],
  ["another engine", { wsEngine: WebSocketServer as never }, ""],
  ["another engine, with deflate", { wsEngine: WebSocketServer as never, perMessageDeflate: true }, DEFLATE],
  [
    "the package ws, for context takeover",
    { perMessageDeflate: { serverNoContextTakeover: false, clientNoContextTakeover: false } },
    DEFLATE,
  ],
];

describe("the last step of an upgrade, with a message right behind it in one write", () => {
  describe.each(READERS)("read by %s", (_name, options, extensions) => {
    it.each([1, 8000, 9000, 60_000, 900_000])("of %i characters", async (size) => {
      const { io, port } = await serve(options);
      const heard: unknown[] = [];
      const gone: unknown[] = [];
      io.on("connection", (socket) => {
        socket.on("text", (text: string) => heard.push(text.length));
        socket.on("disconnect", (reason) => gone.push(reason));
      });
      const poller = await openPoller(port);
      await poller.post("40");
      await poller.packets();
      const poll = poller.poll();
      const line = new Line(port);
      atEnd(() => line.end());
      line.write(
        `GET /socket.io/?EIO=4&transport=websocket&sid=${poller.open.sid} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${extensions}\r\n`,
      );
      expect((await line.answer()).status).toBe(101);
      line.write(frame("2probe"));
      expect((await poll).body).toBe("6");
      line.write(Buffer.concat([frame("5"), frame(`42["text","${"x".repeat(size)}"]`)]));
      await until(() => heard.length + gone.length > 0, "the message");
      expect(heard).toEqual([size]);
      expect(gone).toEqual([]);
    });
  });

  it.each(READERS)("but a candidate may still hold only a little: %s", async (_name, options, extensions) => {
    const { port } = await serve(options);
    const poller = await openPoller(port);
    const line = new Line(port);
    atEnd(() => line.end());
    line.write(
      `GET /socket.io/?EIO=4&transport=websocket&sid=${poller.open.sid} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${extensions}\r\n`,
    );
    expect((await line.answer()).status).toBe(101);
    const closed = new Promise<boolean>((resolve) =>
      line.socket.on("data", (chunk: Buffer) => resolve(chunk[0] === 0x88)),
    );
    line.write(frame("x".repeat(20_000)).subarray(0, 10_000));
    expect(await closed).toBe(true);
  });
});
