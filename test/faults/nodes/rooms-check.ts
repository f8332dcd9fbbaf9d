import type { Joined, PresenceChange, RoomEvent } from "@sockeye/rooms/client";

// What must be true of what clients got of rooms that remember.
//
// 1. A position is one event, whoever tells of it.
// 2. In each life of a log, an epoch, a publication is there once at most, and what a node has said is there once and in its order.
// 3. A reader gets each number once, and in order. None is left out, and no epoch begins, unless it was told `complete: false` before.
// 4. What a publisher was answered is true: at that position is what it has published.

export interface Place {
  readonly epoch: string;
  readonly number: number;
}

export function placeOf(position: string): Place {
  const [epoch = "", digits = ""] = position.split(".");
  return { epoch, number: Number.parseInt(digits, 36) };
}

/** All that anybody has seen of one room. */
export class Stored {
  readonly violations: string[] = [];
  /** By epoch and number; what an event is as text. */
  readonly epochs = new Map<string, Map<number, string>>();
  /** By publication, the positions at which it stands. */
  readonly #ids = new Map<string, Set<string>>();

  /** @param by who has seen it */
  note({ position, event, args, id, from }: RoomEvent, by: string): void {
    const { epoch, number } = placeOf(position);
    const numbers = this.epochs.get(epoch) ?? new Map<number, string>();
    this.epochs.set(epoch, numbers);
    const text = JSON.stringify([event, args, id, from]);
    const known = numbers.get(number);
    if (known === undefined) numbers.set(number, text);
    else if (known !== text) this.violations.push(`${by}: ${position} is ${text}, and was ${known}`);
    if (id === undefined) return;
    const places = this.#ids.get(id) ?? new Set();
    this.#ids.set(id, places.add(position));
  }

  /** Where a publication stands. */
  placesOf(id: string): ReadonlySet<string> {
    return this.#ids.get(id) ?? new Set();
  }

  /** What stands at a position, if anybody has seen it. */
  at(position: string | undefined): string | undefined {
    const { epoch, number } = placeOf(position ?? "");
    return this.epochs.get(epoch)?.get(number);
  }

  /** What must not be. @param room its name @param mayLose an epoch may begin with what is left of another one */
  check(room: string, { mayLose = false }: { readonly mayLose?: boolean } = {}): string[] {
    const found = [...this.violations];
    for (const [id, positions] of this.#ids) {
      const epochs = [...positions].map((position) => placeOf(position).epoch);
      if (new Set(epochs).size < epochs.length)
        found.push(`${room}: ${id} is stored at ${[...positions].join(" and ")}`);
    }
    for (const [epoch, numbers] of this.epochs)
      found.push(...checkSenders(`${room}: at ${epoch}`, numbers, mayLose));
    return found;
  }
}

/** What nodes say of themselves is counted: `[node, n]`. */
function checkSenders(where: string, numbers: ReadonlyMap<number, string>, mayLose: boolean): string[] {
  const found: string[] = [];
  const last = new Map<string, { readonly n: number; readonly number: number }>();
  /** Behind the last number that nobody has seen. */
  let hole = 0;
  let before = 0;
  for (const number of [...numbers.keys()].sort((one, other) => one - other)) {
    if (number > before + 1) hole = number - 1;
    before = number;
    const [event, args] = JSON.parse(`${numbers.get(number)}`) as [string, unknown[]];
    if (event !== "said") continue;
    const [sender, n] = args as [string, number];
    const known = last.get(sender);
    last.set(sender, { n, number });
    if (known === undefined || n === known.n + 1) continue;
    const text = `${where}.${number.toString(36)} is ${n} of ${sender}, after ${known.n}`;
    if (n <= known.n || (known.number > hole && !mayLose)) found.push(text);
  }
  return found;
}

/** What one client got of one room. */
export class Reader {
  readonly violations: string[] = [];
  readonly totals = { events: 0, joins: 0, incomplete: 0 };
  readonly #label: string;
  readonly #stored: Stored;
  #position: string | undefined;
  #before: Place | undefined;
  /** Up to where it was told that some are missing. */
  #told: Place | undefined;
  /** What came last, for who looks for a reason. */
  readonly #latest: string[] = [];
  /** The highest number of each epoch that it got. */
  readonly #highest = new Map<string, number>();

  constructor(label: string, stored: Stored) {
    this.#label = label;
    this.#stored = stored;
  }

  /** Behind the last that it got, or where it was told that it stands. */
  get position(): string | undefined {
    return this.#position;
  }

  /** It was told where it stands, behind all that came before. */
  stands(position: string): void {
    this.#position = position;
  }

  /** It begins anew with what it likes, and what it had may come again. */
  restart(): void {
    this.#before = undefined;
    this.#told = undefined;
    this.#highest.clear();
  }

  joined({ complete, position }: Joined): void {
    this.totals.joins += 1;
    this.#remember(`${complete ? "joined" : "joined, some are missing"} up to ${position}`);
    this.#position = position ?? this.#position;
    if (complete) return;
    this.totals.incomplete += 1;
    this.#before = undefined;
    this.#told = position === undefined ? undefined : placeOf(position);
  }

  got(event: RoomEvent): void {
    this.totals.events += 1;
    this.#stored.note(event, this.#label);
    this.#remember(event.position);
    const at = placeOf(event.position);
    const before = this.#before;
    this.#before = at;
    this.#position = event.position;
    const highest = this.#highest.get(at.epoch) ?? 0;
    const wrong = (what: string): void => {
      this.violations.push(`${this.#label}: ${what} (${this.#latest.join("; ")})`);
    };
    if (at.number <= highest) wrong(`had it, or one after it, up to ${highest}`);
    else this.#highest.set(at.epoch, at.number);
    if (before === undefined) return;
    if (at.epoch !== before.epoch) wrong("another epoch, and nothing was told");
    else {
      const known = this.#told?.epoch === at.epoch ? this.#told.number : 0;
      if (at.number - 1 > Math.max(before.number, known)) wrong("a hole");
    }
  }

  #remember(text: string): void {
    this.#latest.push(text);
    if (this.#latest.length > 5) this.#latest.shift();
  }
}

/** Who is in a room, as one client was told: first all, then what changes. */
export class There extends Map<string, { readonly value: unknown; readonly state: string }> {
  readonly violations: string[] = [];
  readonly #label: string;
  /** Must a change make sense of what was told before? */
  readonly #isStrict: boolean;

  constructor(label: string, isStrict: boolean) {
    super();
    this.#label = label;
    this.#isStrict = isStrict;
  }

  readonly apply = ({ joined, updated, away, left }: PresenceChange): void => {
    for (const { key, value, state } of joined) {
      this.#expect(!this.has(key), `${key} joins twice`);
      this.set(key, { value, state });
    }
    for (const { key, value, state } of updated) {
      this.#expect(this.has(key), `${key} changes, and was not there`);
      this.set(key, { value, state });
    }
    for (const key of away) {
      this.#expect(this.get(key)?.state === "here", `${key} goes away, and was not here`);
      this.set(key, { value: this.get(key)?.value, state: "away" });
    }
    for (const key of left) this.#expect(this.delete(key), `${key} leaves, and was not there`);
  };

  #expect(isSo: boolean, text: string): void {
    if (!isSo && this.#isStrict) this.violations.push(`${this.#label}: ${text}`);
  }
}
