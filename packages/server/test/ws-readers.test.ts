import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Line, openPoller } from "../../../test/support/rawsocket.js";
import { until } from "../../../test/support/wait.js";
import type { ServerOptions } from "../src/index.js";
import { atEnd, serve } from "./site.js";

// Whoever reads a WebSocket, a message that is not complete weighs what it has become: by itself, before a session has it, and once it is closing.

const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
const TAKEOVER = { serverNoContextTakeover: false, clientNoContextTakeover: false };
const wsEngine = WebSocketServer as never;

/** An implementation that shows nothing but the interface: what it has read of a message is known to nobody. */
class OtherMake extends WebSocketServer {
  override handleUpgrade(...[req, socket, head, done]: Parameters<WebSocketServer["handleUpgrade"]>): void {
    super.handleUpgrade(req, socket, head, (ws) => {
      const shown = {
        get readyState() {
          return ws.readyState;
        },
        extensions: ws.extensions,
        on: (event: string, listener: (...args: unknown[]) => void) =>
          ws.on(event, (...args: unknown[]) => listener.apply(shown, args)),
        send: ws.send.bind(ws),
        close: ws.close.bind(ws),
      };
      done(shown as never, req);
    });
  }
}

/** Who reads, whether messages are packed, and whether they are unpacked piece by piece. */
const READERS: Record<string, readonly [options: ServerOptions, extensions: string, unpacks: boolean]> = {
  "our reader": [{}, "", false],
  "our reader, with deflate": [{ perMessageDeflate: true }, DEFLATE, false],
  "another engine": [{ wsEngine }, "", false],
  "another make": [{ wsEngine: OtherMake as never }, "", false],
  "another engine, with deflate": [{ wsEngine, perMessageDeflate: true }, DEFLATE, true],
  "the package ws, for context takeover": [{ perMessageDeflate: TAKEOVER }, DEFLATE, true],
};
const BY_WS = Object.entries(READERS).filter(([name]) => !/^our|make/.test(name));
const MUCH = 900_000;
const TEXT = Buffer.alloc(MUCH, 0x61);

/** A frame of a client. The mask is zero. */
function frame(first: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head[0] = first;
  head[1] = 0xff;
  head.writeUInt32BE(payload.length, 6);
  return Buffer.concat([head, payload]);
}

/** A message of 900 KB: a thousandth of that where it may be packed. */
const large = (extensions: string, final: 0x80 | 0): Buffer =>
  extensions === ""
    ? frame(0x01 | final, TEXT)
    : frame(0x41 | final, deflateRawSync(TEXT, { finishFlush: 2 }).subarray(0, -4));

/** A WebSocket that is open. */
async function webSocket(port: number, query: string, extensions: string): Promise<Line> {
  const line = new Line(port);
  atEnd(() => line.end());
  line.write(
    `GET /socket.io/?EIO=4&transport=websocket${query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${extensions}\r\n`,
  );
  expect((await line.answer()).status).toBe(101);
  return line;
}

/** Resolves once a close frame has come, or the end. */
function closed(line: Line): Promise<void> {
  return new Promise((resolve) => {
    line.socket.on("data", (chunk: Buffer) => (chunk[0] === 0x88 || chunk[0] === 0x81) && resolve());
    line.socket.on("close", resolve);
  });
}

// Side by side, since many wait for the five seconds that a peer has to close.
describe.concurrent.each(Object.entries(READERS))("%s", (_name, [options, extensions, unpacks]) => {
  /** What is packed and not unpacked yet weighs nothing. */
  const piece = large(extensions, extensions === "" || unpacks ? 0 : 0x80);

  it("ends a claim that becomes large", async () => {
    const { io, port } = await serve({ ...options, upgradeTimeout: 60_000 });
    const line = await webSocket(port, "&resume=claim&sid=unknown", extensions);
    const end = closed(line);
    line.write(piece);
    await end;
    expect(io.engine.clientsCount).toBe(0);
  });

  it.each([3, 4])("ends a candidate that becomes large, in revision %i", async (revision) => {
    const { port } = await serve({ ...options, upgradeTimeout: 60_000, allowEIO3: true });
    const poller = await openPoller(port);
    const sid = revision === 4 ? poller.open.sid : await olderSession(port);
    const query = `&sid=${sid}`;
    const line = await webSocket(port, revision === 4 ? query : `${query}&EIO=3`, extensions);
    const end = closed(line);
    line.write(piece);
    await end;
  });

  it("counts what a message has become", async () => {
    const { io, port } = await serve(options);
    const line = await webSocket(port, "", extensions);
    const sent = large(extensions, 0);
    line.write(sent);
    const weighs = extensions === "" || unpacks ? MUCH : sent.length;
    await until(() => io.metrics().heldBytes > 0.9 * weighs, "the bytes to count");
    line.end();
    // Where the package ws unpacks, this takes the five seconds that a peer has to close.
    await until(() => io.metrics().heldBytes === 0, "nothing to count", 18_000);
  });
});

// Our reader reads on, and drops what comes: see admission.test.ts of the gate.
it.concurrent.each(BY_WS)(
  "%s reads nothing more of a message once it is closing",
  async (_name, [options, extensions]) => {
    const { io, port } = await serve(options);
    let read = (): number => 0;
    io.engine.on("connection", ({ request: { socket } }) => {
      read = () => socket.bytesRead;
    });
    const line = await webSocket(port, "", extensions);
    const closes = closed(line);
    line.write(large(extensions, 0).subarray(0, 500));
    await until(() => read() > 500, "the message to begin");
    io.engine.close();
    await closes;
    for (let n = 0; n < 20; n++) line.write(frame(0x00, TEXT));
    await until(() => line.ended, "the end");
    expect(read()).toBeLessThan(MUCH / 2);
  },
);

/** A session of a client of Socket.IO 2, over polling. */
async function olderSession(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/socket.io/?EIO=3&transport=polling`);
  return /"sid":"([^"]+)"/.exec(await response.text())?.[1] ?? "";
}
