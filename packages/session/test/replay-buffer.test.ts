import { EncodedPacket } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMessage } from "../src/counting.js";
import { ReplayBuffer } from "../src/replay-buffer.js";
import { sizeOf } from "../src/waiting-packet.js";

const TERMS = { window: 30_000, bytes: 1000 };

const text = (data: string) => new EncodedPacket(`4${data}`);
const withBytes = (data: string, ...bytes: number[]) =>
  new EncodedPacket(
    `4${data}`,
    bytes.map((byte) => Uint8Array.of(byte)),
  );

/** Frames, as a transport gets them. */
function frames(batch: readonly EncodedPacket[]): (string | number[])[] {
  return batch.flatMap(({ head, attachments }) =>
    [head, ...attachments].map((frame) => (typeof frame === "string" ? frame : [...frame])),
  );
}

function sent(...packets: EncodedPacket[]): ReplayBuffer {
  const counted = new ReplayBuffer(TERMS);
  counted.retain(packets);
  counted.takeUnsent();
  return counted;
}

describe("what is a message", () => {
  it.each([
    ["4text", true],
    ["4", true],
    ["bAQ==", true],
    ["2", false],
    ["3", false],
    ["6", false],
    ["65", false],
    ['0{"sid":"a"}', false],
    ["", false],
  ])("%j: %j", (head, expected) => {
    expect(isMessage(new EncodedPacket(head))).toBe(expected);
  });

  it("bytes are", () => {
    expect(isMessage(new EncodedPacket(Uint8Array.of(1)))).toBe(true);
  });
});

describe("what came in", () => {
  it("is told once", () => {
    const counted = new ReplayBuffer(TERMS);
    expect(counted.unreported()).toBeUndefined();
    counted.receive(1);
    counted.receive(1);
    expect([counted.unreported(), counted.unreported()]).toEqual([2, undefined]);
  });

  it("asks to be told from a quarter of the bound on", () => {
    const counted = new ReplayBuffer(TERMS);
    expect([counted.receive(20), counted.receive(20), counted.receive(20)]).toEqual([false, false, true]);
    counted.unreported();
    expect(counted.receive(20)).toBe(false);
  });
});

describe("what goes out", () => {
  it("leaves once, what is no message first", () => {
    const counted = new ReplayBuffer(TERMS);
    counted.retain([text("a")]);
    counted.control(new EncodedPacket("2"));
    expect(frames(counted.takeUnsent())).toEqual(["2", "4a"]);
    expect(counted.takeUnsent()).toEqual([]);
  });

  it("is kept until it is acknowledged, and the same objects are", () => {
    const [a, b] = [text("a"), text("b")];
    const counted = sent(a, b);
    expect(counted.retainedBytes).toBe(sizeOf(a) + sizeOf(b));
    expect(counted.acknowledge(1)).toBe(true);
    expect(counted.retainedBytes).toBe(sizeOf(b));
    counted.rewind(1);
    expect(counted.takeUnsent()[0]).toBe(b);
  });

  it("is full at the bound, and free again once enough is acknowledged", () => {
    const counted = sent(text("x".repeat(500)), text("y".repeat(500)));
    expect(counted.full).toBe(true);
    counted.acknowledge(1);
    expect(counted.full).toBe(false);
  });

  it.each([
    ["above what was sent", 3],
    ["below what was acknowledged", 0],
  ])("a count %s cannot be, and changes nothing", (_what, count) => {
    const counted = sent(text("a"), text("b"));
    counted.acknowledge(1);
    const kept = counted.retainedBytes;
    expect([counted.acknowledge(count), counted.rewind(count)]).toEqual([false, false]);
    expect(counted.retainedBytes).toBe(kept);
    expect(counted.takeUnsent()).toEqual([]);
  });

  it.each([
    [0, ["4a", [1], [2], "4b"]],
    [1, [[1], [2], "4b"]],
    [2, [[2], "4b"]],
    [3, ["4b"]],
    [4, []],
  ])("of which %i have arrived, the rest leaves again", (count, rest) => {
    const counted = sent(withBytes("a", 1, 2), text("b"));
    expect(counted.rewind(count)).toBe(true);
    expect(frames(counted.takeUnsent())).toEqual(rest);
  });

  it("breaks twice in the middle of one packet", () => {
    const counted = sent(withBytes("a", 1, 2, 3));
    counted.rewind(2);
    counted.takeUnsent();
    expect(counted.rewind(1)).toBe(false);
    expect(counted.rewind(3)).toBe(true);
    expect(frames(counted.takeUnsent())).toEqual([[3]]);
    counted.acknowledge(4);
    expect(counted.retainedBytes).toBe(0);
  });
});

describe("a heartbeat", () => {
  it("is answered by a count that reaches up to it", () => {
    const counted = sent(text("a"), text("b"));
    counted.heartbeat();
    counted.retain([text("later")]);
    counted.takeUnsent();
    counted.acknowledge(1);
    expect(counted.answered).toBe(false);
    counted.acknowledge(2);
    expect(counted.answered).toBe(true);
  });

  it("does not wait for what no transport has got yet", () => {
    const counted = new ReplayBuffer(TERMS);
    counted.retain([withBytes("a", 1)]);
    counted.heartbeat();
    expect(counted.answered).toBe(true);
  });
});

it("whatever is acknowledged and wherever it breaks, what has not arrived leaves again, in order", () => {
  const packet = fc.record({ name: fc.string({ maxLength: 5 }), attachments: fc.nat(3) });
  const step = fc.oneof(
    fc.record({ keep: fc.array(packet, { maxLength: 4 }) }),
    fc.record({ arrive: fc.nat(5), breaks: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const counted = new ReplayBuffer(TERMS);
      const all: (string | number[])[] = [];
      let onTheWay: (string | number[])[] = [];
      const arrived: (string | number[])[] = [];
      let byte = 0;
      for (const step of steps) {
        if ("keep" in step) {
          const packets = step.keep.map(({ name, attachments }) =>
            withBytes(name, ...Array.from({ length: attachments }, () => byte++ % 256)),
          );
          all.push(...frames(packets));
          counted.retain(packets);
          onTheWay.push(...frames(counted.takeUnsent()));
        } else {
          arrived.push(...onTheWay.splice(0, step.arrive));
          expect(step.breaks ? counted.rewind(arrived.length) : counted.acknowledge(arrived.length)).toBe(
            true,
          );
          if (step.breaks) onTheWay = frames(counted.takeUnsent());
        }
      }
      expect([...arrived, ...onTheWay]).toEqual(all);
      counted.acknowledge(all.length);
      expect(counted.retainedBytes).toBe(0);
    }),
  );
});
