import "../../../../test/support/follow-fakes.js";
import { Side } from "@sockeye/conformance";
import { EncodedPacket, type TransportError } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Target } from "../../src/client/target.js";
import { WebSocketTransport } from "../../src/client/websocket.js";
import type { WebSocketLike } from "../../src/shared/websocket-like.js";
import { target } from "./target-of.js";

/** A WebSocket that does what the test says. */
class FakeSocket implements WebSocketLike {
  static last: FakeSocket;
  binaryType = "arraybuffer";
  readyState = 0;
  bufferedAmount = 0;
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly calls: unknown[] = [];

  constructor(readonly dialled: readonly unknown[]) {
    FakeSocket.last = this;
  }
  send(frame: string | Uint8Array, options: { readonly compress: boolean }): void {
    this.calls.push(frame);
    if (!options.compress) this.calls.push(options);
  }
  close(code?: number): void {
    if (this.readyState < 2) this.readyState = 2;
    this.calls.push(code === undefined ? "close" : `close ${code}`);
  }
  opens(): void {
    this.readyState = 1;
    this.onopen?.({});
  }
  closes(code = 1005): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }
}

const createWebSocket = vi.hoisted(() => vi.fn());
vi.mock("#websocket", () => ({ createWebSocket }));
afterEach(() => createWebSocket.mockReset());

interface Dialled {
  readonly transport: WebSocketTransport;
  readonly socket: FakeSocket;
  readonly side: Side;
}

function dial(changes: Partial<Target> = {}): Dialled {
  createWebSocket.mockImplementation((...dialled: unknown[]) => new FakeSocket(dialled));
  const transport = new WebSocketTransport(target(changes));
  const side = new Side();
  side.use(transport);
  transport.bind(side);
  return { transport, side, socket: FakeSocket.last };
}

function connected(changes?: Partial<Target>): Dialled {
  const dialled = dial(changes);
  dialled.socket.opens();
  return dialled;
}

describe("dialling", () => {
  it.each([
    ["http://localhost:3000/http/", "ws://localhost:3000/http/"],
    ["https://[::1]/socket.io/", "wss://[::1]/socket.io/"],
  ])("turns %s into %s", (url, expected) => {
    const changes = { headers: { a: "b" }, client: { rejectUnauthorized: false } };
    const { socket } = dial({ url, sid: "S", protocols: ["p"], maxPayload: 5, ...changes });
    const [address, protocols, options] = socket.dialled;
    expect(address).toBe(`${expected}?EIO=4&transport=websocket&sid=S`);
    expect(protocols).toEqual(["p"]);
    expect(options).toMatchObject(changes);
  });

  it("is writable once the socket is open", () => {
    const { transport, socket, side } = dial();
    expect(transport.writable).toBe(false);
    expect(side.writables).toBe(0);
    socket.opens();
    expect(transport.writable).toBe(true);
    expect(side.writables).toBe(1);
  });

  it("fails with the platform's error, once", () => {
    const { socket, side } = dial();
    const event = { message: "refused" };
    socket.onerror?.(event);
    socket.closes(1006);
    expect(side.endings).toHaveLength(1);
    expect(side.endings[0]?.reason).toBe("transport error");
    expect(side.endings[0]?.cause).toMatchObject({
      code: "ERR_TRANSPORT_OPEN",
      type: "TransportError",
      message: "websocket error",
      description: event,
    });
  });

  it("fails if the socket closes before it opened", () => {
    const { socket, side } = dial();
    socket.closes(1006);
    expect(side.endings[0]?.reason).toBe("transport error");
    expect(side.endings[0]?.cause).toMatchObject({ message: "websocket error", description: { code: 1006 } });
  });

  it("fails after bind() if the platform refuses to dial", async () => {
    createWebSocket.mockImplementation(() => {
      throw new SyntaxError("bad address");
    });
    const transport = new WebSocketTransport(target());
    const side = new Side();
    side.use(transport);
    transport.bind(side);
    expect(transport.writable).toBe(false);
    await side.end();
    const cause = side.endings[0]?.cause as TransportError;
    expect(cause).toMatchObject({ code: "ERR_TRANSPORT_OPEN", message: "websocket error" });
    expect(cause.cause).toBeInstanceOf(SyntaxError);
    transport.close("goodbye");
  });

  it("claims a session with the first frame", () => {
    const claim = new EncodedPacket('0{"sid":"S","secret":"s","received":3}');
    const { socket, side } = dial({ sid: "S", claim, counted: { requests: 3 } });
    expect(socket.dialled[0]).toMatch(/\?EIO=4&transport=websocket&sid=S&resume=claim$/);
    expect(socket.calls).toEqual([]);
    side.sendText("4later");
    socket.opens();
    expect(socket.calls).toEqual([claim.head, "4later"]);
  });

  it("can be closed before it opened, and ignores the error that this makes", () => {
    const { transport, socket, side } = dial();
    transport.close("goodbye");
    expect(socket.calls).toEqual(["close"]);
    socket.onerror?.(new Error("closed before the connection was established"));
    socket.closes(1006);
    expect(side.endings).toEqual([]);
  });
});

describe("frames", () => {
  it("come in as text or bytes, without a copy", () => {
    const { socket, side } = connected();
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const node = Buffer.from([4]);
    for (const data of ["4hi", buffer, node]) socket.onmessage?.({ data });
    expect(side.frames).toEqual(["4hi", new Uint8Array([1, 2, 3]), node]);
    expect((side.frames[1] as Uint8Array).buffer).toBe(buffer);
    expect(side.frames[2]).toBe(node);
  });

  const bytes = new Uint8Array([1, 2]);
  const batch = [
    new EncodedPacket("4a"),
    new EncodedPacket("452-[]", [bytes, bytes]),
    new EncodedPacket(bytes),
  ];

  it("leave one by one, in order", () => {
    const { transport, socket } = connected();
    transport.send(batch);
    expect(socket.calls).toEqual(["4a", "452-[]", bytes, bytes, bytes]);
    expect(transport.writable).toBe(true);
  });

  it("say which must not be compressed, with their attachments", () => {
    const { transport, socket } = connected();
    transport.send([new EncodedPacket("451-[]", [bytes], false), new EncodedPacket("4b")]);
    const no = { compress: false };
    expect(socket.calls).toEqual(["451-[]", no, bytes, no, "4b"]);
  });

  it("leave in one write where the platform can", () => {
    const { transport, socket } = connected();
    Object.assign(socket, {
      cork: () => socket.calls.push("cork"),
      uncork: () => socket.calls.push("uncork"),
    });
    transport.send([new EncodedPacket("4a"), new EncodedPacket("4b")]);
    expect(socket.calls).toEqual(["cork", "4a", "4b", "uncork"]);
  });

  it("leave as text with forceBase64", () => {
    const { transport, socket } = connected({ forceBase64: true });
    expect(socket.dialled[0]).toContain("b64=1");
    transport.send(batch);
    expect(socket.calls).toEqual(["4a", "452-[]", "bAQI=", "bAQI=", "bAQI="]);
  });
});

describe("the end", () => {
  it("by the server is a transport close, with the close event", () => {
    const { transport, socket, side } = connected();
    socket.closes(1001);
    expect(transport.writable).toBe(false);
    expect(side.endings[0]?.reason).toBe("transport close");
    expect(side.endings[0]?.cause).toMatchObject({
      code: "ERR_TRANSPORT_FAILED",
      description: "websocket connection closed",
      context: { code: 1001 },
    });
  });

  it("by an error is a transport error", () => {
    const { socket, side } = connected();
    socket.onerror?.(new Error("reset"));
    socket.closes(1006);
    expect(side.endings).toHaveLength(1);
    expect(side.endings[0]?.cause).toMatchObject({
      code: "ERR_TRANSPORT_FAILED",
      message: "websocket error",
    });
  });

  it.each([
    ...[1001, 1006, 1011, 1012, 1013, 1014, 4001].map((code) => [code, 1] as const),
    ...[1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 4000, 4002].map((code) => [code, 0] as const),
  ])("with the code %i is a loss, or not: %i", (code, losses) => {
    const { socket, side } = connected();
    socket.closes(code);
    expect([side.endings.length, side.losses]).toEqual([1, losses]);
  });

  it("by an error, and before it was open, is a loss", () => {
    for (const end of [() => connected(), () => dial()]) {
      const { socket, side } = end();
      socket.onerror?.(new Error("reset"));
      expect(side.losses).toBe(1);
    }
    const { socket, side } = dial();
    socket.closes(1000);
    expect(side.losses).toBe(1);
  });

  it("says that the session has moved, in place of goodbye", () => {
    const { transport, socket } = connected();
    transport.close("moved");
    expect(socket.calls).toEqual(["close 4001"]);
    const other = connected();
    other.transport.close("goodbye");
    expect(other.socket.calls).toEqual(["close"]);
  });

  it.each(["goodbye", "moved", "dead"] as const)(
    "by this side (%s) closes the socket and reports nothing",
    (how) => {
      const { transport, socket, side } = connected();
      transport.close(how);
      expect(transport.writable).toBe(false);
      expect(socket.calls).toContain(how === "moved" ? "close 4001" : "close");
      socket.onmessage?.({ data: "4late" });
      socket.closes();
      expect(side.frames).toEqual([]);
      expect(side.endings).toEqual([]);
    },
  );

  it("of a pause is at once, since no request is under way", () => {
    const { transport } = connected();
    const done = vi.fn();
    transport.pause(done);
    expect(done).toHaveBeenCalledOnce();
    transport.resume();
    expect(transport.writable).toBe(true);
  });
});

describe("a network that is behind", () => {
  const packets = [new EncodedPacket("4x")];

  it("is not writable above 256 KiB, looks again every 10 ms, and tells once it is", () => {
    vi.useFakeTimers();
    const { transport, socket, side } = dial();
    const writable = vi.spyOn(side, "writable");
    socket.opens();
    transport.send(packets);
    expect([transport.writable, transport.bufferedBytes, vi.getTimerCount()]).toEqual([true, 0, 0]);
    socket.bufferedAmount = 262_145;
    transport.send(packets);
    expect([transport.writable, transport.bufferedBytes, vi.getTimerCount()]).toEqual([false, 262_145, 1]);
    vi.advanceTimersByTime(1000);
    expect([writable.mock.calls.length, vi.getTimerCount()]).toEqual([1, 1]);
    socket.bufferedAmount = 262_144;
    vi.advanceTimersByTime(10);
    expect([transport.writable, writable.mock.calls.length, vi.getTimerCount()]).toEqual([true, 2, 0]);
    vi.useRealTimers();
  });

  it.each<[string, (dialled: Dialled) => void]>([
    ["closed", ({ transport }) => transport.close("goodbye")],
    ["lost", ({ socket }) => socket.closes()],
  ])("leaves no timer once it is %s", (_how, end) => {
    vi.useFakeTimers();
    const dialled = dial();
    dialled.socket.opens();
    dialled.socket.bufferedAmount = 1e6;
    dialled.transport.send(packets);
    dialled.transport.send(packets);
    expect(vi.getTimerCount()).toBe(1);
    end(dialled);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("is always writable where the platform does not tell", () => {
    const { transport, socket } = dial();
    socket.opens();
    Object.assign(socket, { bufferedAmount: undefined });
    transport.send(packets);
    expect([transport.writable, transport.bufferedBytes]).toEqual([true, 0]);
  });
});
