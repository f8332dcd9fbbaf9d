import type { createAdapter as createClusterAdapter } from "@socket.io/cluster-adapter";
import type { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { Adapter } from "@sockeye/adapter";
import { createTextCodec } from "@sockeye/codec";
import type { EventPacket } from "@sockeye/protocol";
import { DEFAULT_LIMITS, PacketType } from "@sockeye/protocol";
import { Adapter as ForeignBase, type SessionAwareAdapter } from "socket.io-adapter";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { adopt, BareEncoder, enveloped } from "../src/foreign-adapter.js";
import { flush, positionOf, settle } from "../src/foreign-log.js";
import type { AdapterConstructor } from "../src/options.js";

const codec = createTextCodec(DEFAULT_LIMITS);

function eventPacket(...data: EventPacket["data"]): EventPacket {
  return { type: PacketType.EVENT, nsp: "/", id: undefined, data };
}

function encoder(failures: unknown[][] = []): BareEncoder {
  return new BareEncoder(codec, (...failure) => failures.push(failure));
}

describe("adopt", () => {
  it("leaves an adapter of Socket.IO the object that it is, and asks it nothing that it does not know", () => {
    const foreign = new ForeignBase({ server: {} });
    const adopted = adopt(foreign);
    expect(adopted).toBe(foreign);
    expect(positionOf(adopted)).toBeUndefined();
    expect(flush(adopted)).toBeUndefined();
    expect(() => settle(adopted, "id")).not.toThrow();
  });

  it.each(["position", "settle", "flush"])(
    "leaves it a method of its own that is called %s, and does not call it",
    (name) => {
      const own = vi.fn(() => "its own");
      const adopted = adopt(Object.assign(new ForeignBase({ server: {} }), { [name]: own }));
      expect(positionOf(adopted)).toBeUndefined();
      expect(flush(adopted)).toBeUndefined();
      settle(adopted, "id");
      expect(own).not.toHaveBeenCalled();
      expect(Reflect.get(adopted, name)).toBe(own);
    },
  );

  it("gives it packets and sessions without properties that have no value: as BSON they would be null", () => {
    const said: unknown[] = [];
    const methods = ["broadcast", "broadcastWithAck", "persistSession"] as const;
    const foreign = Object.assign(new ForeignBase({ server: {} }), {
      ...Object.fromEntries(methods.map((name) => [name, (first: unknown) => void said.push(first)])),
    });
    const adopted = adopt(foreign);
    const options = { rooms: new Set<string>() };
    const ack = (): void => {};
    adopted.broadcast(eventPacket("e"), options);
    adopted.broadcastWithAck(eventPacket("e"), options, ack, ack);
    const session = { sid: "s", pid: "p", rooms: [], since: undefined, expires: undefined };
    adopted.persistSession({ ...session, data: undefined });
    adopted.persistSession({ ...session, data: { who: "Ann" }, expires: 7 });
    const packet = { type: PacketType.EVENT, nsp: "/", data: ["e"] };
    const kept = { sid: "s", pid: "p", rooms: [] };
    expect(said).toStrictEqual([
      packet,
      packet,
      { ...kept, data: {} },
      { ...kept, data: { who: "Ann" }, expires: 7 },
    ]);
  });

  it("leaves ours alone", () => {
    const ours = new Adapter({} as never);
    expect(Object.hasOwn(adopt(ours), "position")).toBe(false);
  });
});

describe("BareEncoder", () => {
  it("gives frames without the engine's envelope", () => {
    expect(encoder().encode(eventPacket("a", 1))).toEqual(['2["a",1]']);
    const bytes = Uint8Array.of(1, 2);
    expect(encoder().encode(eventPacket("a", bytes))).toEqual([
      '51-["a",{"_placeholder":true,"num":0}]',
      bytes,
    ]);
  });

  it("takes an id of null for none: packets come so from other nodes", () => {
    expect(encoder().encode({ ...eventPacket("a"), id: null })).toEqual(['2["a"]']);
  });

  it("tells what cannot be encoded, and never throws", () => {
    const failures: unknown[][] = [];
    const packet = eventPacket("a", 1n);
    expect(encoder(failures).encode(packet)).toEqual([]);
    expect(failures).toEqual([[expect.objectContaining({ code: "ERR_UNENCODABLE" }), packet]]);
  });
});

describe("enveloped", () => {
  it("is one packet for all receivers, as the codec made it", () => {
    const frames = encoder().encode(eventPacket("a", Uint8Array.of(1)));
    const packet = enveloped(frames, undefined);
    expect(packet).toEqual(codec.encode(eventPacket("a", Uint8Array.of(1))));
    expect(enveloped(frames, true)).toBe(packet);
  });

  it("is another one, shared too, if it must not be compressed", () => {
    const frames = encoder().encode(eventPacket("a"));
    const packet = enveloped(frames, false);
    expect(packet).toMatchObject({ head: '42["a"]', compress: false });
    expect(enveloped(frames, false)).toBe(packet);
  });

  it.each([
    { frames: ['2["a"]'], head: '42["a"]', attachments: [] },
    { frames: ['51-["a"]', Uint8Array.of(1)], head: '451-["a"]', attachments: [Uint8Array.of(1)] },
    { frames: [Uint8Array.of(7)], head: Uint8Array.of(7), attachments: [] },
  ])("takes frames that an adapter made itself: $frames", ({ frames, head, attachments }) => {
    expect(enveloped(frames, undefined)).toMatchObject({ head, attachments, compress: true });
  });

  it("is nothing for no frames", () => {
    expect(enveloped([], undefined)).toBeUndefined();
  });
});

it("the option takes the adapters of Socket.IO by their types", () => {
  expectTypeOf<typeof ForeignBase>().toExtend<AdapterConstructor>();
  expectTypeOf<typeof SessionAwareAdapter>().toExtend<AdapterConstructor>();
  expectTypeOf<ReturnType<typeof createAdapter>>().toExtend<AdapterConstructor>();
  expectTypeOf<ReturnType<typeof createShardedAdapter>>().toExtend<AdapterConstructor>();
  expectTypeOf<ReturnType<typeof createClusterAdapter>>().toExtend<AdapterConstructor>();
});
