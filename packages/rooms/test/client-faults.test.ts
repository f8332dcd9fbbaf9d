import { manualClock } from "@sockeye/conformance";
import type { PresenceChange, Room, RoomEvent } from "@sockeye/rooms/client";
import fc from "fast-check";
import { expect, it } from "vitest";
import { drain, Link, settle } from "./link.js";
import { type Client, Site } from "./site.js";

// Clients of the extension on connections that break anywhere, beside a member that never loses anything: it knows what was stored, in which order.

const ROOM = "doc:1";
const KEPT = 8;

type Step =
  | { readonly kind: "emit" }
  | { readonly kind: "publish" | "up" | "down" | "cut" | "connect" | "set" | "kick"; readonly who: number }
  | { readonly kind: "age" | "tell" | "restart" };

const who = fc.integer({ min: 0, max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: "emit" }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("publish" as const), who }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("up" as const), who }) },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("down" as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut" as const), who }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("connect" as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("set" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kick" as const), who }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "age" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "tell" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "restart" }) },
);

/** What a client has heard: events, and where it was told that some are missing. */
type Note = RoomEvent | "gap";

class Member {
  readonly link: Link;
  readonly room: Room;
  readonly notes: Note[] = [];
  readonly published: Promise<string | undefined>[] = [];
  /** Who is there, by changes alone. */
  readonly there = new Map<string, unknown>();

  constructor(name: string, clock: Site["clock"]) {
    this.link = new Link(name, clock);
    this.room = this.link.room(ROOM);
    this.room.onJoin(({ complete }) => complete || this.notes.push("gap"));
    this.room.onEvent((event) => this.notes.push(event));
    this.room.presence.on("change", (change) => this.#apply(change));
    // Whom the server has put out comes back from where it was not counted any more.
    this.room.onPutOut(() => {
      this.there.clear();
      this.notes.push("gap");
      this.join();
    });
    this.join();
  }

  join(): void {
    this.room.join({ since: "last:3" }).catch(() => {});
  }

  /** A change that makes no sense of what was told before fails the test. */
  #apply({ joined, updated, away, left }: PresenceChange): void {
    for (const { key, value } of joined) {
      expect(this.there.has(key)).toBe(false);
      this.there.set(key, value);
    }
    for (const { key, value } of updated) {
      expect(this.there.has(key)).toBe(true);
      this.there.set(key, value);
    }
    for (const key of away) expect(this.there.has(key)).toBe(true);
    for (const key of left) expect(this.there.delete(key)).toBe(true);
  }
}

async function play(steps: readonly Step[]): Promise<void> {
  const clock = manualClock();
  let epochs = 0;
  const stored: RoomEvent[] = [];
  let witness: Client;
  const open = (): Site => {
    const made = new Site({}, clock, `life${++epochs}-`);
    made.rooms.declare("doc:+", {
      keep: { count: KEPT, age: "1h" },
      presence: ({ id }) => id.split("-")[0],
      authorize: () => true,
    });
    witness = made.enter("witness");
    witness.join([`sockeye:room:${ROOM}`]);
    return made;
  };
  const note = (): void => {
    for (const [event, envelope] of witness.got.splice(0))
      if (event === "sockeye:event") stored.push(envelope as RoomEvent);
  };
  let site = open();
  const members = [new Member("ann", clock), new Member("bob", clock)];
  let said = 0;
  const act: Record<Step["kind"], (member: Member) => unknown> = {
    emit: () => site.emit(ROOM, "said", ++said),
    publish: ({ room, published }) => published.push(room.publish("said", [++said]).then(({ id }) => id)),
    up: ({ link }) => link.up(),
    down: ({ link }) => link.down(),
    cut: ({ link }) => link.cut(),
    connect: ({ link }) => link.connect(site),
    set: ({ room }) => room.presence.set(++said).catch(() => {}),
    kick: ({ link }) => link.id && site.rooms.revoke(ROOM, link.id),
    age: () => clock.advance(3_700_000),
    tell: () => clock.advance(100),
    restart: () => {
      note();
      for (const { link } of members) link.cut({ unnoticed: true });
      site.rooms.close();
      site = open();
    },
  };
  for (const each of steps) {
    act[each.kind](members["who" in each ? each.who : 0] as Member);
    await settle();
  }
  const links = members.map(({ link }) => link);
  for (const link of links) link.connect(site);
  await drain(...links);
  clock.advance(100);
  await drain(...links);
  note();

  for (const { notes, published, there, link, room } of members) {
    expect(link.errors).toEqual([]);
    const heard = notes.filter((each): each is RoomEvent => each !== "gap");
    const places = heard.map(({ position }) => stored.findIndex((each) => each.position === position));
    // What it heard is what was stored, in order; the last is the last.
    expect(heard).toEqual(places.map((at) => withoutRoom(stored[at])));
    if (!notes.includes("gap")) expect(new Set(places).size).toBe(places.length);
    let before: number | undefined;
    for (const each of notes) {
      const at = each === "gap" ? undefined : stored.findIndex(({ position }) => position === each.position);
      if (before !== undefined && at !== undefined) expect(at).toBe(before + 1);
      before = at;
    }
    const last = stored.at(-1);
    if (last && heard.length > 0 && notes.at(-1) !== "gap")
      expect(heard.at(-1)?.position).toBe(last.position);
    // Every publication was stored, in one life of the server once, unless an hour lies between two tries.
    const isSoon = !steps.some(({ kind }) => kind === "age");
    for (const id of await Promise.all(published)) {
      const lives = stored.filter((each) => each.id === id).map(({ position }) => position.split(".")[0]);
      expect(lives.length).toBeGreaterThan(0);
      if (isSoon) expect(new Set(lives).size).toBe(lives.length);
    }
    const present = site.rooms.presence(ROOM)?.page(10) ?? [];
    expect([...there]).toEqual(expect.arrayContaining(present.map(({ key, value }) => [key, value])));
    expect(there.size).toBe(present.length);
    expect(room.presence.count).toBe(present.length);
  }
}

function withoutRoom(event: RoomEvent | undefined): object {
  const { room: _room, ...rest } = { room: undefined, ...event };
  return rest;
}

it("wherever connections break, events come once and in order, or it is said that some are missing", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 150, size: "max" }), play), {
    numRuns: Number(process.env["ROOMS_RUNS"] ?? 60),
  });
}, 120_000);
