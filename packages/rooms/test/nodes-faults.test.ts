import { OWN_EVENTS } from "@sockeye/protocol";
import type { Room, RoomEvent } from "@sockeye/rooms/client";
import fc from "fast-check";
import { expect, it } from "vitest";
import { drain, Link, settle } from "./link.js";
import { type NodeSite, Nodes } from "./nodes.js";
import { There } from "./there.js";

// Clients of the extension that go from node to node of a cluster, while connections, buses, nodes and the engine's logs break anywhere. One witness
// at each node loses nothing that its node was told. In the end all nodes and clients see the same people. `npm run faults:rooms -- --steps 1000000 --seed 7` plays as many steps as one likes.

const ROOM = "doc:1";
/** Two of them are tabs of one person. */
const NAMES = ["ann", "bob", "ann-tab"];
const NODES = 3;

type Step =
  | { readonly kind: "up" | "down" | "cut" | "publish"; readonly who: number; readonly node: number }
  | { readonly kind: "connect"; readonly who: number; readonly node: number }
  | { readonly kind: "set" | "hide" | "away" | "back"; readonly who: number; readonly node: number }
  | {
      readonly kind: "cutOff" | "heal" | "emit" | "lose" | "restore" | "kill";
      readonly who: number;
      readonly node: number;
    }
  | { readonly kind: "clear" | "forget" | "tick" | "wait"; readonly who: number; readonly node: number };

const WEIGHTS: Readonly<Record<Step["kind"], number>> = {
  up: 8,
  down: 12,
  cut: 2,
  connect: 5,
  publish: 4,
  set: 4,
  hide: 1,
  away: 1,
  back: 1,
  cutOff: 1,
  heal: 3,
  emit: 5,
  lose: 1,
  restore: 3,
  kill: 1,
  clear: 1,
  forget: 1,
  tick: 6,
  wait: 1,
};
const step: fc.Arbitrary<Step> = fc.oneof(
  ...Object.entries(WEIGHTS).map(([kind, weight]) => ({
    weight,
    arbitrary: fc.record({
      kind: fc.constant(kind as Step["kind"]),
      who: fc.integer({ min: 0, max: NAMES.length - 1 }),
      node: fc.integer({ min: 0, max: NODES - 1 }),
    }) as fc.Arbitrary<Step>,
  })),
);

/** What a client has heard: events, and where it was told that some are missing, up to a position. */
type Note = RoomEvent | { readonly gapTo: string | undefined };

class Member {
  readonly link: Link;
  readonly room: Room;
  readonly notes: Note[] = [];
  readonly published: Promise<string | undefined>[] = [];
  readonly there = new There();
  /** What it shows of itself. */
  shown: number | undefined;

  constructor(name: string, clock: Nodes["clock"]) {
    this.link = new Link(name, clock);
    this.room = this.link.room(ROOM);
    this.room.onJoin(({ complete, position }) => complete || this.notes.push({ gapTo: position }));
    this.room.onEvent((event) => this.notes.push(event));
    this.room.presence.on("change", this.there.apply);
    this.room.onPutOut(() => {
      this.there.clear();
      this.shown = undefined;
      this.join();
    });
    this.join();
  }

  set(value: number): void {
    this.shown = value;
    this.room.presence.set(value).catch(() => {
      if (this.shown === value) this.shown = undefined;
    });
  }

  hide(): void {
    this.shown = undefined;
    this.room.presence.clear().catch(() => {});
  }

  /** What could not be had for a while is asked for again. */
  join(): void {
    this.room.join({ since: "last:3" }).catch(() => {
      this.shown = undefined;
      this.join();
    });
  }
}

async function play(steps: readonly Step[], seed: number): Promise<void> {
  const nodes = new Nodes({ seed, faults: { delayMs: 20, duplicate: 0.1 } });
  /** What all witnesses have seen, by position. */
  const stored = new Map<string, RoomEvent>();
  const witnesses = new Map<NodeSite, { readonly envelopes: unknown[]; got: unknown[][] }>();
  const open = (): NodeSite => {
    const site = nodes.start(({ rooms }) =>
      rooms.declare("doc:+", {
        keep: { count: 8, age: "1h" },
        presence: ({ id }) => id.split("-")[0],
        authorize: () => true,
      }),
    );
    const witness = site.enter("witness");
    witness.join([`sockeye:room:${ROOM}`]);
    witnesses.set(site, witness);
    return site;
  };
  const note = (): void => {
    for (const witness of witnesses.values()) {
      for (const [name, { room: _room, ...event }] of witness.got.splice(0) as [
        string,
        RoomEvent & { room: string },
      ][]) {
        if (name !== OWN_EVENTS.event) continue;
        // A position is one event, whoever tells of it.
        expect(stored.get(event.position) ?? event).toEqual(event);
        stored.set(event.position, event);
      }
    }
  };
  const sites = Array.from({ length: NODES }, open);
  await nodes.run(200);
  const members = NAMES.map((name) => new Member(name, nodes.clock));
  let said = 0;
  const act: Record<Step["kind"], (member: Member, site: NodeSite, node: number) => unknown> = {
    up: ({ link }) => link.up(),
    down: ({ link }) => link.down(),
    cut: ({ link }) => link.cut(),
    connect: ({ link }, site) => link.connect(site),
    publish: ({ room, published }) =>
      published.push(
        room.publish("said", [++said]).then(
          ({ id }) => id,
          (error: unknown) => {
            // The engine was away for too long: then it was not stored.
            expect(error).toMatchObject({ code: "ERR_ROOM_LIMIT" });
            return undefined;
          },
        ),
      ),
    set: (member) => member.set(++said),
    hide: (member) => member.hide(),
    away: ({ link }) => link.setAway(true),
    back: ({ link }) => link.setAway(false),
    // What it says does not reach the others, and nobody is told.
    cutOff: (_member, site) => {
      for (const other of sites) if (other !== site) nodes.hub.cut(site.bus, other.bus);
    },
    heal: () => nodes.hub.heal(),
    emit: (_member, site) => site.emit(ROOM, "said", ++said),
    lose: (_member, site) => site.bus.lose(),
    restore: (_member, site) => site.bus.restore(),
    kill: (_member, site, node) => {
      for (const { link } of members)
        if (link.id !== undefined && site.sockets.has(link.id)) link.cut({ unnoticed: true });
      note();
      witnesses.delete(site);
      nodes.kill(site);
      sites[node] = open();
    },
    clear: (_member, site) => site.rooms.clear(ROOM),
    forget: () => nodes.hub.logs.clear(),
    tick: () => nodes.run(50),
    // From time to time so long that a node which is not heard is taken to be dead.
    wait: (_member, _site, node) => nodes.run(node === 0 ? 12_000 : 1500),
  };
  for (const { kind, who, node } of steps) {
    await act[kind](members[who] as Member, sites[node] as NodeSite, node);
    nodes.clock.flush();
    await settle();
  }
  nodes.hub.faults = {};
  nodes.hub.heal();
  const links = members.map(({ link }) => link);
  for (const site of sites) site.bus.restore();
  for (const [at, link] of links.entries()) link.connect(sites[at] as NodeSite);
  // One without members looks on.
  for (const { rooms } of sites) rooms.open(ROOM)?.then(undefined, () => {});
  const calm = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) {
      await drain(...links);
      await nodes.run(4000);
    }
    await drain(...links);
  };
  await calm();
  // By the first whoever has lost something knows of it; nothing breaks any more, and so the second comes to all.
  for (const site of [sites[0], sites[1]]) {
    site?.emit(ROOM, "said", ++said);
    await calm();
  }
  note();

  const everybody = sites[0]?.rooms.presence(ROOM)?.page(10) ?? [];
  const shown = members.flatMap((member, at) => (member.shown === undefined ? [] : [at]));
  const keyOf = (at: number): string | undefined => NAMES[at]?.split("-")[0];
  expect(new Set(everybody.map(({ key }) => key))).toEqual(new Set(shown.map(keyOf)));
  for (const { key, value } of everybody)
    expect(shown.filter((at) => keyOf(at) === key).map((at) => members[at]?.shown)).toContain(value);
  for (const { rooms } of sites) expect(rooms.presence(ROOM)?.page(10) ?? []).toEqual(everybody);
  for (const { there, room } of members) {
    expect(there.page).toEqual(everybody);
    expect(room.presence.count).toBe(everybody.length);
  }
  for (const { notes, published, link } of members) {
    expect(link.errors).toEqual([]);
    let before: Place | undefined;
    let told: Place | undefined;
    const heard = new Set<string>();
    for (const each of notes) {
      if ("gapTo" in each) {
        before = undefined;
        told = each.gapTo === undefined ? undefined : placeOf(each.gapTo);
        continue;
      }
      expect(each).toEqual(stored.get(each.position));
      if (before !== undefined) expect(heard).not.toContain(each.position);
      heard.add(each.position);
      const at = placeOf(each.position);
      if (before !== undefined) {
        expect(at.epoch).toBe(before.epoch);
        expect(at.number).toBeGreaterThan(before.number);
        const known = told?.epoch === at.epoch ? told.number : 0;
        expect(at.number - 1).toBeLessThanOrEqual(Math.max(before.number, known));
      }
      before = at;
    }
    expect(notes.at(-1)).toMatchObject({ args: [said] });
    for (const id of await Promise.all(published)) {
      if (id === undefined) continue;
      const epochs = [...stored.values()]
        .filter((each) => each.id === id)
        .map(({ position }) => position.split(".")[0]);
      // In each life of the log once at most. No witness may have heard of one that was lost with its log.
      expect(new Set(epochs).size).toBe(epochs.length);
    }
  }
  const errors = sites.flatMap((site) => site.errors).concat(nodes.errors);
  expect(errors.filter((error) => (error as { code?: string }).code !== "ERR_BUS_DOWN")).toEqual([]);
  for (const site of sites) nodes.kill(site);
}

interface Place {
  readonly epoch: string;
  readonly number: number;
}

function placeOf(position: string): Place {
  const [epoch = "", digits = ""] = position.split(".");
  return { epoch, number: Number.parseInt(digits, 36) };
}

// A step of a cluster costs ten times as much as one of a node.
const STEPS = Number(process.env["ROOMS_STEPS"] ?? 20_000) / 10;
const SEED = Number(process.env["ROOMS_SEED"] ?? 7);

it(
  "whatever breaks between nodes, events come once and in one order, or it is said that some are missing",
  async () => {
    let played = 0;
    for (let seed = SEED; played < STEPS; seed++) {
      const property = fc.asyncProperty(fc.array(step, { maxLength: 150, size: "max" }), async (steps) => {
        await play(steps, seed);
        played += steps.length;
      });
      await fc.assert(property, { seed, numRuns: 10 });
    }
    console.log(`${played} steps on ${NODES} nodes from seed ${SEED}`);
  },
  process.env["ROOMS_STEPS"] === undefined ? 120_000 : 3_600_000,
);
