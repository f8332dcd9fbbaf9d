import { Random } from "../fuzz/random.js";

// What strikes whom and when. All of it is drawn from the seed, by the number of a client, of its connection, or of a slot of time;
// nothing depends on what happened before. So the schedule comes again with its seed, whatever the network makes of it.

/** Which way bytes go. */
export type Way = "up" | "down";
/** How a connection ends: with a FIN, or with a RST. */
export type Ending = "fin" | "rst";

/** One blow at a connection, so many ms after it was accepted. */
export type Blow = { readonly atMs: number } & (
  | { readonly kind: "cut"; readonly how: Ending }
  /** A FIN to one side; what that side sends still passes. */
  | { readonly kind: "half-close"; readonly way: Way }
  /** Accepts and passes nothing on for a while. */
  | { readonly kind: "freeze"; readonly forMs: number; readonly ends: Ending | "thaw" }
  /** What comes from now on arrives later. */
  | { readonly kind: "delay"; readonly way: Way; readonly ms: number }
  /** What comes is held until another connection of this client has carried something, or until `forMs` have passed. */
  | { readonly kind: "hold"; readonly forMs: number }
  /** Of the next chunk a part passes, and then nothing more. */
  | { readonly kind: "truncate"; readonly way: Way; readonly share: number; readonly how: Ending }
);

/** An HTTP request that reaches the server twice. */
export interface Repeat {
  /** Whose answer the client gets: that to the first, or that to the second. */
  readonly answer: "first" | "second";
  /** When the second is sent, after the first, if the client gets the answer to the first. */
  readonly afterMs: number;
}

/** What will happen to one connection. */
export interface Plan {
  readonly blows: readonly Blow[];
  /** Whether its request with this number is repeated, and how. */
  repeat(request: number): Repeat | undefined;
}

/** A time in which no connection gets through. */
export interface Outage {
  readonly atMs: number;
  readonly forMs: number;
  /** Connections are refused and cut, or they are accepted and nothing passes. */
  readonly manner: "refuse" | "swallow";
}

export const FAULTS = [
  "cut",
  "half-close",
  "freeze",
  "delay",
  "hold",
  "truncate",
  "repeat",
  "outage",
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** In each slot there may be one outage. */
export const SLOT_MS = 8000;
const OUTAGE_MS = 2000;
/** Of slots, how many have one: for one client, and for all. */
const OUTAGES = { one: 0.2, all: 0.25 } as const;
/** Of connections, how many are struck while they open; many requests are over by the time of a later blow. */
const EARLY = 0.06;
/** Of requests. */
const REPEATED = 0.05;
const MOST_BLOWS = 12;

const BLOWS = ["cut", "cut", "half-close", "freeze", "delay", "hold", "truncate", "truncate"] as const;
const ENDS: ReadonlySet<string> = new Set(["cut", "half-close", "truncate"]);
const WAYS = ["up", "down"] as const;
const ENDINGS = ["fin", "rst"] as const;

/** Who decides what happens. */
export interface Fate {
  /** What happens to the connection with this number among those of this client. */
  plan(client: number, connection: number): Plan;
  /** The outage that begins in this slot, for one client; without a client, for all at once. */
  outage(slot: number, client?: number): Outage | undefined;
}

/** The schedule of one seed. */
export class Schedule implements Fate {
  constructor(
    readonly seed: number,
    readonly kinds: ReadonlySet<FaultKind> = new Set(FAULTS),
  ) {}

  plan(client: number, connection: number): Plan {
    const random = stream(this.seed, client, connection, 1);
    const blows: Blow[] = [];
    let atMs = random.chance(EARLY) ? random.below(40) : 300 + random.below(3000);
    for (let count = 0; count < MOST_BLOWS; count++) {
      const blow = blowAt(atMs, random);
      // Drawn all the same, so that the others are what they are with every kind.
      if (this.kinds.has(blow.kind)) blows.push(blow);
      if (this.kinds.has(blow.kind) && ENDS.has(blow.kind)) break;
      atMs += 200 + random.below(2500);
    }
    return {
      blows,
      repeat: (request) => this.#repeat(stream(this.seed, client, connection, 1000 + request)),
    };
  }

  #repeat(random: Random): Repeat | undefined {
    if (!random.chance(REPEATED) || !this.kinds.has("repeat")) return undefined;
    const answer = random.pick(["first", "second"] as const);
    return { answer, afterMs: random.chance(0.3) ? 0 : random.below(120) };
  }

  outage(slot: number, client?: number): Outage | undefined {
    const random = stream(this.seed, client ?? -1, slot, 3);
    if (!this.kinds.has("outage")) return undefined;
    if (!random.chance(client === undefined ? OUTAGES.all : OUTAGES.one)) return undefined;
    const atMs = random.below(SLOT_MS - OUTAGE_MS);
    return { atMs, forMs: OUTAGE_MS, manner: random.pick(["refuse", "swallow"] as const) };
  }
}

/** A generator of its own for each pair of numbers and each purpose. */
export function stream(seed: number, a: number, b: number, purpose: number): Random {
  const mixed =
    seed ^ Math.imul(a + 2, 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35) ^ Math.imul(purpose, 0x27d4eb2f);
  // One step more, so that neighbours do not begin alike.
  return new Random(new Random(mixed).next());
}

function blowAt(atMs: number, random: Random): Blow {
  const kind = random.pick(BLOWS);
  const [way, how, length, share] = [
    random.pick(WAYS),
    random.pick(ENDINGS),
    random.below(1000),
    random.below(1000) / 1000,
  ];
  switch (kind) {
    case "cut":
      return { kind, atMs, how };
    case "half-close":
      return { kind, atMs, way };
    case "freeze":
      // Up to 6 s: longer than a heartbeat of the trials takes to be missed.
      return { kind, atMs, forMs: 100 + 6 * length, ends: random.chance(0.5) ? "thaw" : how };
    case "delay":
      return { kind, atMs, way, ms: 5 + Math.floor(length / 4) };
    case "hold":
      return { kind, atMs, forMs: 50 + length };
    case "truncate":
      return { kind, atMs, way, share, how };
  }
}
