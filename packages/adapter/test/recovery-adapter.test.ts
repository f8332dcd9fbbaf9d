import { RecoveryAdapter, type RecoveryOptions } from "@sockeye/adapter";
import { adapterSuite, type ManualClock, manualClock } from "@sockeye/conformance";
import {
  type AdapterNamespace,
  CORE,
  EncodedPacket,
  type EventPacket,
  PacketType,
  REPORT,
  type Room,
} from "@sockeye/protocol";
import { describe, expect, it } from "vitest";

const OPTIONS: RecoveryOptions = { maxDisconnectionDuration: 1000, maxPackets: 100, epoch: "abcdefgh" };

adapterSuite("the RecoveryAdapter", (nsp) => new RecoveryAdapter(nsp, OPTIONS));

function bench(options: Partial<RecoveryOptions> = {}) {
  const clock: ManualClock = manualClock();
  let ids = 0;
  const nsp: AdapterNamespace = {
    name: "/",
    sockets: new Map(),
    [CORE]: {
      clock,
      nextAckId: () => ids++,
      encode: ({ data: [name] }) => {
        if (name === "unencodable") throw new Error("no JSON");
        return new EncodedPacket("42[]");
      },
    },
    [REPORT]: () => {},
  };
  const adapter = new RecoveryAdapter(nsp, { ...OPTIONS, ...options });
  const emit = (name: string, rooms: readonly Room[] = [], except: readonly Room[] = []): void =>
    adapter.broadcast(event(name), { rooms: new Set(rooms), except: new Set(except) });
  const persist = (since?: string): void =>
    adapter.persistSession({ sid: "sid", pid: "pid", rooms: ["a"], data: { x: 1 }, since });
  const missed = async (offset?: string): Promise<unknown> =>
    (await adapter.restoreSession("pid", offset))?.missedPackets.map(([name]) => name) ?? null;
  return { clock, adapter, emit, persist, missed };
}

function event(name: string, id?: number): EventPacket {
  return { type: PacketType.EVENT, nsp: "/", id, data: [name] };
}

describe("RecoveryAdapter", () => {
  it("does not keep what cannot be encoded: nobody could be recovered over it", async () => {
    const { adapter, emit, persist, missed } = bench();
    const offset = adapter.position();
    persist();
    emit("one");
    expect(() => emit("unencodable")).toThrow("no JSON");
    emit("two");
    expect(adapter.position()).toBe("abcdefgh.2");
    expect(await missed(offset)).toEqual(["one", "two"]);
  });

  it("gives a session back with what it has missed, each event with its offset", async () => {
    const { adapter, emit, persist } = bench();
    emit("before");
    const offset = adapter.position();
    persist();
    emit("one");
    emit("two", ["a"]);
    const restored = await adapter.restoreSession("pid", offset);
    expect(restored).toMatchObject({ sid: "sid", pid: "pid", rooms: ["a"], data: { x: 1 } });
    expect(restored?.missedPackets).toEqual([
      ["one", "abcdefgh.2"],
      ["two", "abcdefgh.3"],
    ]);
  });

  it.each<{ name: string; rooms: Room[]; except: Room[]; got: boolean }>([
    { name: "everybody", rooms: [], except: [], got: true },
    { name: "its room", rooms: ["a"], except: [], got: true },
    { name: "itself", rooms: ["sid"], except: [], got: true },
    { name: "one of its rooms among others", rooms: ["z", "a"], except: [], got: true },
    { name: "another room", rooms: ["z"], except: [], got: false },
    { name: "everybody but its room", rooms: [], except: ["a"], got: false },
    { name: "its room but itself", rooms: ["a"], except: ["sid"], got: false },
    { name: "everybody but another room", rooms: [], except: ["z"], got: true },
  ])("knows whether it was meant: $name", async ({ rooms, except, got }) => {
    const { adapter, emit, persist, missed } = bench();
    const offset = adapter.position();
    persist();
    emit("x", rooms, except);
    expect(await missed(offset)).toEqual(got ? ["x"] : []);
  });

  it("goes by the position at which it joined if the client never got an event", async () => {
    const { adapter, emit, persist, missed } = bench();
    emit("before");
    persist(adapter.position());
    emit("after");
    expect(await missed(undefined)).toEqual(["after"]);
  });

  it.each([
    "",
    "x",
    "abcdefgh",
    "abcdefgh.",
    "abcdefgh.-1",
    "abcdefgh.0.0",
    "abcdefgh.00",
    "abcdefgh.9",
    "other123.0",
    "abcdefgh.1 ",
  ])("does not believe the offset %j", async (offset) => {
    const { persist, missed } = bench();
    persist();
    expect(await missed(offset)).toBeNull();
  });

  it("knows nothing without an offset and without a position", async () => {
    const { persist, missed } = bench();
    persist();
    expect(await missed(undefined)).toBeNull();
  });

  it("restores a session once, and only by its secret", async () => {
    const { adapter, persist } = bench();
    const offset = adapter.position();
    persist();
    expect(await adapter.restoreSession("sid", offset)).toBeNull();
    expect(await adapter.restoreSession("pid", offset)).not.toBeNull();
    expect(await adapter.restoreSession("pid", offset)).toBeNull();
  });

  it("does not count volatile events, nor those that want an acknowledgement", () => {
    const { adapter } = bench();
    const start = adapter.position();
    adapter.broadcast(event("x"), { rooms: new Set(), flags: { volatile: true } });
    adapter.broadcastWithAck(
      event("x"),
      { rooms: new Set() },
      () => {},
      () => {},
    );
    adapter.broadcast(event("x", 1), { rooms: new Set() });
    expect(adapter.position()).toBe(start);
    adapter.broadcast(event("x"), { rooms: new Set() });
    expect(adapter.position()).not.toBe(start);
  });

  it("also gives what was sent while the session was being restored", async () => {
    const { adapter, emit, persist } = bench();
    const offset = adapter.position();
    persist();
    emit("one");
    const restored = await adapter.restoreSession("pid", offset);
    emit("two");
    expect(restored?.missedPackets.map(([name]) => name)).toEqual(["one", "two"]);
  });

  it("forgets sessions after their time, at its time", async () => {
    const { adapter, clock, persist } = bench();
    const offset = adapter.position();
    persist();
    clock.advance(999);
    const { adapter: other, clock: otherClock, persist: persistOther } = bench();
    persistOther();
    otherClock.advance(1000);
    expect(await adapter.restoreSession("pid", offset)).not.toBeNull();
    expect(await other.restoreSession("pid", offset)).toBeNull();
  });

  it("refuses who has missed more than is kept", async () => {
    const { adapter, emit, persist, missed } = bench({ maxPackets: 10 });
    const offset = adapter.position();
    persist();
    for (let i = 0; i < 50; i++) emit(`e${i}`);
    expect(await missed(offset)).toBeNull();
  });

  it("refuses who has missed what is too old, and keeps no timer once it holds nothing", async () => {
    const { adapter, clock, emit, missed } = bench();
    const offset = adapter.position();
    emit("old");
    clock.advance(900);
    adapter.persistSession({ sid: "sid", pid: "pid", rooms: [], data: undefined });
    clock.advance(500);
    expect(await missed(offset)).toBeNull();
    clock.advance(5000);
    expect(clock.pendingTimers).toBe(0);
  });

  it("ends with nothing left behind", () => {
    const { adapter, clock, emit, persist } = bench();
    emit("x");
    persist();
    adapter.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
