// What a client does with events that a server had not seen when it went away, by its own last word.

import { type ConnectPacket, type EventPacket, PacketType } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import type { Options } from "../src/index.js";
import type { Socket } from "../src/socket.js";
import { FakeServer, type Peer } from "./fake-server.js";

/** A client that is connected and counts. @param recovers are later sockets of it recovered? */
function connected({ recovers = true, ...options }: Options & { recovers?: boolean } = {}) {
  const server = new FakeServer();
  server.window = 30_000;
  let ids = 0;
  server.admit = ({ nsp, data }: ConnectPacket, peer: Peer) => {
    const isBack = recovers && data?.["pid"] !== undefined;
    if (!isBack) ids += 1;
    peer.send({ type: PacketType.CONNECT, nsp, data: { sid: `s${ids}`, pid: `p${ids}` } });
  };
  const manager = server.manager({ transports: server.transports("websocket"), resume: true, ...options });
  const socket = manager.socket("/") as unknown as Socket;
  const log: unknown[] = [];
  socket.on("connect", () => log.push(["connect", socket.recovered]));
  socket.on("disconnect", () => log.push("disconnect"));
  server.settle();
  log.length = 0;
  return { server, manager, socket, log };
}

/** What has been emitted is on its way when the server goes. */
function goesAway({ server }: { server: FakeServer }): void {
  const { peer } = server;
  peer.end.tellLast();
  peer.session.close("server shutting down");
  server.settle();
}

/** The client is at another server. */
function comesBack({ server }: { server: FakeServer }): void {
  server.clock.advance(5000);
  server.settle();
}

/** Events that a server has seen, by their arguments. */
function seen({ packets }: Peer): unknown[] {
  return packets.flatMap(({ type, data }) =>
    type === PacketType.EVENT ? [(data as EventPacket["data"])[1]] : [],
  );
}

describe("events that the server had not seen when it went away", () => {
  it("leave first once the client is recovered, in order, once each, and are shown to listeners once", () => {
    const all = connected();
    const { server, socket, log } = all;
    const shown: unknown[] = [];
    socket.onAnyOutgoing((_event, n) => shown.push(n));
    socket.emit("e", 1);
    server.settle();
    socket.emit("e", 2);
    socket.emit("e", 3, Uint8Array.of(7));
    socket.once("disconnect", () => void socket.emit("e", 4));
    goesAway(all);
    expect(socket.sendBuffer.map(({ data }) => data[1])).toEqual([2, 3, 4]);
    const first = server.peer;
    comesBack(all);
    socket.emit("e", 5);
    server.settle();
    expect([seen(first), seen(server.peer)]).toEqual([[1], [2, 3, 4, 5]]);
    expect(log).toEqual(["disconnect", ["connect", true]]);
    expect(shown).toEqual([1, 2, 3, 4, 5]);
    expect(socket.bufferedBytes).toBe(0);
  });

  it("come through several servers that go", () => {
    const all = connected();
    const { server, socket } = all;
    for (let n = 1; n < 4; n++) {
      socket.emit("e", n);
      goesAway(all);
      comesBack(all);
    }
    expect(server.peers.map(seen)).toEqual([[], [1], [2], [3]]);
  });

  it("are answered there; what was answered already is not asked again", () => {
    const all = connected();
    const { server, socket } = all;
    const answers: unknown[] = [];
    const ask = (n: number): void => {
      socket.timeout(60_000).emit("ask", n, (...answer: unknown[]) => answers.push([n, ...answer]));
    };
    ask(1);
    server.settle();
    ask(2);
    goesAway(all);
    // The first was handled, and nobody knows how it ended.
    expect(answers).toEqual([[1, expect.objectContaining({ code: "ERR_ACK_DISCONNECTED" })]]);
    comesBack(all);
    const id = server.peer.packets.find(({ type }) => type === PacketType.EVENT)?.id;
    server.peer.send({ type: PacketType.ACK, id: id as number, data: ["yes"] });
    server.settle();
    expect(answers.slice(1)).toEqual([[2, null, "yes"]]);
  });

  it("belong to their conversation: a client that is not recovered drops them, and their acknowledgements fail", () => {
    const all = connected({ recovers: false });
    const { server, socket, log } = all;
    const answers: unknown[] = [];
    socket.emit("e", 1);
    socket.timeout(60_000).emit("ask", 2, (...answer: unknown[]) => answers.push(answer));
    goesAway(all);
    socket.emit("e", 3);
    comesBack(all);
    expect(seen(server.peer)).toEqual([3]);
    expect(answers).toEqual([[expect.objectContaining({ code: "ERR_ACK_DISCONNECTED" })]]);
    expect(log).toEqual(["disconnect", ["connect", false]]);
  });

  it("are not those of another socket on the same connection, nor those that were sent before the socket had left and come back", () => {
    const all = connected();
    const { server, manager, socket } = all;
    const other = manager.socket("/other") as unknown as Socket;
    server.settle();
    socket.emit("e", "of a socket that leaves");
    socket.disconnect();
    socket.connect();
    other.emit("e", "theirs");
    goesAway(all);
    expect(
      [socket.sendBuffer, other.sendBuffer].map((waiting) => waiting.map(({ data }) => data[1])),
    ).toEqual([[], ["theirs"]]);
  });

  it("are not those of Sockeye's own", () => {
    const all = connected();
    all.socket.emit("sockeye:join", 1);
    all.socket.emit("e", 2);
    goesAway(all);
    expect(all.socket.sendBuffer.map(({ data }) => data[1])).toEqual([2]);
  });

  it("are given up as any that wait: by their timeout, and by the app", () => {
    const all = connected();
    const { server, socket } = all;
    const failed: unknown[] = [];
    socket.timeout(10).emit("ask", 1, (error: { code?: string }) => failed.push(error.code));
    socket.emit("e", 2);
    goesAway(all);
    server.clock.advance(20);
    expect(failed).toEqual(["ERR_ACK_TIMEOUT"]);
    expect(socket.sendBuffer.map(({ data }) => data[1])).toEqual([2]);
    socket.sendBuffer = [];
    comesBack(all);
    expect(seen(server.peer)).toEqual([]);
  });

  it("are tried by retries no more often than needed", () => {
    const all = connected({ retries: 3, ackTimeout: 60_000 } as Options);
    const { server, socket } = all;
    const retrying = server
      .manager({ transports: server.transports("websocket"), resume: true })
      .socket("/", {
        retries: 3,
        ackTimeout: 60_000,
      }) as unknown as Socket;
    socket.disconnect();
    server.settle();
    retrying.emit("e", 1);
    retrying.emit("e", 2);
    goesAway(all);
    comesBack(all);
    expect(seen(server.peer)).toEqual([1]);
    const id = server.peer.packets.find(({ type }) => type === PacketType.EVENT)?.id;
    server.peer.send({ type: PacketType.ACK, id: id as number, data: [] });
    server.settle();
    expect(seen(server.peer)).toEqual([1, 2]);
  });
});

it("a server that ends without a last word leaves nothing to send again", () => {
  const all = connected();
  all.socket.emit("e", 1);
  all.server.peer.session.close("server shutting down");
  all.server.settle();
  expect(all.socket.sendBuffer).toEqual([]);
});

it("nothing is sent again that an app has cut off itself", () => {
  const all = connected();
  all.socket.emit("e", 1);
  all.manager.engine.close();
  all.server.settle();
  expect(all.socket.sendBuffer).toEqual([]);
});
