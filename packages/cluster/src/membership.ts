/** `up` and `draining` are live. A node is suspect after {@link SUSPECT_MS} of silence, down after {@link DOWN_MS}. */
export type NodeState = "up" | "draining" | "suspect" | "down";

/** What a node says of itself when it comes. */
export interface NodeFacts {
  /** New at each start. */
  readonly id: string;
  /** The last four characters of the ids of its sessions and sockets. */
  readonly tag: string;
  /** For people. */
  readonly name: string;
  /** Where its internal listener is; none if nodes cannot reach it. */
  readonly address: string | undefined;
  /** With it requests to its internal listener are signed. */
  readonly key: string;
}

/** What it says again and again. */
export interface NodeLoad {
  readonly sessions: number;
  readonly draining: boolean;
}

/** One node of the cluster, as another one sees it. A snapshot. */
export interface Member extends NodeFacts, NodeLoad {
  readonly state: NodeState;
}

/** What has happened to a node. */
export type Change = "joined" | "suspected" | "lost" | "returned" | "left";

export interface Changed {
  readonly change: Change;
  readonly member: Member;
}

/** Milliseconds of silence after which a node is not waited for any more. */
export const SUSPECT_MS = 5_000;
/** After which it is taken to be dead. */
export const DOWN_MS = 10_000;
/** After which it is forgotten. */
export const FORGET_MS = 60_000;
/** A process that looks so much later than it wanted to has stood still, and what it has not heard says nothing. */
const STOOD_STILL_MS = 2_500;

interface Entry {
  facts: NodeFacts;
  load: NodeLoad;
  heardAt: number;
  state: NodeState;
  /** Nobody listens there any more: it is more than silent. */
  isCut: boolean;
  /** As it was shown last. */
  last: (Pick<Entry, "facts" | "load" | "state"> & { readonly member: Member }) | undefined;
}

/** The other nodes, by what was heard of them and when. It owns no clock: the caller says what time it is. */
export class Membership {
  readonly #entries = new Map<string, Entry>();
  readonly #byTag = new Map<string, Entry>();
  #lookedAt: number | undefined = undefined;

  get size(): number {
    return this.#entries.size;
  }

  all(): Member[] {
    return [...this.#entries.values()].map(shown);
  }

  get(id: string): Member | undefined {
    const entry = this.#entries.get(id);
    return entry && shown(entry);
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** The live node that has this tag. Tags come out of strangers' ids: only a `Map` may be asked. */
  byTag(tag: string): Member | undefined {
    const entry = this.#byTag.get(tag);
    return entry && isLive(entry.state) ? shown(entry) : undefined;
  }

  /** The same, whether it lives or not: one that is only slow must not miss what is for its sockets. */
  ownerOf(tag: string): string | undefined {
    return this.#byTag.get(tag)?.facts.id;
  }

  /**
   * Is a request of a session that a node has worth passing on to it? To a live one it is, and to one whose silence says nothing, since this
   * node could not hear.
   *
   * @param hearsSince when this node began to hear; `undefined`: it does not hear now
   */
  mayAnswer(id: string, hearsSince: number | undefined, now: number): boolean {
    const entry = this.#entries.get(id);
    if (!entry || isLive(entry.state)) return entry !== undefined;
    return !entry.isCut && (hearsSince === undefined || now - hearsSince < SUSPECT_MS);
  }

  /** Ids of those that answer, as far as is known. */
  live(): string[] {
    return [...this.#entries].filter(([, { state }]) => isLive(state)).map(([id]) => id);
  }

  /** A node has said who it is. */
  introduced(facts: NodeFacts, load: NodeLoad, now: number): Changed | undefined {
    const known = this.#entries.get(facts.id);
    if (known) {
      this.#forgetTag(known);
      known.facts = facts;
      this.#byTag.set(facts.tag, known);
      return this.heard(facts.id, load, now);
    }
    const entry: Entry = {
      facts,
      load,
      heardAt: now,
      state: load.draining ? "draining" : "up",
      isCut: false,
      last: undefined,
    };
    this.#entries.set(facts.id, entry);
    this.#byTag.set(facts.tag, entry);
    return { change: "joined", member: shown(entry) };
  }

  /** A node lives. Of one that is not known nothing follows. */
  heard(id: string, load: NodeLoad | undefined, now: number): Changed | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    const was = entry.state;
    entry.heardAt = now;
    entry.isCut = false;
    entry.load = load ?? entry.load;
    entry.state = entry.load.draining ? "draining" : "up";
    return isLive(was) ? undefined : { change: "returned", member: shown(entry) };
  }

  /** A link to it broke, and nobody listens there: it is not waited for until it is heard again. */
  suspect(id: string): Changed | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    entry.isCut = true;
    if (!isLive(entry.state)) return undefined;
    entry.state = "suspect";
    return { change: "suspected", member: shown(entry) };
  }

  /** It has said goodbye. */
  left(id: string): Changed | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#forget(id, entry);
    return { change: "left", member: { ...shown(entry), state: "down" } };
  }

  /** What follows from time alone. */
  look(now: number, intervalMs: number): Changed[] {
    const late = this.#lookedAt === undefined ? 0 : now - this.#lookedAt - intervalMs;
    this.#lookedAt = now;
    const changes: Changed[] = [];
    for (const [id, entry] of this.#entries) {
      if (late > STOOD_STILL_MS) entry.heardAt += late;
      const change = this.#age(id, entry, now - entry.heardAt);
      if (change) changes.push({ change, member: shown(entry) });
    }
    return changes;
  }

  #age(id: string, entry: Entry, silentMs: number): Change | undefined {
    if (silentMs >= FORGET_MS) this.#forget(id, entry);
    if (entry.state !== "down" && silentMs >= DOWN_MS) {
      entry.state = "down";
      return "lost";
    }
    if (isLive(entry.state) && silentMs >= SUSPECT_MS) {
      entry.state = "suspect";
      return "suspected";
    }
    return undefined;
  }

  #forget(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#forgetTag(entry);
  }

  #forgetTag(entry: Entry): void {
    if (this.#byTag.get(entry.facts.tag) === entry) this.#byTag.delete(entry.facts.tag);
  }
}

function isLive(state: NodeState): boolean {
  return state === "up" || state === "draining";
}

/** One object until something changes: each request that is passed on asks for it. */
function shown(entry: Entry): Member {
  const { facts, load, state, last } = entry;
  if (last?.facts === facts && last.load === load && last.state === state) return last.member;
  const member = { ...facts, ...load, state };
  entry.last = { facts, load, state, member };
  return member;
}
