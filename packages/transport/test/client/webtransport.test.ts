import { type MemorySession, memoryWebTransport, Side } from "@sockeye/conformance";
import type { TransportError } from "@sockeye/protocol";
import { EncodedPacket, type Transport } from "@sockeye/protocol";
import { type Target, WebTransportTransport } from "@sockeye/transport/client";
import { Server, type ServerOptions, type Socket } from "engine.io";
import { afterEach, describe, expect, it, vi } from "vitest";
import { target } from "./target-of.js";

afterEach(() => vi.unstubAllGlobals());

interface Dialled {
  readonly transport: Transport;
  readonly side: Side;
}

function dial(changes: Partial<Target> = {}): Dialled {
  const transport = new WebTransportTransport(target(changes));
  const side = new Side();
  transport.bind(side);
  side.use(transport);
  return { transport, side };
}

const until = (holds: () => boolean): Promise<unknown> =>
  vi.waitFor(() => expect(holds()).toBe(true), { timeout: 5000, interval: 1 });

const plain = (data: unknown): unknown => (data instanceof Uint8Array ? [...data] : data);

/** The end of npm's engine.io. */
async function connect(options: ServerOptions = {}): Promise<Dialled & { socket: Socket; got: unknown[] }> {
  const engine = new Server({ transports: ["polling", "websocket", "webtransport"], ...options });
  vi.stubGlobal(
    "WebTransport",
    memoryWebTransport((session) => void engine.onWebTransportSession(session)),
  );
  const accepted = new Promise<Socket>((resolve) => engine.once("connection", resolve));
  const dialled = dial();
  const socket = await accepted;
  const got: unknown[] = [];
  socket.on("message", (data: unknown) => got.push(data));
  await dialled.side.received(1);
  expect(dialled.side.frames[0]).toMatch(/^0\{"sid":"/);
  dialled.side.frames.length = 0;
  return { ...dialled, socket, got };
}

describe("WebTransport to the server of npm's engine.io", () => {
  it("carries messages and bytes both ways", async () => {
    const { socket, side, got } = await connect();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const sent = ["hello", "žluť 🐟", "x".repeat(125), "x".repeat(126), "x".repeat(200_000), bytes];
    for (const data of sent) socket.send(data);
    side.send(sent.map((data) => new EncodedPacket(typeof data === "string" ? `4${data}` : data)));
    await side.received(sent.length);
    await until(() => got.length === sent.length);
    expect(got.map(plain)).toEqual(sent.map(plain));
    expect(side.frames.map((each) => (typeof each === "string" ? each.slice(1) : [...each]))).toEqual(
      sent.map(plain),
    );
  });

  it("carries no bytes at all, which breaks its own client's connection", async () => {
    const { side, got } = await connect();
    side.send([new EncodedPacket(new Uint8Array(0)), new EncodedPacket("4after")]);
    await until(() => got.length === 2);
    expect(got.map(plain)).toEqual([[], "after"]);
  });

  it("says goodbye", async () => {
    const { transport, socket, side, got } = await connect();
    side.sendText("4last");
    await side.until(() => transport.writable, "a writable transport");
    const closed = new Promise<string>((resolve) => socket.once("close", resolve));
    transport.close("goodbye");
    expect(await closed).toBe("transport close");
    expect(got).toEqual(["last"]);
    expect(side.endings).toEqual([]);
  });

  it("ends when the server closes the session", async () => {
    const { socket, side } = await connect();
    socket.close();
    await side.end();
    expect(side.endings).toMatchObject([{ reason: "transport close" }]);
  });
});

describe("the dialling end of WebTransport", () => {
  /** A platform whose sessions stay as they are. */
  function platform(): { sessions: MemorySession[]; calls: unknown[][] } {
    const [sessions, calls]: [MemorySession[], unknown[][]] = [[], []];
    const Class = memoryWebTransport((session, ...call) => {
      sessions.push(session);
      calls.push(call);
    });
    vi.stubGlobal("WebTransport", Class);
    return { sessions, calls };
  }

  it("asks by https, with the query, and hands over the options of the class", async () => {
    const { calls } = platform();
    const options = { serverCertificateHashes: [{ algorithm: "sha-256", value: new Uint8Array(32) }] };
    dial({ sid: "abc", query: { token: "x" }, client: { transportOptions: { webtransport: options } } });
    dial({ url: "https://localhost/socket.io/", client: { protocols: "other" } });
    expect(calls[0]).toEqual([
      "https://localhost/socket.io/?token=x&EIO=4&transport=webtransport&sid=abc",
      options,
    ]);
    expect(calls[1]).toEqual(["https://localhost/socket.io/?EIO=4&transport=webtransport", undefined]);
  });

  it.each([
    ["a new session", {}, "\u00010"],
    ["an upgrade", { sid: "abc" }, '\u000e0{"sid":"abc"}'],
    [
      "its session",
      { sid: "abc", claim: new EncodedPacket('0{"sid":"abc","secret":1}') },
      '\u00190{"sid":"abc","secret":1}',
    ],
  ])("opens one stream, and says first what it wants: %s", async (_what, changes, expected) => {
    const { sessions } = platform();
    const { transport } = dial(changes);
    const streams = sessions[0]?.incomingBidirectionalStreams.getReader();
    const { readable } = (await streams?.read())?.value ?? {};
    const first = await readable?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe(expected);
    await until(() => transport.writable);
  });

  it("fails where there is no such class", async () => {
    const { side, transport } = dial();
    await side.end();
    expect(side.endings).toMatchObject([
      { reason: "transport error", cause: { code: "ERR_TRANSPORT_OPEN", message: "webtransport error" } },
    ]);
    const cause = side.endings[0]?.cause as TransportError | undefined;
    expect(cause?.description).toBeInstanceOf(ReferenceError);
    transport.close("goodbye");
  });

  it.each(["close", "cut"] as const)("fails when the session ends before it is there: %s", async (how) => {
    const { sessions } = platform();
    const { side } = dial();
    if (how === "cut") sessions[0]?.cut(new Error("no UDP here"));
    else sessions[0]?.close();
    await side.end();
    expect(side.endings).toMatchObject([
      { reason: "transport error", cause: { code: "ERR_TRANSPORT_OPEN" } },
    ]);
  });

  it("tells how a session ended that was there", async () => {
    const { sessions } = platform();
    const { side, transport } = dial();
    await until(() => transport.writable);
    sessions[0]?.cut(new Error("the network is gone"));
    await side.end();
    expect(side.endings).toMatchObject([
      { reason: "transport error", cause: { code: "ERR_TRANSPORT_FAILED", message: "webtransport error" } },
    ]);
  });

  it.each([
    ["cut", (session?: MemorySession) => session?.cut(new Error("gone")), 1],
    ["moved", (session?: MemorySession) => session?.close({ closeCode: 4001, reason: "" }), 1],
    ["closed", (session?: MemorySession) => session?.close(), 0],
  ] as const)("tells a loss from a goodbye: %s", async (_how, end, losses) => {
    const { sessions } = platform();
    const { side, transport } = dial();
    await until(() => transport.writable);
    end(sessions[0]);
    await side.end();
    expect(side.losses).toBe(losses);
  });

  it("says that the session has moved, in place of goodbye", async () => {
    const { sessions } = platform();
    const { transport } = dial();
    await until(() => transport.writable);
    transport.close("moved");
    expect(await sessions[0]?.closed).toMatchObject({ closeCode: 4001 });
  });

  it("closes a session that is not there yet, without a word", async () => {
    const { sessions } = platform();
    const { side, transport } = dial();
    transport.close("goodbye");
    await until(() => sessions[0]?.over === true);
    expect(side.endings).toEqual([]);
  });

  it("closes the session when the page goes away, and leaves no listener behind", async () => {
    const page = new EventTarget();
    const remove = vi.spyOn(page, "removeEventListener");
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
    const { sessions } = platform();
    const { side, transport } = dial();
    await until(() => transport.writable);
    page.dispatchEvent(new Event("pagehide"));
    expect(sessions[0]?.over).toBe(true);
    // The page may come back.
    await side.end();
    expect(side.endings).toMatchObject([{ reason: "transport close" }]);
    expect(remove.mock.calls.map(([name]) => name)).toEqual(["pagehide"]);
  });
});
