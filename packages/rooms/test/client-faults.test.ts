import { manualClock } from "@sockeye/conformance";
import type { Room, RoomEvent } from "@sockeye/rooms/client";
import fc from "fast-check";
import { expect, it } from "vitest";
import { drain, Link, settle } from "./link.js";
import { type Client, Site } from "./site.js";
import { There } from "./there.js";

// Clients of the extension on connections that break anywhere, beside a member that never loses anything: it knows what was stored, in which order.
// `npm run faults:rooms -- --steps 1000000 --seed 7` plays as many steps as one likes.

const ROOM = "doc:1";
const KEPT = 8;
/** Two of them are tabs of one person. */
const NAMES = ["ann", "bob", "ann-tab"];

type Step =
  | { readonly kind: "emit" }
  | {
      readonly kind:
        | "publish"
        | "up"
        | "down"
        | "cut"
        | "connect"
        | "set"
        | "kick"
        | "away"
        | "back"
        | "hide"
        | "lose"
        | "repeat";
      readonly who: number;
    }
  | { readonly kind: "age" | "tell" | "restart" | "clear" | "flood" | "decide" | "bot" };

const who = fc.integer({ min: 0, max: NAMES.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: "emit" }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("publish" as const), who }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("up" as const), who }) },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("down" as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut" as const), who }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("connect" as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("set" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kick" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("away" as const, "back" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hide" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("lose" as const, "repeat" as const), who }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: "decide" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "bot" }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: "clear" }, { kind: "flood" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "age" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "tell" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "restart" }) },
);

/** What a client has heard: events, and where it was told that some are missing, up to a position. */
type Note = RoomEvent | { readonly gapTo: string | undefined };

class Member {
  readonly link: Link;
  readonly room: Room;
  readonly notes: Note[] = [];
  readonly published: Promise<string | undefined>[] = [];
  readonly there = new There();

  constructor(name: string, clock: Site["clock"]) {
    this.link = new Link(name, clock);
    this.room = this.link.room(ROOM);
    this.room.onJoin(({ complete, position }) => complete || this.notes.push({ gapTo: position }));
    this.room.onEvent((event) => this.notes.push(event));
    this.room.presence.on("change", this.there.apply);
    // Whom the server has put out comes back from where it was not counted any more.
    this.room.onPutOut(() => {
      this.there.clear();
      this.notes.push({ gapTo: undefined });
      this.join();
    });
    this.join();
  }

  join(): void {
    this.room.join({ since: "last:3" }).catch(() => {});
  }
}

async function play(steps: readonly Step[]): Promise<void> {
  const clock = manualClock();
  let epochs = 0;
  const stored: RoomEvent[] = [];
  let witness: Client;
  let bot: Client;
  /** Publications about which the app has not decided yet: one of three. */
  const undecided: ((verdict: boolean) => void)[] = [];
  const open = (): Site => {
    const made = new Site({ maxKeptBytes: 6000 }, clock, `life${++epochs}-`);
    made.rooms.declare("doc:+", {
      keep: { count: KEPT, age: "1h" },
      presence: ({ id }) => id.split("-")[0],
      authorize: () => true,
      onPublish: (_socket, { args }) =>
        Number(args[0]) % 3 > 0 || new Promise<boolean>((resolve) => undecided.push(resolve)),
    });
    undecided.length = 0;
    bot = made.enter("bot");
    witness = made.enter("witness");
    witness.join([`sockeye:room:${ROOM}`]);
    return made;
  };
  const note = (): void => {
    for (const [event, envelope] of witness.got.splice(0))
      if (event === "sockeye:event") stored.push(envelope as RoomEvent);
  };
  let site = open();
  const members = NAMES.map((name) => new Member(name, clock));
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
    hide: ({ room }) => room.presence.clear().catch(() => {}),
    away: ({ link }) => link.setAway(true),
    back: ({ link }) => link.setAway(false),
    lose: ({ link }) => link.disturb("lost"),
    repeat: ({ link }) => link.disturb("twice"),
    bot: () =>
      ++said % 3 > 0 ? site.rooms.setPresence(ROOM, bot, said) : site.rooms.clearPresence(ROOM, "bot"),
    decide: () => undecided.shift()?.(true),
    clear: () => site.rooms.clear(ROOM),
    // Another room takes the place of what is kept here.
    flood: () => site.emit("doc:2", "said", "x".repeat(2000)),
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
  for (const link of links) {
    link.disturb(undefined);
    link.connect(site);
  }
  do {
    for (const decide of undecided.splice(0)) decide(true);
    await drain(...links);
  } while (undecided.length > 0);
  // By which whoever has lost the last one knows.
  site.emit(ROOM, "said", ++said);
  clock.advance(100);
  await drain(...links);
  note();

  for (const { notes, published, there, link, room } of members) {
    expect(link.errors).toEqual([]);
    const heard = notes.filter((each): each is RoomEvent => "event" in each);
    const placeOf = (at: string | undefined): number => stored.findIndex(({ position }) => position === at);
    const places = heard.map(({ position }) => placeOf(position));
    // What it heard is what was stored, in order; the last is the last.
    expect(heard).toEqual(places.map((at) => withoutRoom(stored[at])));
    if (heard.length === notes.length) expect(new Set(places).size).toBe(places.length);
    let before: number | undefined;
    /** Up to here it was told that some are missing. */
    let told = -1;
    for (const each of notes) {
      if ("gapTo" in each) {
        before = undefined;
        told = placeOf(each.gapTo);
        continue;
      }
      const at = placeOf(each.position);
      if (before !== undefined) {
        expect(at).toBeGreaterThan(before);
        expect(at - 1).toBeLessThanOrEqual(Math.max(before, told));
      }
      before = at;
    }
    const last = stored.at(-1);
    if (last && notes.length > 0 && heard.at(-1) === notes.at(-1))
      expect(heard.at(-1)?.position).toBe(last.position);
    // Every publication was stored, in one life of the server once, unless its name was forgotten between two tries.
    const isSoon = !steps.some(({ kind }) => kind === "age" || kind === "clear" || kind === "flood");
    for (const id of await Promise.all(published)) {
      const lives = stored.filter((each) => each.id === id).map(({ position }) => position.split(".")[0]);
      expect(lives.length).toBeGreaterThan(0);
      if (isSoon) expect(new Set(lives).size).toBe(lives.length);
    }
    const present = site.rooms.presence(ROOM)?.page(10) ?? [];
    expect(there.page).toEqual(present);
    expect(room.presence.count).toBe(present.length);
  }
}

function withoutRoom(event: RoomEvent | undefined): object {
  const { room: _room, ...rest } = { room: undefined, ...event };
  return rest;
}

const STEPS = Number(process.env["ROOMS_STEPS"] ?? 5000);
const SEED = Number(process.env["ROOMS_SEED"] ?? 7);

it(
  "wherever connections break, events come once and in order, or it is said that some are missing",
  async () => {
    let played = 0;
    for (let seed = SEED; played < STEPS; seed++) {
      const property = fc.asyncProperty(fc.array(step, { maxLength: 150, size: "max" }), async (steps) => {
        await play(steps);
        played += steps.length;
      });
      await fc.assert(property, { seed, numRuns: 50 });
    }
    console.log(`${played} steps from seed ${SEED}`);
  },
  process.env["ROOMS_STEPS"] === undefined ? 120_000 : 3_600_000,
);
