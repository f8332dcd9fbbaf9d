import type { BroadcastOptions, EncodedPacket, EventPacket, Timer } from "@sockeye/protocol";
import { isOwnEvent, OWN_EVENTS, PacketType, RESERVED_EVENTS } from "@sockeye/protocol";
import { bytesOf, pageOf } from "./history-page.js";
import { DEFAULT_ROOM_LIMITS, type RoomLimits } from "./limits.js";
import { isThenable, permissionKey, type Verdict } from "./permissions.js";
import { formatPosition } from "./position.js";
import { ACTION_OF, ACTIONS, type Request, readRequest } from "./requests.js";
import { forbidden, RoomRefusal, tooMuch, unread } from "./room-error.js";
import type { HistoryOptions, RoomEvent } from "./room-event.js";
import type { LogEntry, Reading } from "./room-log.js";
import { copyOf, type Kept, KeptEvent, memberRoom, type RoomState, weigh } from "./room-state.js";
import { RoomStore } from "./room-store.js";
import type { RoomSocket, RoomsHost } from "./rooms-host.js";
import { type RoomRule, type Rule, readRule } from "./rule.js";
import { RuleTable } from "./rule-table.js";
import type { Since } from "./since.js";
import { spendsTooMuch, Visitor } from "./visitor.js";

type Answer = (...args: unknown[]) => void;

/** Members who are told at once when somebody joins; the others are asked for page by page. */
const FIRST_MEMBERS = 100;

/** Who came and went are told of in one message; the others in the next. */
const MOST_TOLD = 200;

/** So many times `maxPresenceBytes` one socket may show in all rooms. */
const PRESENCE_SHARE = 4;

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
   *
   * @param publication of a client: its sender gets the envelope as all members do, in the order of the room
   */
  broadcast(
    packet: EventPacket,
    options: BroadcastOptions,
    publication?: { readonly id: string | undefined },
  ): void {
    const { rooms, except, flags } = options;
    const id = publication?.id;
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
    for (const { state, encoded } of envelopes) {
      const at = this.#host.clock.now();
      const bytes = weigh(encoded);
      this.#store.change(state, () => state.log?.append(encoded, { at, bytes, id }));
      if (state.log !== undefined) this.#trimLater();
    }
    const members = kept.map(({ name }) => memberRoom(name));
    this.#host.broadcast(packet, { ...options, except: new Set([...(except ?? []), ...members]) });
    envelopes.forEach(({ envelope }, at) => {
      const room = members[at] as string;
      const { except: _sender, ...toAll } = options;
      if (this.#host.hasMembers(room))
        this.#host.broadcast(envelope, { ...(publication ? toAll : options), rooms: new Set([room]) });
    });
  }

  // ---- what the app asks

  position(room: string): string | undefined {
    return this.#used(room)?.position;
  }

  history(room: string, options: HistoryOptions = {}): readonly RoomEvent[] {
    const state = this.#used(room);
    return state === undefined ? [] : this.#page(state, options).map((entry) => this.#show(entry));
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
    for (const action of ACTIONS) visitor?.permissions.forget(permissionKey(action, room));
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
    visitor?.permissions.close();
    for (const room of visitor?.rooms ?? []) this.#absent(room, socketId);
  }

  /** Answers an event of the room protocol. @returns settles once the app has decided, if it is asked and has not yet */
  request(socket: S, [name, argument, ack]: readonly unknown[]): PromiseLike<void> | undefined {
    const event = String(name);
    const answer: Answer = typeof ack === "function" ? (ack as Answer) : () => {};
    const refuse = (error: unknown): void => {
      const refusal =
        error instanceof RoomRefusal ? error : new RoomRefusal("ERR_INTERNAL", "Internal error");
      if (refusal !== error) this.#host.reportError(error, event);
      answer(null, { $error: { code: refusal.code, message: refusal.message } });
    };
    // At once where nothing has to be waited for, so that what it costs is part of the turn of its message.
    const act = (what: () => unknown): void => {
      try {
        const value = what();
        // What is answered is made of what strangers sent: it may be something that cannot be sent.
        if (isThenable(value)) value.then(answer).then(undefined, refuse);
        else answer(value);
      } catch (error) {
        refuse(error);
      }
    };
    const request = readRequest(event, argument);
    if (request === undefined) refuse(unread());
    else if (request.kind === "leave") act(() => this.#leave(socket, request.room));
    else {
      return this.#allowed(socket, request, (refusal) => {
        if (refusal === undefined) act(() => this.#answer(socket, request));
        else refuse(refusal);
      });
    }
    return undefined;
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

  #leave(socket: S, room: string): unknown {
    if (!this.#visitors.get(socket.id)?.rooms.delete(room)) return { room };
    this.#absent(room, socket.id);
    // Both begin now: a join that comes next must not be undone by them.
    return Promise.all([socket.leave(memberRoom(room)), socket.leave(room)]).then(() => ({ room }));
  }

  #answer(socket: S, request: Exclude<Request, { kind: "leave" }>): unknown {
    const { room } = request;
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
        this.#charge(socket, bytesOf(entries));
        return { room, position: state.position, events: entries.map((entry) => this.#show(entry)) };
      }
      case "presence-set":
        return this.#setPresence(socket, state, request.value);
      case "presence-clear":
        this.#absent(room, socket.id);
        return { room };
      case "presence-list":
        return { room, ...this.#membersOf(socket, state, request.after) };
    }
  }

  #join(socket: S, state: RoomState<S>, since: Since): unknown {
    const { name: room, rule, log } = state;
    const asked: Since = since.kind === "now" && rule.last ? { kind: "last", count: 1 } : since;
    const read = (): Reading<Kept> | undefined => log?.read(asked, this.#host.clock.now());
    const reading = read();
    this.#charge(socket, bytesOf(reading?.entries ?? []));
    const { rooms } = this.#visitor(socket);
    let joining: PromiseLike<void> | void;
    try {
      joining = socket.join([room, memberRoom(room)]);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== "ERR_TOO_MANY_ROOMS") throw error;
      throw tooMuch("The socket is in maxRoomsPerSocket rooms already");
    }
    rooms.add(room);
    if (!isThenable(joining)) return this.#joined(socket, state, { asked, reading });
    return joining.then(() => {
      // Meanwhile it may have gone, or was put out.
      if (!socket.connected || !rooms.has(room)) throw forbidden();
      // What was sent while the adapter joined comes twice, and is known by its position.
      return this.#joined(socket, state, { asked, reading: read() });
    });
  }

  #joined(
    socket: S,
    state: RoomState<S>,
    { asked, reading }: { asked: Since; reading: Reading<Kept> | undefined },
  ): unknown {
    for (const { value } of reading?.entries ?? []) {
      const packet = new KeptEvent(this.#host.name, () => this.#host.decode(value) as EventPacket["data"]);
      this.#host.deliver(socket, packet, copyOf(value));
    }
    return {
      room: state.name,
      // Where nothing is kept, nobody can know.
      complete: reading?.complete ?? asked.kind === "now",
      ...(state.position === undefined ? {} : { position: state.position }),
      ...(state.presence === undefined ? {} : this.#membersOf(socket, state, undefined)),
    };
  }

  #publish(socket: S, state: RoomState<S>, request: Extract<Request, { kind: "publish" }>): unknown {
    const { room, event, args, id } = request;
    if (RESERVED_EVENTS.has(event) || isOwnEvent(event)) throw unread();
    const known = id === undefined ? undefined : state.log?.offsetOf(id);
    if (state.log !== undefined && known !== undefined) {
      return { room, position: formatPosition({ epoch: state.log.epoch, offset: known }), repeated: true };
    }
    // As history shows it: deeper than it came.
    if (state.log !== undefined) this.#encodable({ events: [{ args }] });
    const packet: EventPacket = {
      type: PacketType.EVENT,
      nsp: this.#host.name,
      id: undefined,
      data: [event, ...args],
    };
    this.broadcast(packet, { rooms: new Set([room]), except: new Set([socket.id]) }, { id });
    return { room, ...(state.position === undefined ? {} : { position: state.position }) };
  }

  #setPresence(socket: S, state: RoomState<S>, value: unknown): unknown {
    const { name: room, rule, presence } = state;
    if (presence === undefined || !this.#visitors.get(socket.id)?.rooms.has(room)) throw forbidden();
    const { maxPresenceBytes } = this.#limits;
    const encoded = this.#encodable({ joined: [{ value }] });
    // A list of many would hold more pieces of bytes than a packet may.
    if (encoded.attachments.length > 0) throw unread();
    const bytes = weigh(encoded);
    if (
      bytes > maxPresenceBytes ||
      this.#visitor(socket).showsTooMuch(room, bytes, PRESENCE_SHARE * maxPresenceBytes)
    ) {
      throw tooMuch(
        `More is shown than maxPresenceBytes (${maxPresenceBytes}), or four times that in all rooms`,
      );
    }
    const key: unknown = rule.presence?.(socket);
    if (typeof key !== "string" || key === "") throw forbidden();
    presence.set(socket.id, key, value, bytes);
    this.#stir(state);
    return { room, key };
  }

  /** What a client wants to be sent to others, as they will get it. @throws RoomRefusal */
  #encodable(argument: unknown): EncodedPacket {
    try {
      return this.#host.encode(this.#event(OWN_EVENTS.presence, argument));
    } catch {
      throw unread();
    }
  }

  #allowed(
    socket: S,
    { kind, room }: Exclude<Request, { kind: "leave" }>,
    verdict: Verdict,
  ): PromiseLike<void> | undefined {
    const authorize = this.#rules.find(room)?.authorize;
    // A pattern that means many rooms means neither those of members by the room protocol nor those that are sockets.
    if (authorize === undefined || isOwnEvent(room) || this.#host.isSocketId(room)) {
      verdict(forbidden());
      return undefined;
    }
    const action = ACTION_OF[kind];
    const ask = (): boolean | PromiseLike<boolean> => authorize(socket, { room, action });
    return this.#visitor(socket).permissions.check(permissionKey(action, room), ask, verdict);
  }

  #charge(socket: S, bytes: number): void {
    const { maxCatchUpBytes: most } = this.#limits;
    if (spendsTooMuch(this.#host.connection(socket), { bytes, most, clock: this.#host.clock }))
      throw tooMuch("Too much of what is kept was asked for in ten seconds (maxCatchUpBytes)");
  }

  /** A page of who is there, in the order of their keys, as all others know it: the next change goes on from there. */
  #membersOf(socket: S, { presence }: RoomState<S>, after: string | undefined): object {
    if (presence === undefined) return { members: [], count: 0 };
    const members = presence.toldPage(FIRST_MEMBERS, after);
    this.#charge(socket, presence.bytesOf(members));
    const more = members.length === FIRST_MEMBERS ? { next: members.at(-1)?.key } : {};
    return { members, count: presence.toldCount, ...more };
  }

  #page({ log }: RoomState<S>, options: HistoryOptions): readonly LogEntry<Kept>[] {
    const { clock, maxAttachments } = this.#host;
    return log === undefined ? [] : pageOf(log, options, { now: clock.now(), maxAttachments });
  }

  #show({ value }: LogEntry<Kept>): RoomEvent {
    const [, envelope] = this.#host.decode(value);
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
    this.#visitors.get(socketId)?.showsNothing(room);
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

  #tellChange(state: RoomState<S>): void {
    const { name: room, presence } = state;
    const change = presence?.takeChange(MOST_TOLD);
    if (change !== undefined) {
      const packet = this.#event(OWN_EVENTS.presence, { room, ...change, count: presence?.toldCount });
      try {
        this.#host.broadcast(packet, { rooms: new Set([memberRoom(room)]) });
      } catch (error) {
        // An adapter of the app's: here is nobody else who would catch it.
        this.#host.reportError(error, OWN_EVENTS.presence);
      }
    }
    this.#stir(state);
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
