// Nodes with rooms that remember, over a bus that keeps a log. Nodes are killed, frozen and drained, the engine is restarted with and without what it
// kept, it is not heard for a while, and connections break. Clients of ours and of npm go wherever the balancer leads them, from the positions that
// they had; some are loaded again. Each publishes under ids, again and again until it is answered, and shows itself.
import { fileURLToPath } from "node:url";
import type { RoomEvent } from "@sockeye/rooms/client";
import { type ClientName, optionsFor, type Way } from "../../support/servers.js";
import { type FaultKind, Schedule, stream } from "../plan.js";
import { FaultProxy } from "../proxy.js";
import { Fleet, type FleetSetup } from "./fleet.js";
import { placeOf, Stored } from "./rooms-check.js";
import { type Member, OwnMember, PageReader, StockMember, unanswered } from "./rooms-members.js";

export interface RoomsSetup extends FleetSetup {
  readonly clients: number;
  /** With `connectionStateRecovery`, too. */
  readonly recovery?: boolean | undefined;
}

export interface RoomsOutcome {
  readonly violations: readonly string[];
  readonly strokes: Readonly<Record<string, number>>;
  /**
   * Events that clients got; joins, and those that were told that something is missing; publications, those that were there already when they were
   * tried again, and those that were refused; ms until everybody was in every room after the last stroke, until nobody was shown any more who is
   * not there, and until all saw the same.
   */
  readonly totals: Readonly<
    Record<
      | "events"
      | "joins"
      | "incomplete"
      | "publications"
      | "repeated"
      | "refused"
      | "backMs"
      | "ghostMs"
      | "sameMs",
      number
    >
  >;
}

const NODE = fileURLToPath(new URL("./rooms-node.mjs", import.meta.url));
const ROOMS = ["doc:1", "small:1"] as const;
const PEERS: readonly (readonly [ClientName, Way])[] = [
  ["sockeye", "websocket"],
  ["socket.io-client 4", "websocket"],
  ["sockeye", "polling, then websocket"],
  ["socket.io-client 4", "polling, then websocket"],
  ["sockeye", "polling"],
  ["socket.io-client 3", "polling, then websocket"],
];
/** What breaks between a client and the balancer. Stock clients do not number their requests: none may come twice. */
const CUTS: ReadonlySet<FaultKind> = new Set(["cut", "half-close", "freeze", "delay", "truncate"]);
const STROKES = [
  ...["kill", "kill", "stop", "freeze", "deaf", "mute"],
  ...["restart the engine", "empty the engine", "crash the engine"],
];
/** Whoever is shown has to be there: a node that is not heard is taken to be dead after ten seconds. */
const GHOST_MS = 12_000;
const REST_MS = 60_000;
/** So many times in a row all have to agree: something may be on its way. */
const CALM = 5;

/** What a node has of a room. */
interface Look {
  readonly position?: string;
  readonly events?: readonly RoomEvent[];
  readonly there?: readonly { readonly key: string; readonly value: unknown; readonly state: string }[];
  readonly code?: string;
}

class Trial {
  readonly violations: string[] = [];
  readonly fleet: Fleet;
  readonly #setup: RoomsSetup;
  readonly #stored = new Map(ROOMS.map((room) => [room as string, new Stored()]));
  readonly #members: Member[] = [];
  readonly #pages: PageReader[] = [];
  readonly #proxies: FaultProxy[] = [];
  /** Of each room, in the end. */
  readonly #epochs = new Map<string, string>();
  #said = 0;
  #times = { backMs: 0, ghostMs: 0, sameMs: 0 };

  constructor(setup: RoomsSetup) {
    this.#setup = setup;
    this.fleet = new Fleet(
      { ...setup, strokes: setup.strokes ?? STROKES },
      {
        program: NODE,
        env: { RECOVERY: `${setup.recovery === true}` },
        random: stream(setup.seed, 0, 0, 40),
        told: (node, { error }) => {
          if (error !== undefined) this.violations.push(`${node.name} failed: ${String(error)}`);
        },
      },
    );
  }

  get totals(): RoomsOutcome["totals"] {
    const readers = [
      ...this.#members.flatMap((member) => [...member.readers.values()]),
      ...this.#pages.map(({ reader }) => reader),
    ];
    const publications = this.#members.flatMap((member) => member.publications);
    const sum = (of: "events" | "joins" | "incomplete"): number =>
      readers.reduce((total, { totals }) => total + totals[of], 0);
    return {
      events: sum("events"),
      joins: sum("joins"),
      incomplete: sum("incomplete"),
      publications: publications.length,
      repeated: publications.filter(({ answer }) => answer?.repeated).length,
      refused: publications.filter(({ refused }) => refused !== undefined).length,
      ...this.#times,
    };
  }

  async run(): Promise<void> {
    const port = await this.fleet.start();
    await this.#enter(port);
    const stop = this.#talk();
    await this.fleet.suffer();
    stop();
    for (const proxy of this.#proxies) proxy.heal();
    await this.#rest();
    await this.#compare();
    this.#check();
  }

  async end(): Promise<void> {
    for (const each of [...this.#members, ...this.#pages]) each.end();
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    await this.fleet.end();
  }

  // ---- what happens

  async #enter(balancer: number): Promise<void> {
    const began = Date.now();
    const schedule = new Schedule(this.#setup.seed, CUTS);
    const portFor = async (client: number): Promise<number> => {
      if (client % 2 === 0) return balancer;
      const proxy = await FaultProxy.start(balancer, schedule, client, () => Date.now() - began);
      this.#proxies.push(proxy);
      return proxy.port;
    };
    for (let client = 0; client < this.#setup.clients; client++) {
      const [name, way] = PEERS[client % PEERS.length] as (typeof PEERS)[number];
      const setup = {
        label: `client ${client} (${name}, ${way})`,
        url: `http://127.0.0.1:${await portFor(client >> 1)}`,
        // Two tabs each.
        person: `person ${client >> 1}`,
        options: { ...optionsFor(way), reconnectionDelay: 50, reconnectionDelayMax: 500 },
        stored: this.#stored,
      };
      this.#members.push(name === "sockeye" ? new OwnMember(setup) : await StockMember.enter(name, setup));
    }
    for (const [room, stored] of this.#stored)
      this.#pages.push(new PageReader(`http://127.0.0.1:${await portFor(1)}`, room, stored));
    await this.fleet.until(() => this.#members.every(({ isIn }) => isIn), "the clients", REST_MS);
  }

  /** @returns what ends it */
  #talk(): () => void {
    const random = stream(this.#setup.seed, 0, 0, 41);
    const pick = (): Member => random.pick(this.#members);
    const show = (member: Member, mayHide: boolean): void =>
      member.show(mayHide && random.chance(0.25) ? undefined : { by: member.label, n: ++this.#said });
    for (const member of this.#members) show(member, false);
    const timers = [
      this.fleet.every(40, () => {
        const n = ++this.#said;
        const room = random.pick(["doc:1", "doc:1", "small:1"]);
        pick().publish({ id: `${this.#setup.seed}-${n}`, room, args: [n] });
      }),
      this.fleet.every(300, () => show(pick(), true)),
      this.fleet.every(2_000, () => pick().reload?.()),
    ];
    return () => {
      for (const timer of timers) clearInterval(timer);
    };
  }

  /** Everybody comes back, publications are answered, and all see who is there: nobody else, and all the same. */
  async #rest(): Promise<void> {
    const began = Date.now();
    const { fleet } = this;
    const wait = async (what: string, condition: () => boolean | Promise<boolean>): Promise<number> => {
      await fleet.until(condition, what, REST_MS).catch((error: unknown) => {
        this.violations.push(`${error}`);
      });
      return Date.now() - began;
    };
    const backMs = await wait("all to be in their rooms", () => this.#members.every(({ isIn }) => isIn));
    const ghostMs = await wait("the end of all ghosts", async () => (await this.#ghosts()).length === 0);
    if (ghostMs > GHOST_MS)
      this.violations.push(`the last ghost was seen ${ghostMs} ms after the last stroke`);
    let calm = 0;
    let sameMs = 0;
    let differences: string[] = [];
    const areStill = async (): Promise<boolean> => {
      differences = [...(await this.#ghosts()), ...(await this.#differences())];
      calm = differences.length === 0 ? calm + 1 : 0;
      if (calm === 1) sameMs = Date.now() - began;
      return calm === CALM;
    };
    await wait("all to see the same", areStill);
    this.violations.push(...differences);
    this.#times = { backMs, ghostMs, sameMs };
    await wait("answers to publications", () =>
      this.#members.every((member) => unanswered(member).length === 0),
    );
    for (const member of this.#members)
      for (const { id } of unanswered(member))
        this.violations.push(`${member.label} gets no answer to ${id}`);
  }

  /** Who should be seen, and what they show: one of these. */
  #people(): Map<string, string[]> {
    const people = new Map<string, string[]>();
    for (const { person, shown } of this.#members)
      if (shown !== undefined) people.set(person, [...(people.get(person) ?? []), JSON.stringify(shown)]);
    return people;
  }

  /** What is seen of a room, by nodes and clients. */
  async #lists(room: string): Promise<[string, NonNullable<Look["there"]>][]> {
    const nodes = this.fleet.live();
    const looks = (await Promise.all(nodes.map((node) => this.fleet.ask(node, { look: room })))) as Look[];
    return [
      ...nodes.map(({ name }, at): [string, NonNullable<Look["there"]>] => [name, looks[at]?.there ?? []]),
      ...this.#members.map(({ label, there }): [string, NonNullable<Look["there"]>] => [
        label,
        [...(there.get(room) ?? [])].map(([key, shown]) => ({ key, ...shown })),
      ]),
    ];
  }

  async #ghosts(): Promise<string[]> {
    const people = this.#people();
    const found: string[] = [];
    for (const room of ROOMS)
      for (const [who, list] of await this.#lists(room))
        for (const { key, value, state } of list)
          if (state !== "here" || people.get(key)?.includes(JSON.stringify(value)) !== true)
            found.push(`${who} sees ${key} ${state} with ${JSON.stringify(value)} in ${room}`);
    return found;
  }

  async #differences(): Promise<string[]> {
    const people = [...this.#people().keys()].sort();
    const found: string[] = [];
    for (const room of ROOMS) {
      const lists = await this.#lists(room);
      const texts = lists.map(([who, list]) => {
        const sorted = [...list].sort((one, other) => (one.key < other.key ? -1 : 1));
        if (`${sorted.map(({ key }) => key)}` !== `${people}`)
          found.push(`${who} sees ${sorted.map(({ key }) => key)} in ${room}, and there are ${people}`);
        return JSON.stringify(sorted.map(({ key, value, state }) => [key, value, state]));
      });
      for (const [at, text] of texts.entries())
        if (text !== texts[0]) found.push(`${lists[at]?.[0]} sees ${text} in ${room}, not ${texts[0]}`);
    }
    return found;
  }

  // ---- what is left

  /** Nobody says anything any more: all nodes and clients have the same, and a client reads it again page by page. */
  async #compare(): Promise<void> {
    this.fleet.tellAll({ hush: true });
    for (const [room, stored] of this.#stored) {
      let positions: string[] = [];
      const areSame = async (): Promise<boolean> => {
        const nodes = this.fleet.live();
        const looks = (await Promise.all(
          nodes.map((node) => this.fleet.ask(node, { look: room })),
        )) as Look[];
        for (const [at, look] of looks.entries())
          for (const event of look?.events ?? []) stored.note(event, `${nodes[at]?.name}`);
        const readers = [
          ...this.#members.map(({ readers }) => readers.get(room)),
          ...this.#pages.filter((page) => page.room === room).map(({ reader }) => reader),
        ];
        positions = [
          ...looks.map((look) => look?.position),
          ...readers.map((reader) => reader?.position),
        ].map(String);
        return new Set(positions).size === 1;
      };
      let calm = 0;
      const areStill = async (): Promise<boolean> => {
        const before = positions[0];
        calm = (await areSame()) && positions[0] === before ? calm + 1 : 0;
        return calm === 4 * CALM;
      };
      await this.fleet.until(areStill, `one position in ${room}`, REST_MS).catch((error: unknown) => {
        this.violations.push(`${error}: ${positions}`);
      });
      await this.#readAgain(room, stored, `${positions[0]}`);
    }
  }

  async #readAgain(room: string, stored: Stored, position: string): Promise<void> {
    const member = this.#members.find((each): each is OwnMember => each instanceof OwnMember);
    const { epoch, number: end } = placeOf(position);
    this.#epochs.set(room, epoch);
    let before: string | undefined;
    let expected = end;
    for (;;) {
      const page = await member?.room(room)?.history({ limit: 500, ...(before && { before }) });
      if (page === undefined || page.events.length === 0) break;
      for (const event of [...page.events].reverse()) {
        stored.note(event, `a page of ${room}`);
        const at = placeOf(event.position);
        if (at.epoch !== epoch || at.number !== expected--)
          this.violations.push(`a page of ${room} has ${event.position}, not ${expected + 1}`);
      }
      before = page.events[0]?.position;
    }
    if (room === "doc:1" && expected > 0)
      this.violations.push(`${room} begins at ${expected + 1}, and should have all`);
  }

  #check(): void {
    for (const [room, stored] of this.#stored)
      this.violations.push(...stored.check(room, { mayLose: this.fleet.hasLost }));
    for (const { reader } of this.#pages) this.violations.push(...reader.violations);
    for (const { label, readers, there, violations, publications } of this.#members) {
      this.violations.push(...violations);
      for (const each of [...readers.values(), ...there.values()]) this.violations.push(...each.violations);
      for (const { room, id, answer } of publications) {
        const stored = this.#stored.get(room) as Stored;
        if (answer === undefined || this.#mayBeLost(room, answer.position)) continue;
        const places = stored.placesOf(id);
        if (answer.position === undefined ? places.size === 0 : !places.has(answer.position))
          this.violations.push(
            `${label} was told that ${id} is at ${answer.position} in ${room}; it is at ${[...places]}, and there is ${stored.at(answer.position)}`,
          );
      }
    }
  }

  /** What was stored before the engine lost everything nobody may have seen; and of a room that keeps little, not everybody sees everything. */
  #mayBeLost(room: string, position: string | undefined): boolean {
    if (room !== "doc:1") return position === undefined || this.#stored.get(room)?.at(position) === undefined;
    const isAfter = position !== undefined && placeOf(position).epoch === this.#epochs.get(room);
    return this.fleet.hasLost && !isAfter;
  }
}

export async function playRooms(setup: RoomsSetup): Promise<RoomsOutcome> {
  const trial = new Trial(setup);
  try {
    await trial.run();
  } finally {
    await trial.end();
  }
  const { violations, totals, fleet } = trial;
  return { violations, strokes: fleet.strokes, totals };
}
