import { Adapter } from "@sockeye/adapter";
import { adapterSuite, manualClock } from "@sockeye/conformance";
import { type AdapterNamespace, CORE, EncodedPacket, PacketType, REPORT } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";

adapterSuite("the in-memory Adapter", (nsp) => new Adapter(nsp));

function nobody(): AdapterNamespace {
  let ids = 0;
  return {
    name: "/",
    sockets: new Map(),
    [CORE]: { clock: manualClock(), nextAckId: () => ids++, encode: () => new EncodedPacket("42[]") },
    [REPORT]: () => {},
  };
}

describe("the in-memory Adapter", () => {
  it("needs nothing to begin and to end, and remembers its namespace", async () => {
    const nsp = nobody();
    const adapter = new Adapter(nsp);
    expect(adapter.nsp).toBe(nsp);
    expect([adapter.init(), adapter.close()]).toEqual([undefined, undefined]);
  });

  it("joins and leaves at once: nothing to wait for", () => {
    const adapter = new Adapter(nobody());
    expect(adapter.addAll("s1", new Set(["a"]))).toBeUndefined();
    expect(adapter.del("s1", "a")).toBeUndefined();
  });

  it("keeps no session for recovery", async () => {
    const adapter = new Adapter(nobody());
    adapter.persistSession({ sid: "s1", pid: "p", rooms: [], data: undefined });
    await expect(adapter.restoreSession("p", "0")).resolves.toBeNull();
  });

  it("lets a packet that cannot be encoded fail in the caller's hands, before anybody got it", () => {
    const nsp: AdapterNamespace = {
      ...nobody(),
      [CORE]: {
        ...nobody()[CORE],
        encode: () => {
          throw new Error("unencodable");
        },
      },
    };
    const packet = { type: PacketType.EVENT, nsp: "/", id: undefined, data: ["x"] } as const;
    const adapter = new Adapter(nsp);
    expect(() => adapter.broadcast(packet, { rooms: new Set() })).toThrow("unencodable");
    const never = (): void => {
      throw new Error("called");
    };
    expect(() => adapter.broadcastWithAck(packet, { rooms: new Set() }, never, never)).toThrow("unencodable");
  });
});
