import type { Presence, PresenceChange } from "../presence-list.js";

type Change = { -readonly [K in keyof PresenceChange]: [...PresenceChange[K]] };

/** Who is in a room, as the app was told. What the server says becomes what has changed since. Pure. */
export class Roster {
  readonly #members = new Map<string, Presence>();
  /** Who was seen since the list is being read again. */
  #seen: Set<string> | undefined;

  /** In the order of their keys. */
  get members(): readonly Presence[] {
    return [...this.#members.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  clear(): void {
    this.#members.clear();
    this.#seen = undefined;
  }

  /** The list is read again: a member that is on no page has left. */
  begin(): void {
    this.#seen = new Set();
  }

  page(members: readonly Presence[]): PresenceChange | undefined {
    return this.apply({ joined: members, updated: [], away: [], left: [] });
  }

  end(): PresenceChange | undefined {
    const seen = this.#seen;
    this.#seen = undefined;
    const left = [...this.#members.keys()].filter((key) => seen?.has(key) === false);
    return this.apply({ joined: [], updated: [], away: [], left });
  }

  /** @returns what of it is new; `undefined`: nothing */
  apply({ joined, updated, away, left }: PresenceChange): PresenceChange | undefined {
    const change: Change = { joined: [], updated: [], away: [], left: [] };
    for (const member of [...joined, ...updated]) this.#put(member, change);
    for (const key of away) {
      const known = this.#members.get(key);
      if (known) this.#put({ ...known, state: "away" }, change);
    }
    for (const key of left) if (this.#members.delete(key)) change.left.push(key);
    const { joined: j, updated: u, away: a, left: l } = change;
    return j.length + u.length + a.length + l.length > 0 ? change : undefined;
  }

  #put(member: Presence, change: Change): void {
    const { key, value, state } = member;
    const known = this.#members.get(key);
    this.#members.set(key, member);
    this.#seen?.add(key);
    if (known === undefined) change.joined.push(member);
    else if (JSON.stringify(known.value) !== JSON.stringify(value)) change.updated.push(member);
    else if (known.state !== state) {
      if (state === "away") change.away.push(key);
      else change.updated.push(member);
    }
  }
}
