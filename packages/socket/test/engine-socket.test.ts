import {
  EncodedPacket,
  type EnginePacket,
  type RawMessage,
  type SessionObserver,
  type SessionState,
  type SessionView,
  type Transport,
} from "@sockeye/protocol";
import { EngineSocket } from "@sockeye/socket";
import { describe, expect, it } from "vitest";

class FakeSession implements SessionView {
  id = "sid";
  state: SessionState = "open";
  transport: Transport | undefined = undefined;
  upgraded = false;
  observer: SessionObserver | undefined = undefined;
  readonly calls: unknown[] = [];
  sendMessage(data: RawMessage, compress: boolean): void {
    this.calls.push([data, compress]);
  }
  close(): void {
    this.calls.push("close");
  }
}

function watched() {
  const session = new FakeSession();
  const reported: unknown[] = [];
  const socket = new EngineSocket(session, { reportError: (...args) => reported.push(args) });
  const events: unknown[] = [];
  const names = [
    "handshake",
    "open",
    "packet",
    "packetCreate",
    "message",
    "data",
    "heartbeat",
    "ping",
    "pong",
    "flush",
    "drain",
    "upgrading",
    "upgrade",
    "upgradeError",
    "error",
    "close",
  ] as const;
  for (const name of names) socket.on(name, ((...args: unknown[]) => events.push([name, ...args])) as never);
  return { session, socket, events, reported };
}

const transport = { name: "websocket" } as Transport;
const boom = new Error("boom");

describe("EngineSocket", () => {
  it("observes its session from the first moment", () => {
    const { session, socket } = watched();
    expect(session.observer).toBe(socket);
  });

  it.each([
    ["opening", "opening", false],
    ["open", "open", false],
    ["upgrading", "open", true],
    ["closing", "closing", false],
    ["closed", "closed", false],
  ] as const)("shows the state %s as readyState %s, upgrading: %s", (state, readyState, upgrading) => {
    const { session, socket } = watched();
    session.state = state;
    expect([socket.readyState, socket.upgrading]).toEqual([readyState, upgrading]);
  });

  it("shows the session as it is now", () => {
    const { session, socket } = watched();
    Object.assign(session, { id: "other", transport, upgraded: true });
    expect([socket.id, socket.transport, socket.upgraded, socket.protocol]).toEqual([
      "other",
      transport,
      true,
      4,
    ]);
  });

  it("sends raw messages and closes", () => {
    const { session, socket } = watched();
    const bytes = new Uint8Array([1]);
    expect(socket.send("a").write(bytes, { compress: false }).send("b", {}).close()).toBe(socket);
    expect(session.calls).toEqual([["a", true], [bytes, false], ["b", true], "close"]);
  });

  it.each<{ name: string; packet: EnginePacket; also: readonly unknown[] }>([
    {
      name: "message",
      packet: { type: "message", data: "2[]" },
      also: [["heartbeat"], ["data", "2[]"], ["message", "2[]"]],
    },
    { name: "ping", packet: { type: "ping", data: "" }, also: [["heartbeat"], ["ping"], ["pong"]] },
    { name: "pong", packet: { type: "pong", data: "" }, also: [["heartbeat"]] },
    { name: "noop", packet: { type: "noop", data: "" }, also: [["heartbeat"]] },
    { name: "open", packet: { type: "open", data: "{}" }, also: [["heartbeat"]] },
  ])("tells of a packet that came in: $name", ({ packet, also }) => {
    const { socket, events } = watched();
    socket.onPacket(packet);
    expect(events).toEqual([["packet", packet], ...also]);
  });

  it("tells the server's terms, then that it is open", () => {
    const { socket, events } = watched();
    const terms = { sid: "s", upgrades: [], pingInterval: 1, pingTimeout: 2, maxPayload: undefined };
    socket.onOpen(terms);
    expect(events).toEqual([["handshake", terms], ["open"]]);
  });

  it("tells of packets that go out, one by one with their attachments, then of the batch", () => {
    const { socket, events } = watched();
    const bytes = new Uint8Array([1]);
    const batch = [new EncodedPacket("42[]"), new EncodedPacket("451-[]", [bytes]), new EncodedPacket("2")];
    socket.onFlush(batch);
    expect(events).toEqual([
      ["packetCreate", { type: "message", data: "2[]" }],
      ["packetCreate", { type: "message", data: "51-[]" }],
      ["packetCreate", { type: "message", data: bytes }],
      ["packetCreate", { type: "ping", data: "" }],
      ["flush", batch],
      ["drain"],
    ]);
  });

  it("tells of upgrades and of the end", () => {
    const { socket, events } = watched();
    socket.onUpgrading(transport);
    socket.onUpgrade(transport);
    socket.onUpgradeFailed(boom);
    socket.onClose("transport error", boom);
    expect(events).toEqual([
      ["upgrading", transport],
      ["upgrade", transport],
      ["upgradeError", boom],
      ["error", boom],
      ["close", "transport error", boom],
    ]);
  });

  it("hands what a listener throws to its boundary, so that no method of the observer throws", () => {
    const { socket, events, reported } = watched();
    socket.prependListener("close", () => {
      throw boom;
    });
    socket.onClose("transport close", undefined);
    expect(reported).toEqual([[boom, "close"]]);
    expect(events).toEqual([["close", "transport close", undefined]]);
  });
});
