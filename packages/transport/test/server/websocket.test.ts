import { EventEmitter } from "node:events";
import { Duplex } from "node:stream";
import { manualClock } from "@sockeye/conformance";
import {
  EncodedPacket,
  type Frame,
  type PipeEnd,
  type Transport,
  type TransportSink,
} from "@sockeye/protocol";
import { type ServerWebSocket, WebSocketPipe, type WebSocketPipeOptions } from "@sockeye/transport/server";
import { describe, expect, it } from "vitest";

/** A TCP socket that writes down its writes and takes them when it is told to. */
class FakeSocket extends Duplex {
  readonly writes: string[] = [];
  #done: (() => void) | undefined;
  constructor(readonly mode: "quick" | "slow" = "quick") {
    super({ highWaterMark: 1000 });
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#record(chunk.toString("latin1"), done);
  }
  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#record(chunks.map(({ chunk }) => chunk.toString("latin1")).join(""), done);
  }
  settle(): Promise<void> {
    const done = this.#done;
    this.#done = undefined;
    done?.();
    return new Promise((resolve) => setImmediate(resolve));
  }
  #record(text: string, done: () => void): void {
    this.writes.push(text);
    if (this.mode === "quick") done();
    else this.#done = done;
  }
}

interface Sent {
  readonly data: string | Uint8Array;
  readonly compress: boolean | undefined;
}

class FakeWebSocket extends EventEmitter implements ServerWebSocket {
  readyState = 1;
  readonly sent: Sent[] = [];
  closes = 0;
  done: (() => void) | undefined;
  constructor(readonly extensions = "") {
    super();
  }
  send(data: string | Uint8Array, { compress }: { compress?: boolean }, done?: () => void): void {
    this.sent.push({ data, compress });
    this.done = done ?? this.done;
  }
  close(): void {
    this.closes++;
    this.readyState = 2;
  }
}

class Log implements TransportSink {
  readonly told: string[] = [];
  frame(_from: Transport, frame: Frame): void {
    this.told.push(typeof frame === "string" ? `text ${frame}` : `bytes ${[...frame]}`);
  }
  writable(): void {
    this.told.push("writable");
  }
  ended(_from: Transport, _how: PipeEnd, reason: string, cause?: Error): void {
    this.told.push(cause === undefined ? reason : `${reason}: ${cause.message}`);
  }
}

function pipe(options: WebSocketPipeOptions = {}, ws = new FakeWebSocket(), socket = new FakeSocket()) {
  const transport = new WebSocketPipe(ws, socket, options);
  const log = new Log();
  transport.bind(log);
  return { ws, socket, transport, told: log.told };
}

const packet = (text: string, bytes?: Uint8Array[], compress?: boolean) =>
  new EncodedPacket(text, bytes, compress);

describe("WebSocketPipe, writing", () => {
  it("writes a batch at once, and not through the WebSocket", () => {
    const { ws, socket, transport } = pipe();
    transport.send([packet("4a"), packet("4b", [Buffer.from("xy")])]);
    expect(socket.writes).toEqual(["\x81\x024a\x81\x024b\x82\x02xy"]);
    expect(ws.sent).toEqual([]);
  });

  it("writes large bytes in the same system call, without a copy", () => {
    const { socket, transport } = pipe({}, new FakeWebSocket(), new FakeSocket());
    const large = Buffer.alloc(20_000, "x");
    transport.send([packet("4a", [large]), packet("4b")]);
    expect(socket.writes).toEqual([`\x81\x024a\x82\x7e\x4e\x20${large.toString()}\x81\x024b`]);
  });

  it("is not writable from a full socket until its drain, and listens only so long", async () => {
    const { socket, transport, told } = pipe({}, new FakeWebSocket(), new FakeSocket("slow"));
    transport.send([packet("4a")]);
    expect(transport.writable).toBe(true);
    expect(socket.listenerCount("drain")).toBe(0);
    transport.send([packet("4".repeat(2000))]);
    transport.send([packet("4".repeat(2000))]);
    expect(transport.writable).toBe(false);
    expect(socket.listenerCount("drain")).toBe(1);
    for (let count = 0; count < 3; count++) await socket.settle();
    expect(transport.writable).toBe(true);
    expect(socket.listenerCount("drain")).toBe(0);
    expect(told).toEqual(["writable"]);
  });

  it("does the same for large bytes", async () => {
    const { socket, transport, told } = pipe({}, new FakeWebSocket(), new FakeSocket("slow"));
    transport.send([packet("4a", [new Uint8Array(30_000)])]);
    expect(transport.writable).toBe(false);
    await socket.settle();
    expect(told).toEqual(["writable"]);
  });

  it("never writes once the WebSocket or the socket is closing", () => {
    for (const state of [0, 2, 3]) {
      const { ws, socket, transport } = pipe();
      ws.readyState = state;
      expect(transport.writable).toBe(false);
      transport.send([packet("4a")]);
      expect(socket.writes).toEqual([]);
    }
    const { socket, transport } = pipe();
    socket.destroy();
    transport.send([packet("4a")]);
    expect(socket.writes).toEqual([]);
  });

  it("does not say writable after the end", async () => {
    const { socket, transport, told } = pipe({}, new FakeWebSocket(), new FakeSocket("slow"));
    transport.send([packet("4".repeat(2000))]);
    transport.close("dead");
    await socket.settle();
    expect(told).toEqual([]);
  });

  it("sends bytes as base64 text to a client that asked for it", () => {
    const { socket, transport } = pipe({ base64: true });
    transport.send([packet("4a", [Buffer.from([1, 2, 3])]), packet("4b")]);
    expect(socket.writes).toEqual(["\x81\x024a\x81\x05bAQID\x81\x024b"]);
  });

  it.each([
    ["an extension is agreed on", {}, "permessage-deflate"],
    ["it is told to", { publicApiOnly: true }, ""],
  ])("leaves all writing to the WebSocket if %s", (_name, options, extensions) => {
    const { ws, socket, transport, told } = pipe(options, new FakeWebSocket(extensions));
    const bytes = Buffer.from("x");
    transport.send([packet("4a", [], false), packet("4b", [bytes])]);
    expect(ws.sent).toEqual([
      { data: "4a", compress: false },
      { data: "4b", compress: true },
      { data: bytes, compress: true },
    ]);
    expect([socket.writes, socket.writableCorked]).toEqual([[], 0]);
    // Compression takes time, in which more packets can gather.
    expect(transport.writable).toBe(false);
    ws.done?.();
    expect(transport.writable).toBe(true);
    expect(told).toEqual(["writable"]);
  });
});

describe("WebSocketPipe, hearing", () => {
  it("tells text and bytes apart", () => {
    const { ws, told } = pipe();
    ws.emit("message", Buffer.from("4ü"), false);
    ws.emit("message", Buffer.from([1, 2]), true);
    expect(told).toEqual(["text 4ü", "bytes 1,2"]);
  });

  it("tells the end once", () => {
    const { ws, told } = pipe();
    ws.emit("error", new Error("no"));
    ws.emit("close");
    ws.emit("message", Buffer.from("4late"), false);
    expect(told).toEqual(["transport error: no"]);
    const other = pipe();
    other.ws.emit("close");
    other.ws.emit("error", new Error("late"));
    expect(other.told).toEqual(["transport close"]);
  });

  it("hears nothing after close, and lets no late error escape", () => {
    const { ws, transport, told } = pipe();
    transport.close("goodbye");
    transport.close("goodbye");
    ws.emit("message", Buffer.from("4late"), false);
    ws.emit("error", new Error("late"));
    ws.emit("close");
    expect(told).toEqual([]);
    expect(transport.writable).toBe(false);
  });

  it("costs no closure a connection: all pipes share their listeners", () => {
    const [a, b] = [pipe().ws, pipe().ws];
    for (const event of ["message", "close", "error"]) expect(a.listeners(event)).toEqual(b.listeners(event));
  });
});

describe("a compressed message that is not complete", () => {
  it("counts as what it has become, also if unpacking takes long", () => {
    const clock = manualClock();
    const receiver = { _messageLength: 0 };
    const ws = Object.assign(new FakeWebSocket("permessage-deflate"), { _receiver: receiver });
    const socket = new FakeSocket();
    socket.on("data", () => {});
    const { transport } = pipe({ clock, maxPayload: 1_000_000 }, ws, socket);
    socket.emit("data", Buffer.alloc(1000));
    expect(transport.gatheredBytes).toBe(1000);
    clock.advance(150);
    receiver._messageLength = 900_000;
    clock.advance(200);
    expect(transport.gatheredBytes).toBe(900_000);
    // More of it is looked at as soon as the first.
    clock.advance(5000);
    socket.emit("data", Buffer.alloc(1));
    receiver._messageLength = 950_000;
    clock.advance(100);
    expect(transport.gatheredBytes).toBe(950_000);
    ws.emit("message", Buffer.from("x"), false);
    expect(transport.gatheredBytes).toBe(0);
    clock.advance(60_000);
    expect(transport.gatheredBytes).toBe(0);
  });
});
