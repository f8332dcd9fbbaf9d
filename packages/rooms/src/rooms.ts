import type { BroadcastOptions, EventPacket, Timer } from "@sockeye/protocol";
import { isOwnEvent, OWN_EVENTS, PacketType, RESERVED_EVENTS } from "@sockeye/protocol";
import { DEFAULT_ROOM_LIMITS, type RoomLimits } from "./limits.js";
import { formatPosition, parsePosition } from "./position.js";
import { type Request, readRequest } from "./requests.js";
import { forbidden, RoomRefusal, tooMuch, unread } from "./room-error.js";
import type { LogEntry, Reading } from "./room-log.js";
import { type Kept, memberRoom, type RoomState, weigh } from "./room-state.js";
import { RoomStore } from "./room-store.js";
import type { RoomSocket, RoomsHost } from "./rooms-host.js";
import { type RoomAction, type RoomRule, type Rule, readRule } from "./rule.js";
import { RuleTable } from "./rule-table.js";
import type { Since } from "./since.js";
import { Visitor } from "./visitor.js";

/** An event of a room, as it is told to whoever asks for its history. */
export interface RoomEvent {
  readonly position: string;
  readonly event: string;
  readonly args: readonly unknown[];
  /** The name that its publisher gave it. */
  readonly id?: string;
  /** The socket that sent it, if one did. */
  readonly from?: string;
}

/** Where a page of history begins or ends. */
export interface HistoryOptions {
  /** The newest events before this position. */
  readonly before?: string | undefined;
  /** The oldest events after this position. */
  readonly after?: string | undefined;
  /** 50 unless it is said otherwise. */
  readonly limit?: number | undefined;
}

type Answer = (...args: unknown[]) => void;

/** Members who are told at once when somebody joins; the others are asked for page by page. */
const FIRST_MEMBERS = 100;

/** Answers of `authorize` that are kept for one socket; beyond that it is asked again. */
const MOST_GRANTS = 1000;

/** How long what is too old may stay after all, at most. */
const TRIM_MS = 60_000;

/** The rooms of one namespace that have a rule: their logs, who is there, and what clients ask of them. */
export class Rooms<S extends RoomSocket> {
  readonly #host: RoomsHost<S>;
  readonly #limits: RoomLimits;
  readonly #rules = new RuleTable<Rule<S>>();
  readonly #store: RoomStore<S>;
  readonly #visitors = new Map<string, Visitor>();
  /** Rooms of which nobody was told yet who came and went. */
  readonly #stirred = new Set<RoomState<S>>();
  #telling: Timer | undefined;
  #trimming: Timer | undefined;

  constructor(host: RoomsHost<S>, limits: Partial<RoomLimits> = {}) {
    this.#host = host;
    this.#limits = { ...DEFAULT_ROOM_LIMITS, ...limits };
    this.#store = new RoomStore(this.#limits, {
      now: () => host.clock.now(),
      makeEpoch: () => host.makeEpoch(),
      hasMembers: (room) => host.hasMembers(memberRoom(room)),
    });
  }

  /** @throws UsageError `ERR_BAD_OPTION` */
  declare(rooms: string | RegExp, rule: RoomRule<S>): void {
    this.#rules.add(rooms, readRule(rule));
  }

  get keptBytes(): number {
    return this.#store.bytes;
  }

  // ---- the way out

  /**
   * Sends an event, and keeps it in each of its rooms that keep events. Members by the room protocol get one envelope for each room, and not the
   * event itself.
   */
  broadcast(packet: EventPacket, options: BroadcastOptions, id?: string): void {
    const { rooms, except, flags } = options;
    const from = this.#senderOf(except);
    if (rooms.size === 0 || from === "others" || flags?.volatile === true || flags?.local === true) {
      this.#host.broadcast(packet, options);
      return;
    }
    const kept = [...rooms].flatMap((room) => this.#used(room) ?? []);
    if (kept.length === 0) {
      this.#host.broadcast(packet, options);
      return;
    }
    const envelopes = kept.map((state) => {
      const envelope = state.envelope(this.#host.name, packet.data, { id, from });
      return { state, envelope, encoded: this.#host.encode(envelope) };
    });
    for (const { state, envelope, encoded } of envelopes) {
      const at = this.#host.clock.now();
      const bytes = weigh(encoded);
      this.#store.change(state, () => state.log?.append({ packet: envelope, encoded }, { at, bytes, id }));
      if (state.log !== undefined) this.#trimLater();
    }
    const members = kept.map(({ name }) => memberRoom(name));
    this.#host.broadcast(packet, { ...options, except: new Set([...(except ?? []), ...members]) });
    envelopes.forEach(({ envelope }, at) => {
      const room = members[at] as string;
      if (this.#host.hasMembers(room)) this.#host.broadcast(envelope, { ...options, rooms: new Set([room]) });
    });
  }

  // ---- what the app asks

  position(room: string): string | undefined {
    return this.#used(room)?.position;
  }

  history(room: string, { before, after, limit = 50 }: HistoryOptions = {}): readonly RoomEvent[] {
    const state = this.#used(room);
    return state === undefined
      ? []
      : this.#page(state, { before, after, limit }).map((entry) => this.#show(entry));
  }

  clear(room: string): void {
    const state = this.#store.find(room);
    if (state !== undefined) this.#store.change(state, () => state.log?.clear());
  }

  presence(room: string): RoomState<S>["presence"] {
    return this.#used(room)?.presence;
  }

  /** What the socket was allowed there is asked again, and it is put out of the room. */
  revoke(room: string, socketId: string): void {
    const visitor = this.#visitors.get(socketId);
    for (const action of ACTIONS) visitor?.grants.delete(grantKey(action, room));
    if (visitor?.rooms.has(room)) void this.#host.socket(socketId)?.leave(room);
  }

  // ---- from the sockets

  /** The connection of a socket broke, or is back. */
  setAway(socketId: string, away: boolean): void {
    for (const room of this.#visitors.get(socketId)?.rooms ?? []) {
      const state = this.#store.find(room);
      state?.presence?.setAway(socketId, away);
      if (state !== undefined) this.#stir(state);
    }
  }

  /** A socket has left a room of the adapter, by its own wish or the server's. */
  left(room: string, socketId: string): void {
    const visitor = this.#visitors.get(socketId);
    if (!visitor?.rooms.delete(room)) return;
    this.#absent(room, socketId);
    const socket = this.#host.socket(socketId);
    if (socket === undefined) return;
    void socket.leave(memberRoom(room));
    this.#tell(socket, OWN_EVENTS.left, { room });
  }

  /** A socket is gone. */
  gone(socketId: string): void {
    const visitor = this.#visitors.get(socketId);
    this.#visitors.delete(socketId);
    for (const room of visitor?.rooms ?? []) this.#absent(room, socketId);
  }

  /** Answers an event of the room protocol. */
  request(socket: S, [name, argument, ack]: readonly unknown[]): void {
    const event = String(name);
    const answer: Answer = typeof ack === "function" ? (ack as Answer) : () => {};
    const refuse = (error: unknown): void => {
      const refusal =
        error instanceof RoomRefusal ? error : new RoomRefusal("ERR_INTERNAL", "Internal error");
      if (refusal !== error) this.#host.reportError(error, event);
      answer(null, { $error: { code: refusal.code, message: refusal.message } });
    };
    const request = readRequest(event, argument);
    if (request === undefined) refuse(unread());
    else this.#answer(socket, request).then(answer, refuse);
  }

  close(): void {
    for (const timer of [this.#telling, this.#trimming])
      if (timer !== undefined) this.#host.clock.clearTimer(timer);
    this.#telling = undefined;
    this.#trimming = undefined;
    this.#store.close();
    this.#visitors.clear();
  }

  // ---- inside

  async #answer(socket: S, request: Request): Promise<unknown> {
    const { room } = request;
    if (request.kind === "leave") {
      if (this.#visitors.get(socket.id)?.rooms.delete(room)) {
        this.#absent(room, socket.id);
        await socket.leave(memberRoom(room));
        await socket.leave(room);
      }
      return { room };
    }
    await this.#allowed(socket, room, ACTION_OF[request.kind]);
    const state = this.#used(room);
    // It may have gone while the app decided.
    if (state === undefined || !socket.connected) throw forbidden();
    switch (request.kind) {
      case "join":
        return this.#join(socket, state, request.since);
      case "publish":
        return this.#publish(socket, state, request);
      case "history": {
        const entries = this.#page(state, request);
        this.#charge(socket, entries);
        return { room, position: state.position, events: entries.map((entry) => this.#show(entry)) };
      }
      case "presence-set":
        return this.#setPresence(socket, state, request.value);
      case "presence-clear":
        state.presence?.remove(socket.id);
        this.#stir(state);
        return { room };
      case "presence-list":
        return { room, ...membersOf(state, request.after) };
    }
  }

  async #join(socket: S, state: RoomState<S>, since: Since): Promise<unknown> {
    const { name: room, rule, log } = state;
    const asked: Since = since.kind === "now" && rule.last ? { kind: "last", count: 1 } : since;
    const read = (): Reading<Kept> | undefined => log?.read(asked, this.#host.clock.now());
    let reading = read();
    this.#charge(socket, reading?.entries ?? []);
    const joining = socket.join([room, memberRoom(room)]);
    if (isThenable(joining)) {
      await joining;
      // What was sent while the adapter joined comes twice, and is known by its position.
      reading = read();
    }
    this.#visitor(socket).rooms.add(room);
    for (const { value } of reading?.entries ?? []) this.#host.deliver(socket, value.packet, value.encoded);
    return {
      room,
      // Where nothing is kept, nobody can know.
      complete: reading?.complete ?? asked.kind === "now",
      ...(state.position === undefined ? {} : { position: state.position }),
      ...(state.presence === undefined ? {} : membersOf(state, undefined)),
    };
  }

  #publish(socket: S, state: RoomState<S>, request: Extract<Request, { kind: "publish" }>): unknown {
    const { room, event, args, id } = request;
    if (RESERVED_EVENTS.has(event) || isOwnEvent(event)) throw unread();
    const known = id === undefined ? undefined : state.log?.offsetOf(id);
    if (state.log !== undefined && known !== undefined) {
      return { room, position: formatPosition({ epoch: state.log.epoch, offset: known }), repeated: true };
    }
    const packet: EventPacket = {
      type: PacketType.EVENT,
      nsp: this.#host.name,
      id: undefined,
      data: [event, ...args],
    };
    this.broadcast(packet, { rooms: new Set([room]), except: new Set([socket.id]) }, id);
    return { room, ...(state.position === undefined ? {} : { position: state.position }) };
  }

  #setPresence(socket: S, state: RoomState<S>, value: unknown): unknown {
    const { name: room, rule, presence } = state;
    if (presence === undefined || !this.#visitors.get(socket.id)?.rooms.has(room)) throw forbidden();
    if ((JSON.stringify(value) ?? "").length > this.#limits.maxPresenceBytes)
      throw tooMuch(
        `The value of presence is larger than maxPresenceBytes (${this.#limits.maxPresenceBytes})`,
      );
    const key: unknown = rule.presence?.(socket);
    if (typeof key !== "string" || key === "") throw forbidden();
    presence.set(socket.id, key, value);
    this.#stir(state);
    return { room, key };
  }

  /** @throws RoomRefusal */
  async #allowed(socket: S, room: string, action: RoomAction): Promise<void> {
    const rule = this.#rules.find(room);
    if (rule?.authorize === undefined) throw forbidden();
    const { grants } = this.#visitor(socket);
    const key = grantKey(action, room);
    let grant = grants.get(key);
    if (grant === undefined) {
      const asked = rule.authorize(socket, { room, action });
      grant = isThenable(asked) ? Promise.resolve(asked) : asked === true;
      // Names are the client's: one that asks for ever new ones must not make this grow.
      if (grants.size >= MOST_GRANTS) grants.clear();
      grants.set(key, grant);
    }
    if (typeof grant !== "boolean") {
      try {
        const granted = (await grant) === true;
        // Meanwhile it may have been revoked, and asked again.
        if (grants.get(key) === grant) grants.set(key, granted);
        grant = granted;
      } catch (error) {
        grants.delete(key);
        throw error;
      }
    }
    if (!grant) throw forbidden();
  }

  #charge(socket: S, entries: readonly LogEntry<Kept>[]): void {
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (this.#visitor(socket).exceeds(bytes, this.#limits.maxCatchUpBytes, this.#host.clock))
      throw tooMuch("Too much of what is kept was asked for in ten seconds (maxCatchUpBytes)");
  }

  #page(
    state: RoomState<S>,
    { before, after, limit }: { before?: string | undefined; after?: string | undefined; limit: number },
  ): readonly LogEntry<Kept>[] {
    const { log } = state;
    if (log === undefined) return [];
    const offsets = [before, after].map((text) => {
      const position = text === undefined ? undefined : parsePosition(text);
      return position?.epoch === log.epoch ? position.offset : undefined;
    });
    // A position of another life of the log has nothing before it or after it.
    if (
      (before !== undefined && offsets[0] === undefined) ||
      (after !== undefined && offsets[1] === undefined)
    )
      return [];
    return log.page({ before: offsets[0], after: offsets[1], limit }, this.#host.clock.now());
  }

  #show({ value }: LogEntry<Kept>): RoomEvent {
    const [, envelope] = this.#host.decode(value.encoded);
    const { room: _room, ...event } = envelope as RoomEvent & { readonly room: string };
    return event;
  }

  /** The state of a room that has a rule. */
  #used(room: string): RoomState<S> | undefined {
    const rule = this.#rules.find(room);
    return rule && this.#store.use(room, rule);
  }

  /** The socket that `except` stands for, as `socket.to(…)` means it; `others`, if anybody else is left out. */
  #senderOf(except: ReadonlySet<string> | undefined): string | undefined {
    if (except === undefined || except.size === 0) return undefined;
    const [only] = except;
    return except.size === 1 && only !== undefined && this.#host.socket(only) !== undefined ? only : "others";
  }

  #visitor(socket: S): Visitor {
    let visitor = this.#visitors.get(socket.id);
    if (visitor === undefined) {
      visitor = new Visitor();
      this.#visitors.set(socket.id, visitor);
    }
    return visitor;
  }

  #absent(room: string, socketId: string): void {
    const state = this.#store.find(room);
    if (state?.presence === undefined) return;
    state.presence.remove(socketId);
    this.#stir(state);
  }

  /** Tells the room soon who came and went: many at once in one message. */
  #stir(state: RoomState<S>): void {
    if (state.presence?.changed !== true) return;
    this.#stirred.add(state);
    this.#telling ??= this.#host.clock.setTimer(() => {
      this.#telling = undefined;
      const stirred = [...this.#stirred];
      this.#stirred.clear();
      for (const each of stirred) this.#tellChange(each);
    }, this.#limits.presenceMs);
  }

  #tellChange({ name: room, presence }: RoomState<S>): void {
    const change = presence?.takeChange();
    if (change === undefined) return;
    const packet = this.#event(OWN_EVENTS.presence, { room, ...change, count: presence?.count });
    this.#host.broadcast(packet, { rooms: new Set([memberRoom(room)]) });
  }

  #tell(socket: S, event: string, argument: unknown): void {
    const packet = this.#event(event, argument);
    this.#host.deliver(socket, packet, this.#host.encode(packet));
  }

  #event(event: string, argument: unknown): EventPacket {
    return { type: PacketType.EVENT, nsp: this.#host.name, id: undefined, data: [event, argument] };
  }

  #trimLater(): void {
    this.#trimming ??= this.#host.clock.setTimer(() => {
      this.#trimming = undefined;
      this.#store.trim();
      if (this.#store.bytes > 0) this.#trimLater();
    }, TRIM_MS);
  }
}

const ACTIONS: readonly RoomAction[] = ["join", "publish", "presence", "history"];

const ACTION_OF: Readonly<Record<Exclude<Request["kind"], "leave">, RoomAction>> = {
  join: "join",
  publish: "publish",
  history: "history",
  "presence-set": "presence",
  "presence-clear": "presence",
  "presence-list": "presence",
};

function grantKey(action: RoomAction, room: string): string {
  return `${action} ${room}`;
}

/** A page of who is there, in the order of their keys. */
function membersOf<S>({ presence }: RoomState<S>, after: string | undefined): object {
  const members = presence?.page(FIRST_MEMBERS, after) ?? [];
  const more = members.length === FIRST_MEMBERS ? { next: members.at(-1)?.key } : {};
  return { members, count: presence?.count ?? 0, ...more };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}
