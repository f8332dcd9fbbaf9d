import { EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it, vi } from "vitest";
import { DEFAULT_ROOM_LIMITS, type RoomLimits } from "../src/limits.js";
import { RoomLog } from "../src/room-log.js";
import { type RoomState, weigh } from "../src/room-state.js";
import { RoomStore } from "../src/room-store.js";
import { readRule } from "../src/rule.js";

const RULE = readRule({ keep: { count: 10 } });

function store(limits: Partial<RoomLimits>, members: (room: string) => boolean = () => false) {
  let asked = 0;
  const rooms = new RoomStore<never>(
    { ...DEFAULT_ROOM_LIMITS, ...limits },
    {
      now: () => 0,
      makeEpoch: () => "epoch",
      opened() {},
      forgotten() {},
      hasMembers: (room) => {
        asked++;
        return members(room);
      },
    },
  );
  const append = (state: RoomState<never>, text: string): void => {
    const packet = new EncodedPacket(text);
    rooms.change(state, () => state.log?.append(packet, { at: 0, bytes: weigh(packet) }));
  };
  return { rooms, append, asked: () => asked };
}

describe("rooms that clients name", () => {
  it("push out none of which something is kept, and are bounded themselves", () => {
    const { rooms, append } = store({ maxKeptRooms: 100 });
    const kept = rooms.use("kept", RULE);
    append(kept, "event");
    for (let n = 0; n < 10_000; n++) rooms.use(`named:${n}`, RULE);
    expect(rooms.find("kept")).toBe(kept);
    expect(rooms.size).toBe(101);
  });

  it("cost a few questions each, also when all of them have members", () => {
    const { rooms, asked } = store({ maxKeptRooms: 100 }, () => true);
    for (let n = 0; n < 1000; n++) rooms.use(`named:${n}`, RULE);
    expect(asked()).toBeLessThanOrEqual(1000 * 16);
  });

  it("are as many as have members, and fewer again when those have gone", () => {
    let full = true;
    const { rooms } = store({ maxKeptRooms: 100 }, () => full);
    for (let n = 0; n < 200; n++) rooms.use(`named:${n}`, RULE);
    expect(rooms.size).toBe(200);
    full = false;
    for (let n = 0; n < 10; n++) rooms.use(`more:${n}`, RULE);
    expect(rooms.size).toBe(100);
  });
});

it("small events count with the objects around them", () => {
  const { rooms, append } = store({ maxKeptBytes: 100_000 });
  for (let n = 0; n < 1000; n++) append(rooms.use(`room:${n}`, RULE), "x");
  expect(rooms.bytes).toBeLessThanOrEqual(100_000);
  expect([...Array(1000).keys()].filter((n) => rooms.find(`room:${n}`)?.log?.size === 1).length).toBe(249);
});

it("when all is full an event costs the same, however many rooms have been cleared already", () => {
  const looked = vi.spyOn(RoomLog.prototype, "bytes", "get");
  const { rooms, append } = store({ maxKeptBytes: 100_000 });
  for (let n = 0; n < 5000; n++) append(rooms.use(`room:${n}`, RULE), "x");
  const big = "x".repeat(60_000);
  for (let n = 0; n < 10; n++) append(rooms.use(`big:${n % 2}`, RULE), big);
  looked.mockClear();
  append(rooms.use("big:0", RULE), big);
  expect(looked.mock.calls.length).toBeLessThan(20);
  looked.mockRestore();
  expect([rooms.bytes <= 100_000, rooms.find("big:0")?.log?.size]).toEqual([true, 1]);
});

it("text beyond Latin-1 counts two bytes a character, and bytes as themselves", () => {
  expect(weigh(new EncodedPacket("abc"))).toBe(3);
  expect(weigh(new EncodedPacket("ab€"))).toBe(6);
  expect(weigh(new EncodedPacket("ab", [new Uint8Array(5)]))).toBe(7);
});
