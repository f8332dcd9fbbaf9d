import { PacketType } from "@sockeye/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { BlobQueue, holdsBlob } from "../src/blobs.js";
import type { Socket } from "../src/socket.js";
import { eventsOf, FakeServer } from "./fake-server.js";

afterEach(() => vi.restoreAllMocks());

const blob = (text: string): Blob => new Blob([text]);
const bytes = (text: string): Buffer => Buffer.from(text);

describe("holdsBlob", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = [cycle, { cycle }];
  it.each([
    ["a Blob", blob("x"), true],
    ["a File", new File(["x"], "x.txt"), true],
    ["one deep inside", { a: [1, { b: blob("x") }] }, true],
    ["text", "x", false],
    ["null", null, false],
    ["bytes", new Uint8Array(8), false],
    ["a cycle", cycle, false],
    ["a cycle with one", { cycle, b: blob("x") }, true],
  ])("%s: %s", (_name, value, holds) => {
    expect(holdsBlob(value)).toBe(holds);
  });
});

describe("disconnect() after a Blob", () => {
  const start = (): { server: FakeServer; socket: Socket } => {
    const server = new FakeServer();
    const socket = server.manager({ reconnectionDelay: 10 }).socket("/");
    server.settle();
    return { server, socket };
  };

  it("waits until all before it has left, and says so at once", async () => {
    const { server, socket } = start();
    const reasons: string[] = [];
    const answered = vi.fn();
    socket.on("disconnect", (reason) => reasons.push(reason));
    socket.emit("before");
    socket.emit("blob", blob("x"));
    socket.timeout(60_000).emit("after", answered);
    socket.disconnect();
    socket.emit("too late");
    expect([reasons, socket.connected]).toEqual([["io client disconnect"], false]);
    await vi.waitFor(() => {
      server.settle();
      expect(server.peer.reason).toBeDefined();
    });
    expect(eventsOf(server.peer.packets)).toEqual([["before"], ["blob", bytes("x")], ["after"]]);
    expect(server.peer.packets.at(-1)?.type).toBe(PacketType.DISCONNECT);
    expect(answered).toHaveBeenCalledWith(expect.objectContaining({ code: "ERR_ACK_DISCONNECTED" }));
    expect(socket.sendBuffer.map(({ data }) => data)).toEqual([["too late"]]);
  });

  it("and connect() at once: it joins anew after the goodbye", async () => {
    const { server, socket } = start();
    socket.io.socket("/other");
    socket.emit("blob", blob("x"));
    socket.disconnect().connect();
    await vi.waitFor(() => {
      server.settle();
      expect(socket.connected).toBe(true);
    });
    const { CONNECT, EVENT, DISCONNECT } = PacketType;
    const types = server.peer.packets.filter(({ nsp }) => nsp === "/").map(({ type }) => type);
    expect([types, server.peers.length]).toEqual([[CONNECT, EVENT, DISCONNECT, CONNECT], 1]);
  });

  it("keeps the connection, whatever other sockets do meanwhile", async () => {
    const { server, socket } = start();
    const other = socket.io.socket("/other");
    server.settle();
    socket.emit("blob", blob("x"));
    socket.disconnect();
    other.disconnect();
    expect(server.peer.reason).toBeUndefined();
    await vi.waitFor(() => {
      server.settle();
      expect(server.peer.reason).toBeDefined();
    });
    expect(eventsOf(server.peer.packets)).toEqual([["blob", bytes("x")]]);
  });

  it("leaves nothing behind if the connection breaks meanwhile", async () => {
    const { server, socket } = start();
    socket.emit("blob", blob("x"));
    socket.disconnect();
    server.cut();
    await vi.waitFor(() => expect(socket.sendBuffer).toHaveLength(1));
    server.clock.advance(60_000);
    expect(socket.active).toBe(false);
    socket.connect();
    server.settle();
    expect(eventsOf(server.peer.packets)).toEqual([["blob", bytes("x")]]);
  });
});

describe("BlobQueue", () => {
  it("keeps the order, and is busy until the last is sent", async () => {
    const sent: unknown[] = [];
    const queue = new BlobQueue(() => {});
    queue.add([blob("slow")], () => sent.push(1));
    queue.add([], () => sent.push(2));
    expect([queue.busy, sent]).toEqual([true, []]);
    await vi.waitFor(() => expect(queue.busy).toBe(false));
    expect(sent).toEqual([1, 2]);
  });

  it("stays busy while one of several is read", async () => {
    const sent: unknown[] = [];
    const queue = new BlobQueue(() => {});
    let read: (bytes: ArrayBuffer) => void = () => {};
    const slow = Object.assign(blob("x"), { arrayBuffer: () => new Promise((resolve) => (read = resolve)) });
    queue.add([], () => sent.push(1));
    queue.add([slow], () => sent.push(2));
    await vi.waitFor(() => expect(sent).toEqual([1]));
    await new Promise((resolve) => setImmediate(resolve));
    expect(queue.busy).toBe(true);
    read(new ArrayBuffer(0));
    await vi.waitFor(() => expect(queue.busy).toBe(false));
    expect(sent).toEqual([1, 2]);
  });

  it("reports what fails, and goes on", async () => {
    const failed = vi.fn();
    const sent: unknown[] = [];
    const queue = new BlobQueue(failed);
    const unreadable = Object.assign(blob("x"), {
      arrayBuffer: () => Promise.reject(new Error("unreadable")),
    });
    queue.add([unreadable], () => sent.push(1));
    queue.add([], () => {
      throw new Error("unsendable");
    });
    queue.add([], () => sent.push(3));
    await vi.waitFor(() => expect(queue.busy).toBe(false));
    expect(failed.mock.calls.map(([error]) => error)).toEqual([
      new Error("unreadable"),
      new Error("unsendable"),
    ]);
    expect(sent).toEqual([3]);
  });
});

describe("events with Blobs", () => {
  function connected(): { server: FakeServer; socket: Socket } {
    const server = new FakeServer();
    const socket = server.manager().socket("/");
    server.settle();
    return { server, socket };
  }

  async function arrived(server: FakeServer, count: number): Promise<unknown[][]> {
    return vi.waitFor(() => {
      server.settle();
      const events = eventsOf(server.peer.packets);
      expect(events).toHaveLength(count);
      return events;
    });
  }

  it("arrive as bytes, with everything in the order in which it was emitted", async () => {
    const { server, socket } = connected();
    socket.emit("a");
    socket.emit("b", blob("one"), { deep: [new File(["two"], "x.txt"), new Date(0), Uint8Array.of(1)] });
    socket.emit("c");
    socket.emit("d", blob("three"));
    socket.emit("e");
    expect(await arrived(server, 5)).toEqual([
      ["a"],
      ["b", bytes("one"), { deep: [bytes("two"), "1970-01-01T00:00:00.000Z", Buffer.of(1)] }],
      ["c"],
      ["d", bytes("three")],
      ["e"],
    ]);
    socket.emit("f");
    expect(await arrived(server, 6)).toHaveLength(6);
  });

  it("leave the arguments as they are", async () => {
    const { server, socket } = connected();
    const given = { file: blob("x") };
    socket.emit("a", given);
    await arrived(server, 1);
    expect(given.file).toBeInstanceOf(Blob);
  });

  it("may be answers", async () => {
    const { server, socket } = connected();
    socket.on("file?", (answer: (file: Blob) => void) => answer(blob("x")));
    server.peer.send({ type: PacketType.EVENT, id: 3, data: ["file?"] });
    await vi.waitFor(() => {
      server.settle();
      expect(server.peer.packets.at(-1)).toEqual({
        type: PacketType.ACK,
        nsp: "/",
        id: 3,
        data: [bytes("x")],
      });
    });
  });

  it("are acknowledged, and wait for the connection, like any other", async () => {
    const { server, socket } = connected();
    socket.disconnect();
    const answered = socket.emitWithAck("a", blob("x"));
    socket.connect();
    await vi.waitFor(() => {
      server.settle();
      expect(eventsOf(server.peer.packets)).toHaveLength(1);
    });
    server.peer.send({ type: PacketType.ACK, id: 0, data: ["yes"] });
    server.settle();
    await expect(answered).resolves.toBe("yes");
  });

  it("and a cycle are reported, and harm nobody", async () => {
    const reported = vi.spyOn(console, "error").mockImplementation(() => {});
    const { server, socket } = connected();
    const cycle: Record<string, unknown> = { file: blob("x") };
    cycle["self"] = cycle;
    socket.emit("a", cycle);
    socket.emit("b");
    expect(await arrived(server, 1)).toEqual([["b"]]);
    expect(reported).toHaveBeenCalledWith(expect.objectContaining({ code: "ERR_UNENCODABLE" }));
  });
});
