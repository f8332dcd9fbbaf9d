import { EncodedPacket } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DropPolicy, GAP, Outbox, type Overflow } from "../src/outbox.js";
import { createOverflow } from "../src/overflow.js";
import { sizeOf } from "../src/waiting-packet.js";

const SIZE = sizeOf(new EncodedPacket("x".repeat(4)));

/** An outbox for a peer that reads nothing. */
class Stuck {
  readonly outbox = new Outbox();
  readonly dropped: string[] = [];
  ended = false;
  readonly #overflow: Overflow;
  heldBytes = 0;

  constructor(maxBytes: number) {
    this.#overflow = createOverflow(maxBytes);
  }

  /** @param name four characters */
  send(name: string, rule?: Omit<DropPolicy, "dropped">): void {
    if (this.ended) return;
    const packet = new EncodedPacket(name.padEnd(4));
    const droppable = rule && { ...rule, dropped: () => void this.dropped.push(name) };
    const verdict = this.#overflow.admit(this.outbox, packet, { droppable, heldBytes: this.heldBytes });
    if (verdict === "queue") this.outbox.push(packet);
    else if (verdict === "drop") this.dropped.push(name);
    else this.ended = true;
  }

  get names(): string[] {
    return this.outbox.packets.filter((packet) => packet !== GAP).map(({ head }) => String(head).trim());
  }
}

const OLDEST = { policy: "drop-oldest" } as const;
const NEWEST = { policy: "drop-newest" } as const;
const last = (key: string): DropPolicy => ({ policy: "conflate", key });

interface Row {
  readonly what: string;
  readonly sent: readonly (readonly [name: string, rule?: DropPolicy])[];
  readonly waits: readonly string[];
  readonly dropped?: readonly string[];
  readonly ends?: boolean;
}

// There is room for three packets.
const ROWS: readonly Row[] = [
  { what: "as many as fit stay", sent: [["a"], ["b"], ["c"]], waits: ["a", "b", "c"] },
  { what: "one too many ends it", sent: [["a"], ["b"], ["c"], ["d"]], waits: ["a", "b", "c"], ends: true },
  {
    what: "drop-newest drops itself",
    sent: [["a"], ["b"], ["c"], ["d", NEWEST]],
    waits: ["a", "b", "c"],
    dropped: ["d"],
  },
  {
    what: "drop-oldest drops the oldest that may be dropped",
    sent: [["a"], ["b", OLDEST], ["c", OLDEST], ["d", OLDEST]],
    waits: ["a", "d"],
    dropped: ["b", "c"],
  },
  {
    what: "drop-oldest drops itself if nothing else may be dropped",
    sent: [["a"], ["b"], ["c"], ["d", OLDEST]],
    waits: ["a", "b", "c"],
    dropped: ["d"],
  },
  {
    what: "what must not be dropped takes the room of what may be",
    sent: [["a", NEWEST], ["b"], ["c"], ["d"]],
    waits: ["b", "c", "d"],
    dropped: ["a"],
  },
  {
    what: "conflate keeps the last of each key, behind what was sent meanwhile",
    sent: [["a1", last("a")], ["b1", last("b")], ["x"], ["a2", last("a")], ["a3", last("a")]],
    waits: ["b1", "x", "a3"],
    dropped: ["a1", "a2"],
  },
  {
    what: "last values are not dropped for others",
    sent: [["a", last("a")], ["b", last("b")], ["c", last("c")], ["d"]],
    waits: ["a", "b", "c"],
    ends: true,
  },
  {
    what: "conflate ends it if there is no room for another key",
    sent: [["a"], ["b"], ["c"], ["d", last("d")]],
    waits: ["a", "b", "c"],
    ends: true,
  },
];

describe("what waits for a peer that does not read", () => {
  it.each(ROWS)("$what", ({ sent, waits, dropped = [], ends = false }) => {
    const stuck = new Stuck(3 * SIZE);
    for (const [name, rule] of sent) stuck.send(name, rule);
    expect(stuck.names).toEqual(waits);
    expect(stuck.dropped).toEqual(dropped);
    expect(stuck.ended).toBe(ends);
  });

  it("may be of any size if it is alone", () => {
    const stuck = new Stuck(1);
    stuck.send("big");
    expect(stuck.names).toEqual(["big"]);
    stuck.send("b");
    expect(stuck.ended).toBe(true);
  });

  it("has less room by what the transport holds", () => {
    const stuck = new Stuck(3 * SIZE);
    stuck.heldBytes = 2 * SIZE;
    stuck.send("a");
    stuck.send("b");
    expect(stuck.ended).toBe(true);
  });

  it("keeps order, counts right, drops nothing that must stay, and stays within the bound", () => {
    const rules = [undefined, OLDEST, NEWEST, last("k"), last("l")];
    const acts = fc.array(fc.constantFrom(...rules), { maxLength: 400 });
    fc.assert(
      fc.property(acts, fc.integer({ min: 1, max: 12 }), (sequence, room) => {
        const stuck = new Stuck(room * SIZE);
        const sent: string[] = [];
        const kept: string[] = [];
        for (const [index, rule] of sequence.entries()) {
          const name = String(index);
          stuck.send(name, rule);
          if (stuck.ended) break;
          sent.push(name);
          if (rule === undefined) kept.push(name);
          expect(stuck.outbox.bytes).toBeLessThanOrEqual(room * SIZE);
        }
        const { names } = stuck;
        expect(names).toEqual(sent.filter((name) => names.includes(name)));
        expect(names).toEqual(expect.arrayContaining(kept));
        expect([...names, ...stuck.dropped].sort()).toEqual([...sent].sort());
        const live = stuck.outbox.packets.filter((packet) => packet !== GAP);
        expect(stuck.outbox.bytes).toBe(live.reduce((sum, packet) => sum + sizeOf(packet), 0));
        expect(stuck.outbox.gaps).toBe(stuck.outbox.packets.length - live.length);
      }),
      { numRuns: 300 },
    );
  });

  it("does not grow with the updates of one key", () => {
    const stuck = new Stuck(1000 * SIZE);
    for (let n = 0; n < 10_000; n++) stuck.send(String(n), last("price"));
    expect(stuck.names).toEqual(["9999"]);
    expect(stuck.outbox.packets.length).toBeLessThan(200);
  });
});
