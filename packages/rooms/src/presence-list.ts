/** A member of a room, as others see it. */
export interface Presence {
  /** Who it is: what the rule says of the socket. All sockets of one key are one. */
  readonly key: string;
  /** What was set last, by any of its sockets. */
  readonly value: unknown;
  /** `away`: all its connections are broken, and may come back. */
  readonly state: "here" | "away";
}

/** What has changed since it was told last. An update is an update, never a member that leaves and joins. */
export interface PresenceChange {
  readonly joined: readonly Presence[];
  readonly updated: readonly Presence[];
  readonly away: readonly string[];
  readonly left: readonly string[];
}

/** What one socket shows. */
export interface Tab {
  readonly value: unknown;
  /** Of the value, as it is told. */
  readonly bytes: number;
  away: boolean;
  /** Which of the tabs was set last has the highest number; of equal ones that of the higher node counts. */
  readonly turn: number;
  /** Whose socket it is. */
  readonly node: string;
}

/** Who is in one room. Pure. */
export class PresenceList {
  /** By key, and by socket in it. */
  readonly #tabs = new Map<string, Map<string, Tab>>();
  /** In their order, so that a page costs what is on it: those who are there, and who was when changes were told last. */
  readonly #sorted: string[] = [];
  readonly #told: string[] = [];
  readonly #keys = new Map<string, string>();
  /** How those whose changes were not told yet were before. */
  readonly #before = new Map<string, Presence | undefined>();
  #turn = 0;
  #ownTabs = 0;
  /** Who writes what is {@link set}: on a cluster this node, by its time of day. */
  writer: { readonly node: string; now(): number } = { node: "", now: () => 0 };

  /** How many there are. */
  get count(): number {
    return this.#tabs.size;
  }

  get changed(): boolean {
    return this.#before.size > 0;
  }

  /** @param bytes of the value, as it is told */
  set(socket: string, key: string, value: unknown, bytes = 0): void {
    // Whatever was seen before is older, also where clocks differ.
    const turn = Math.max(this.#turn + 1, this.writer.now());
    this.put(socket, key, {
      value,
      bytes,
      away: this.tabOf(socket)?.away ?? false,
      turn,
      node: this.writer.node,
    });
  }

  /** What a socket shows, as its node says. */
  put(socket: string, key: string, tab: Tab): void {
    if (this.#keys.get(socket) !== key) this.remove(socket);
    this.#touch(key);
    let tabs = this.#tabs.get(key);
    if (tabs === undefined) {
      tabs = new Map();
      this.#tabs.set(key, tabs);
      this.#sorted.splice(indexBehind(this.#sorted, key), 0, key);
    }
    this.#keys.set(socket, key);
    if (!tabs.has(socket) && tab.node === this.writer.node) this.#ownTabs += 1;
    tabs.set(socket, tab);
    this.#turn = Math.max(this.#turn, tab.turn);
  }

  tabOf(socket: string): (Tab & { readonly key: string }) | undefined {
    const key = this.#keys.get(socket);
    const tab = key === undefined ? undefined : this.#tabs.get(key)?.get(socket);
    return key === undefined || tab === undefined ? undefined : { ...tab, key };
  }

  /** Is there a socket of this node? */
  get hasOwn(): boolean {
    return this.#ownTabs > 0;
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
    if (tabs?.get(socket)?.node === this.writer.node) this.#ownTabs -= 1;
    tabs?.delete(socket);
    if (tabs?.size !== 0) return;
    this.#tabs.delete(key);
    this.#sorted.splice(indexBehind(this.#sorted, key) - 1, 1);
  }

  /** How many there were when changes were told last. */
  get toldCount(): number {
    return this.#told.length;
  }

  /** A page of who was there when changes were told last: a client that reads this and hears the next change knows all. */
  toldPage(limit: number, after?: string): readonly Presence[] {
    const from = after === undefined ? 0 : indexBehind(this.#told, after);
    const page = this.#told.slice(from, from + limit);
    return page.flatMap((key) => (this.#before.has(key) ? this.#before.get(key) : this.#show(key)) ?? []);
  }

  /** @param after left out: from the beginning */
  page(limit: number, after?: string): readonly Presence[] {
    const from = after === undefined ? 0 : indexBehind(this.#sorted, after);
    return this.#sorted.slice(from, from + limit).flatMap((key) => this.#show(key) ?? []);
  }

  /** Bytes of the values of these, as they are told. */
  bytesOf(members: readonly Presence[]): number {
    return members.reduce((sum, { key }) => sum + key.length + (this.#newest(key)?.bytes ?? 0), 0);
  }

  /**
   * What has changed since this was asked last; `undefined`: nothing that anybody could see.
   *
   * @param most who are told of; the others are still {@link changed}
   */
  takeChange(most: number = Number.POSITIVE_INFINITY): PresenceChange | undefined {
    const joined: Presence[] = [];
    const updated: Presence[] = [];
    const away: string[] = [];
    const left: string[] = [];
    let told = 0;
    for (const [key, before] of this.#before) {
      if (++told > most) break;
      this.#before.delete(key);
      const now = this.#show(key);
      if (before === undefined) {
        if (now === undefined) continue;
        joined.push(now);
        this.#told.splice(indexBehind(this.#told, key), 0, key);
      } else if (now === undefined) {
        left.push(key);
        this.#told.splice(indexBehind(this.#told, key) - 1, 1);
      } else if (now.value !== before.value || (before.state === "away" && now.state === "here"))
        updated.push(now);
      else if (now.state !== before.state) away.push(key);
    }
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
    let away = true;
    for (const tab of tabs.values()) away &&= tab.away;
    return { key, value: this.#newest(key)?.value, state: away ? "away" : "here" };
  }

  #newest(key: string): Tab | undefined {
    let newest: Tab | undefined;
    for (const tab of this.#tabs.get(key)?.values() ?? [])
      if (
        newest === undefined ||
        tab.turn > newest.turn ||
        (tab.turn === newest.turn && tab.node > newest.node)
      )
        newest = tab;
    return newest;
  }
}

/** Where the first key stands that comes behind this one. */
function indexBehind(sorted: readonly string[], key: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] as string) > key) to = middle;
    else from = middle + 1;
  }
  return from;
}
