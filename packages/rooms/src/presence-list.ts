/** Somebody in a room, as others see it. */
export interface Presence {
  /** Who it is: what the rule says of the socket. All sockets of one key are one. */
  readonly key: string;
  /** What was set last, by any of its sockets. */
  readonly value: unknown;
  /** `away`: all its connections are broken, and may come back. */
  readonly state: "here" | "away";
}

/** What has changed since it was told last. An update is an update, never somebody who leaves and joins. */
export interface PresenceChange {
  readonly joined: readonly Presence[];
  readonly updated: readonly Presence[];
  readonly away: readonly string[];
  readonly left: readonly string[];
}

interface Tab {
  value: unknown;
  away: boolean;
  /** Which of the tabs was set last has the highest number. */
  turn: number;
}

/** Who is in one room. Pure. */
export class PresenceList {
  /** By key, and by socket in it. */
  readonly #tabs = new Map<string, Map<string, Tab>>();
  readonly #keys = new Map<string, string>();
  /** How those whose changes were not told yet were before. */
  readonly #before = new Map<string, Presence | undefined>();
  #turn = 0;

  /** How many there are. */
  get count(): number {
    return this.#tabs.size;
  }

  get changed(): boolean {
    return this.#before.size > 0;
  }

  set(socket: string, key: string, value: unknown): void {
    if (this.#keys.get(socket) !== key) this.remove(socket);
    this.#touch(key);
    let tabs = this.#tabs.get(key);
    if (tabs === undefined) {
      tabs = new Map();
      this.#tabs.set(key, tabs);
    }
    this.#keys.set(socket, key);
    tabs.set(socket, { value, away: tabs.get(socket)?.away ?? false, turn: ++this.#turn });
  }

  /** Its connection broke, or is back. */
  setAway(socket: string, away: boolean): void {
    const key = this.#keys.get(socket);
    const tab = key === undefined ? undefined : this.#tabs.get(key)?.get(socket);
    if (key === undefined || tab === undefined || tab.away === away) return;
    this.#touch(key);
    tab.away = away;
  }

  remove(socket: string): void {
    const key = this.#keys.get(socket);
    if (key === undefined) return;
    this.#touch(key);
    this.#keys.delete(socket);
    const tabs = this.#tabs.get(key);
    tabs?.delete(socket);
    if (tabs?.size === 0) this.#tabs.delete(key);
  }

  /** @param after left out: from the beginning */
  page(limit: number, after?: string): readonly Presence[] {
    const keys = [...this.#tabs.keys()].sort();
    const from = after === undefined ? 0 : keys.findIndex((key) => key > after);
    if (from === -1) return [];
    return keys.slice(from, from + limit).flatMap((key) => this.#show(key) ?? []);
  }

  /** What has changed since this was asked last; `undefined`: nothing that anybody could see. */
  takeChange(): PresenceChange | undefined {
    const joined: Presence[] = [];
    const updated: Presence[] = [];
    const away: string[] = [];
    const left: string[] = [];
    for (const [key, before] of this.#before) {
      const now = this.#show(key);
      if (before === undefined) {
        if (now !== undefined) joined.push(now);
      } else if (now === undefined) left.push(key);
      else if (now.value !== before.value || (before.state === "away" && now.state === "here"))
        updated.push(now);
      else if (now.state !== before.state) away.push(key);
    }
    this.#before.clear();
    return joined.length + updated.length + away.length + left.length === 0
      ? undefined
      : { joined, updated, away, left };
  }

  #touch(key: string): void {
    if (!this.#before.has(key)) this.#before.set(key, this.#show(key));
  }

  #show(key: string): Presence | undefined {
    const tabs = this.#tabs.get(key);
    if (tabs === undefined) return undefined;
    let newest: Tab | undefined;
    let away = true;
    for (const tab of tabs.values()) {
      away &&= tab.away;
      if (newest === undefined || tab.turn > newest.turn) newest = tab;
    }
    return { key, value: newest?.value, state: away ? "away" : "here" };
  }
}
