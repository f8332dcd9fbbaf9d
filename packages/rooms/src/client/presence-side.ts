import { OWN_EVENTS } from "@sockeye/protocol";
import type { ExtensionHost } from "@sockeye/socket";
import type { Presence, PresenceChange } from "../presence-list.js";
import { ask, isCut, send } from "./asking.js";
import type { Listeners } from "./listeners.js";
import { Roster } from "./roster.js";
import { countOf, type Fields, type Members, readChange, readMembers } from "./wire.js";

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Who is in a room, and what this client shows of itself: the machine behind a `RoomPresence`. */
export class PresenceSide {
  readonly #room: string;
  readonly #host: ExtensionHost;
  readonly #roster = new Roster();
  readonly changes: Listeners<[PresenceChange]>;
  count = 0;
  /** Is it in the room? */
  #isIn = false;
  /** Which reading of the list is under way. */
  #reading = 0;
  /** What it shows of itself. */
  #own: { readonly value: unknown } | undefined;
  /** Does the server not know it yet? */
  #isNew = false;
  /** Stands for the request that has no answer yet. */
  #underWay: object | undefined;
  #waiters: Waiter[] = [];

  constructor(room: string, host: ExtensionHost, changes: Listeners<[PresenceChange]>) {
    this.#room = room;
    this.#host = host;
    this.changes = changes;
  }

  get members(): readonly Presence[] {
    return this.#roster.members;
  }

  // ---- what it shows of itself

  set(value: unknown): Promise<void> {
    return this.#show({ value });
  }

  update(part: object): Promise<void> {
    const value = this.#own?.value;
    return this.#show({ value: typeof value === "object" ? { ...value, ...part } : part });
  }

  clear(): Promise<void> {
    return this.#show(undefined);
  }

  // ---- who is there

  watch(listener: (change: PresenceChange) => void): () => void {
    const isFirst = this.changes.size === 0;
    const stop = this.changes.add(listener);
    if (isFirst && this.#isIn) this.#readAnew(undefined);
    return stop;
  }

  list(after?: string): Promise<readonly Presence[]> {
    return this.#page(after).then(({ members, next }) =>
      next === undefined ? members : this.list(next).then((rest) => [...members, ...rest]),
    );
  }

  // ---- from the room

  joined(answer: Fields): void {
    this.#isIn = true;
    this.count = countOf(answer["count"]);
    if (this.changes.size > 0) this.#readAnew(readMembers(answer));
    this.#isNew = this.#own !== undefined;
    this.#underWay = undefined;
    this.#flush();
  }

  changed(fields: Fields): void {
    if (!this.#isIn) return;
    this.count = countOf(fields["count"]);
    if (this.changes.size > 0) this.#tell(this.#roster.apply(readChange(fields)));
  }

  /** The connection is gone. */
  disconnected(): void {
    this.#isIn = false;
    this.#reading++;
    this.#underWay = undefined;
  }

  /** It has left the room, was put out, or was not let in. @param error why, unless the app wished it */
  left(error: unknown): void {
    const wasShown = this.#own !== undefined;
    this.disconnected();
    this.#roster.clear();
    this.count = 0;
    this.#own = undefined;
    this.#isNew = false;
    // Who wanted to be hidden is.
    if (error && wasShown) this.#refuse(error);
    else this.#settle();
  }

  // ---- inside

  #show(own: { readonly value: unknown } | undefined): Promise<void> {
    this.#own = own;
    this.#isNew = true;
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#flush();
    });
  }

  /** One request at a time: of what changes faster than the server answers, the newest is sent. */
  #flush(): void {
    if (!this.#isIn || this.#underWay) return;
    if (!this.#isNew) {
      this.#settle();
      return;
    }
    this.#isNew = false;
    const own = this.#own;
    const underWay = {};
    this.#underWay = underWay;
    const request = { room: this.#room, ...(own ? { set: own.value } : { clear: true }) };
    send(this.#host, OWN_EVENTS.presence, request, (error) => {
      // What was cut off is said again with the next join.
      if (isCut(error) || this.#underWay !== underWay) return;
      this.#underWay = undefined;
      if (error && this.#own === own) {
        this.#own = undefined;
        this.#refuse(error);
      }
      this.#flush();
    });
  }

  #refuse(error: unknown): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  #settle(): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  /** @param first the first page, if it is there */
  #readAnew(first: Members | undefined): void {
    const reading = ++this.#reading;
    this.#roster.begin();
    const take = ({ members, next }: Members): void => {
      if (reading !== this.#reading) return;
      this.#tell(this.#roster.page(members));
      if (next === undefined) this.#tell(this.#roster.end());
      else this.#page(next).then(take, () => {});
    };
    if (first) take(first);
    else this.#page(undefined).then(take, () => {});
  }

  #page(after: string | undefined): Promise<Members> {
    const request = { room: this.#room, ...(after === undefined ? {} : { after }) };
    return ask(this.#host, OWN_EVENTS.presence, request).then(readMembers);
  }

  #tell(change: PresenceChange | undefined): void {
    if (change) this.changes.tell(change);
  }
}
