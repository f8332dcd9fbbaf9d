// Who follows the rooms of a trial: our client, a client of npm by the reserved events of PROTOCOL.md, and a reader over plain HTTP.
import { io as ours } from "@sockeye/client";
import { type Joined, type PresenceChange, type Room, type RoomEvent, rooms } from "@sockeye/rooms/client";
import { EventSource } from "eventsource";
import type { Socket } from "socket.io-client";
import { type ClientName, type ClientOptions, loadClient } from "../../support/servers.js";
import { placeOf, Reader, type Stored, There } from "./rooms-check.js";

export interface Publication {
  readonly id: string;
  readonly room: string;
  readonly args: readonly unknown[];
  /** Once it is known. */
  answer?: { readonly position: string | undefined; readonly repeated: boolean; readonly at: number };
  refused?: string;
}

export interface MemberSetup {
  readonly label: string;
  readonly url: string;
  /** Whose tab it is. */
  readonly person: string;
  readonly options: ClientOptions;
  readonly stored: ReadonlyMap<string, Stored>;
}

export interface Member {
  readonly label: string;
  readonly person: string;
  readonly readers: ReadonlyMap<string, Reader>;
  readonly there: ReadonlyMap<string, There>;
  readonly publications: Publication[];
  readonly violations: string[];
  /** What it shows of itself, if anything. */
  readonly shown: unknown;
  /** Is it in all rooms? */
  readonly isIn: boolean;
  show(value: unknown): void;
  publish(publication: Publication): void;
  /** The page is loaded again: it goes on from the position that it had, and tries again what was not answered. */
  reload?(): void;
  end(): void;
}

const AGAIN_MS = 300;
const ANSWER_MS = 3_000;
const FIRST = "last:5";

/** Those of {@link Member.publications} that have no answer yet. */
export function unanswered({ publications }: Pick<Member, "publications">): Publication[] {
  return publications.filter(({ answer, refused }) => answer === undefined && refused === undefined);
}

function readersOf({ label, stored }: MemberSetup): Map<string, Reader> {
  return new Map([...stored].map(([room, all]) => [room, new Reader(`${label} in ${room}`, all)]));
}

/** A client of ours, with `extend: [rooms]`. */
export class OwnMember implements Member {
  readonly label: string;
  readonly person: string;
  readonly readers: Map<string, Reader>;
  readonly there = new Map<string, There>();
  readonly publications: Publication[] = [];
  readonly violations: string[] = [];
  shown: unknown;
  readonly #setup: MemberSetup;
  #rooms = new Map<string, Room>();
  #close: () => void = () => {};
  #isOver = false;

  constructor(setup: MemberSetup) {
    this.#setup = setup;
    this.label = setup.label;
    this.person = setup.person;
    this.readers = readersOf(setup);
    this.#open();
  }

  get isIn(): boolean {
    return [...this.#rooms.values()].every(({ joined }) => joined);
  }

  room(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  show(value: unknown): void {
    this.shown = value;
    for (const room of this.#rooms.values()) this.#show(room);
  }

  publish(publication: Publication): void {
    this.publications.push(publication);
    this.#publish(publication);
  }

  reload(): void {
    this.#close();
    this.#open();
    for (const publication of unanswered(this)) this.#publish(publication);
  }

  end(): void {
    this.#isOver = true;
    this.#close();
  }

  #open(): void {
    const { url, options, person } = this.#setup;
    const socket = ours(url, { ...(options as object), auth: { person }, extend: [rooms] });
    this.#close = () => void socket.disconnect();
    this.#rooms = new Map([...this.readers.keys()].map((name) => [name, socket.room(name) as Room]));
    for (const [name, room] of this.#rooms) this.#follow(name, room);
  }

  #follow(name: string, room: Room): void {
    const reader = this.readers.get(name) as Reader;
    const there = new There(`${this.label} in ${name}`, true);
    this.there.set(name, there);
    room.onJoin((joined) => reader.joined(joined));
    room.onEvent((event) => reader.got(event));
    room.presence.on("change", there.apply);
    room.onPutOut((error) => {
      if (error === undefined) this.violations.push(`${this.label} is put out of ${name}`);
      this.#join(room);
    });
    this.violations.push(...there.violations);
    this.#join(room);
  }

  /** What could not be had for a while is asked for again. */
  #join(room: Room): void {
    const reader = this.readers.get(room.name) as Reader;
    this.there.get(room.name)?.clear();
    if (reader.position === undefined) reader.restart();
    room.join({ since: reader.position ?? FIRST }).then(
      () => this.#show(room),
      () => this.#later(room, () => this.#join(room)),
    );
  }

  #show(room: Room): void {
    const { shown } = this;
    const done = shown === undefined ? room.presence.clear() : room.presence.set(shown);
    done.catch(() =>
      this.#later(room, () => {
        if (this.shown === shown && room.joined) this.#show(room);
      }),
    );
  }

  #publish(publication: Publication): void {
    const { room, args, id } = publication;
    const answered = this.#rooms.get(room)?.publish("told", args as [], { id });
    answered?.then(
      ({ position, repeated }) => {
        publication.answer ??= { position, repeated, at: Date.now() };
      },
      (error: unknown) => {
        publication.refused ??= String((error as { readonly code?: unknown }).code);
      },
    );
  }

  #later(room: Room, act: () => void): void {
    setTimeout(() => {
      if (!this.#isOver && this.#rooms.get(room.name) === room) act();
    }, AGAIN_MS);
  }
}

/** How a stock client stands in a room. */
interface Standing {
  phase: "out" | "joining" | "in";
  /** Which of its joins counts. */
  turn: number;
  /** It was in the room when it asked: what came live meanwhile may be before what it has asked for. */
  wasIn: boolean;
  held: RoomEvent[];
}

type Fields = Readonly<Record<string, unknown>>;

/** A client of npm that knows nothing of rooms but PROTOCOL.md. */
export class StockMember implements Member {
  readonly label: string;
  readonly person: string;
  readonly readers: Map<string, Reader>;
  readonly there: Map<string, There>;
  readonly publications: Publication[] = [];
  readonly violations: string[] = [];
  shown: unknown;
  readonly #socket: Socket;
  readonly #standings: Map<string, Standing>;
  #isOver = false;

  private constructor(setup: MemberSetup, socket: Socket) {
    this.label = setup.label;
    this.person = setup.person;
    this.readers = readersOf(setup);
    const names = [...this.readers.keys()];
    this.there = new Map(names.map((name) => [name, new There(`${this.label} in ${name}`, false)]));
    this.#standings = new Map(names.map((name) => [name, { phase: "out", turn: 0, wasIn: false, held: [] }]));
    this.#socket = socket;
    socket.on("sockeye:event", (event: RoomEvent & { readonly room: string }) =>
      this.#got(event.room, event),
    );
    socket.on("sockeye:presence", (change: PresenceChange & { readonly room: string }) =>
      this.there.get(change.room)?.apply(change),
    );
    socket.on("sockeye:left", ({ room }: Fields) =>
      this.violations.push(`${this.label} is put out of ${room}`),
    );
    socket.on("connect", () => {
      for (const name of names) {
        // With its rooms: events come before it has asked for any.
        (this.#standings.get(name) as Standing).wasIn = socket.recovered === true;
        this.#join(name);
      }
      for (const publication of unanswered(this)) this.#publish(publication);
    });
    socket.on("disconnect", () => {
      for (const standing of this.#standings.values())
        Object.assign(standing, { phase: "out", turn: standing.turn + 1 });
    });
  }

  static async enter(name: Exclude<ClientName, "sockeye">, setup: MemberSetup): Promise<StockMember> {
    const { io } = await loadClient(name);
    const { url, options, person } = setup;
    return new StockMember(setup, io(url, { ...options, auth: { person } }) as Socket);
  }

  get isIn(): boolean {
    return [...this.#standings.values()].every(({ phase }) => phase === "in");
  }

  show(value: unknown): void {
    this.shown = value;
    for (const [room, { phase }] of this.#standings) if (phase === "in") this.#show(room);
  }

  publish(publication: Publication): void {
    this.publications.push(publication);
    if (this.#socket.connected) this.#publish(publication);
  }

  end(): void {
    this.#isOver = true;
    this.#socket.disconnect();
  }

  #join(room: string): void {
    const standing = this.#standings.get(room) as Standing;
    const reader = this.readers.get(room) as Reader;
    const turn = ++standing.turn;
    const wasIn = standing.phase === "in" || standing.wasIn;
    Object.assign(standing, { phase: "joining", wasIn, held: [] });
    this.#ask("sockeye:join", { room, since: reader.position ?? FIRST }, (answer) => {
      if (turn !== standing.turn) return;
      if (answer["room"] !== room) {
        // The engine is away, or nobody has answered.
        setTimeout(() => turn === standing.turn && this.#socket.connected && this.#join(room), AGAIN_MS);
        standing.wasIn = true;
        return;
      }
      standing.phase = "in";
      const position = `${answer["position"]}`;
      // What came before the answer is shown behind it: now it is known whether something is missing.
      let last = reader.position;
      reader.joined({ complete: answer["complete"] === true, position });
      const held = standing.held.splice(0);
      if (standing.wasIn) held.sort(byNumber(position));
      for (const event of held) {
        if (isOld(event, last)) continue;
        reader.got(event);
        last = event.position;
      }
      reader.stands(position);
      this.there.get(room)?.clear();
      this.there.get(room)?.apply({ joined: answer["members"], updated: [], away: [], left: [] } as never);
      this.#show(room);
    });
  }

  #got(room: string, event: RoomEvent): void {
    const standing = this.#standings.get(room) as Standing;
    const reader = this.readers.get(room) as Reader;
    if (standing.phase === "joining") standing.held.push(event);
    if (standing.phase !== "in" || isOld(event, reader.position)) return;
    const at = placeOf(event.position);
    const last = placeOf(reader.position ?? event.position);
    // Numbers grow by one: what was left out can be asked for.
    if (at.epoch !== last.epoch || at.number > last.number + 1) this.#join(room);
    else reader.got(event);
  }

  #show(room: string): void {
    const { shown } = this;
    const request = shown === undefined ? { room, clear: true } : { room, set: shown };
    this.#ask("sockeye:presence", request, (answer) => {
      if (answer["room"] === room || this.shown !== shown) return;
      setTimeout(
        () => this.shown === shown && this.#standings.get(room)?.phase === "in" && this.#show(room),
        AGAIN_MS,
      );
    });
  }

  #publish(publication: Publication): void {
    const { room, args, id } = publication;
    this.#ask("sockeye:publish", { room, event: "told", args, id }, ({ position, repeated, ...answer }) => {
      if (publication.answer !== undefined || publication.refused !== undefined) return;
      if (answer["room"] === room)
        publication.answer = {
          position: position as string | undefined,
          repeated: repeated === true,
          at: Date.now(),
        };
      else if (answer["code"] !== undefined) publication.refused = String(answer["code"]);
      else if (this.#socket.connected) this.#publish(publication);
    });
  }

  /** @param done gets the answer, the `code` of a refusal, or nothing if none came in time */
  #ask(event: string, argument: object, done: (answer: Fields) => void): void {
    let isOpen = true;
    const once = (answer: Fields): void => {
      if (isOpen && !this.#isOver) done(answer);
      isOpen = false;
      clearTimeout(timer);
    };
    const timer = setTimeout(() => once({}), ANSWER_MS);
    this.#socket.emit(event, argument, (answer: Fields | null, refusal?: { readonly $error: Fields }) =>
      once(answer ?? { code: refusal?.$error["code"] }),
    );
  }
}

/** Those of another epoch than that of the position come first. */
function byNumber(position: string): (one: RoomEvent, other: RoomEvent) => number {
  const { epoch } = placeOf(position);
  const rank = (event: RoomEvent): number => {
    const at = placeOf(event.position);
    return at.epoch === epoch ? at.number : -1;
  };
  return (one, other) => rank(one) - rank(other);
}

/** An event may come twice while a client joins. */
function isOld({ position }: RoomEvent, seen: string | undefined): boolean {
  const [at, last] = [placeOf(position), placeOf(seen ?? "")];
  return at.epoch === last.epoch && at.number <= last.number;
}

/** Reads a room as `text/event-stream`. */
export class PageReader {
  readonly room: string;
  readonly reader: Reader;
  readonly #url: string;
  #source: EventSource | undefined;
  #isOver = false;

  constructor(url: string, room: string, stored: Stored) {
    this.room = room;
    this.reader = new Reader(`reader of ${room}`, stored);
    this.#url = `${url}/socket.io/rooms/${encodeURIComponent(room)}`;
    this.#open();
  }

  end(): void {
    this.#isOver = true;
    this.#source?.close();
  }

  #open(): void {
    const { reader } = this;
    if (this.#isOver) return;
    const source = new EventSource(`${this.#url}?since=${reader.position ?? FIRST}`);
    this.#source = source;
    source.addEventListener("joined", ({ data }) => {
      reader.joined(JSON.parse(data) as Joined);
    });
    source.addEventListener("message", ({ data }) => reader.got(JSON.parse(data) as RoomEvent));
    source.addEventListener("error", () => {
      if (source.readyState === source.CLOSED) setTimeout(() => this.#open(), AGAIN_MS);
    });
  }
}
