import type { BroadcastOptions, EventPacket, Timer } from "@sockeye/protocol";
import { isOwnEvent, OWN_EVENTS, UsageError } from "@sockeye/protocol";
import { afterwards, type Delays } from "./afterwards.js";
import { bytesOf, pageOf } from "./history-page.js";
import { DEFAULT_ROOM_LIMITS, type RoomLimits } from "./limits.js";
import { isThenable, permissionKey, type Verdict } from "./permissions.js";
import { ownEvent, PresenceBoard } from "./presence-board.js";
import { Publisher } from "./publisher.js";
import { ACTION_OF, ACTIONS, MAX_NAME, type Request, readRequest } from "./requests.js";
import { forbidden, type Refusal, RoomRefusal, refuseUnread, tooMuch } from "./room-error.js";
import type { HistoryOptions, RoomEvent } from "./room-event.js";
import { onceATurn, RoomFeed } from "./room-feed.js";
import type { LogEntry, Reading } from "./room-log.js";
import { copyOf, type Kept, KeptEvent, memberRoom, type RoomState, weigh } from "./room-state.js";
import { RoomStore } from "./room-store.js";
import type { RoomSocket, RoomsHost } from "./rooms-host.js";
import { type Expose, type RoomRule, type Rule, readRule } from "./rule.js";
import { RuleTable } from "./rule-table.js";
import { SharedRooms } from "./shared-rooms.js";
import { fromLast, parseSince, type Since } from "./since.js";
import { spendsTooMuch, Visitors } from "./visitor.js";

type Answer = (...args: unknown[]) => void;

const INTERNAL: Refusal = { code: "ERR_INTERNAL", message: "Internal error" };

/** How long what is too old may stay after all, at most. */
const TRIM_MS = 60_000;

/** The rooms of one namespace that have a rule: their logs, who is there, and what clients ask of them. */
export class Rooms<S extends RoomSocket> {
  readonly #host: RoomsHost<S>;
  readonly #limits: RoomLimits;
  readonly #rules = new RuleTable<Rule<S>>();
  readonly #store: RoomStore<S>;
  readonly #visitors: Visitors<S>;
  readonly #board: PresenceBoard<S>;
  readonly #publisher: Publisher<S>;
  readonly #shared: SharedRooms<S>;
  #trimming: Timer | undefined;
  readonly #showOnce = onceATurn(
    (entry) => this.#show(entry),
    (over) => this.#host.clock.defer(over),
  );

  constructor(host: RoomsHost<S>, limits: Partial<RoomLimits> = {}) {
    this.#host = host;
    this.#visitors = new Visitors(this.#delays);
    this.#limits = { ...DEFAULT_ROOM_LIMITS, ...limits };
    this.#store = new RoomStore(this.#limits, {
      now: () => host.clock.now(),
      // On a cluster the engine says it.
      makeEpoch: () => (host.share ? "" : host.makeEpoch()),
      hasMembers: (room) => host.hasMembers(memberRoom(room)),
      opened: (state) => {
        this.#shared.open(state);
        if (host.share) this.#trimLater();
      },
      forgotten: (state) => this.#shared.close(state),
    });
    this.#board = new PresenceBoard(host, this.#limits);
    this.#shared = new SharedRooms(host, this.#store, this.#board);
    this.#publisher = new Publisher(host, {
      used: (room) => this.#used(room),
      broadcast: (packet, options, publication) => this.broadcast(packet, options, publication),
      share: (state, packet, said) => this.#shared.publish(state, packet, said),
    });
  }

  /** @throws UsageError `ERR_BAD_OPTION` */
  declare(rooms: string | RegExp, rule: RoomRule<S>): void {
    const read = readRule(rule);
    if (read.keep && this.#host.share && !this.#host.keeps)
      throw new UsageError(
        "ERR_BAD_OPTION",
        "keep needs a bus with a log: that of this cluster keeps nothing",
      );
    this.#rules.add(rooms, read);
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
    const ofNode = kept.filter(({ shared, log }) => shared === undefined || log === undefined);
    const envelopes = ofNode.map((state) => {
      const envelope = state.envelope(this.#host.name, packet.data, { id, from });
      return { state, envelope, encoded: this.#host.encode(envelope) };
    });
    for (const { state, encoded } of envelopes) {
      const at = this.#host.clock.now();
      const bytes = weigh(encoded);
      this.#store.change(state, () => state.log?.append(encoded, { at, bytes, id }));
      if (state.log !== undefined) this.#trimLater();
    }
    for (const { readers } of ofNode) for (const wake of readers) wake();
    const members = kept.map(({ name }) => memberRoom(name));
    this.#host.broadcast(packet, { ...options, except: new Set([...(except ?? []), ...members]) });
    for (const state of kept) if (!ofNode.includes(state)) this.#shared.emit(state, packet, { id, from });
    const { except: _sender, ...toAll } = options;
    envelopes.forEach(({ state, envelope }) => {
      const room = memberRoom(state.name);
      if (this.#host.share || this.#host.hasMembers(room))
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
    const state = this.#used(room);
    if (state?.shared) this.#shared.clear(state);
    else if (state !== undefined) this.#store.change(state, () => state.log?.clear());
  }

  /** On a cluster: resolves once this node has what the room keeps; nothing if it has. @throws RoomRefusal (as a rejection) `ERR_ROOM_LIMIT` */
  open(room: string, since: Since = { kind: "now" }): PromiseLike<void> | undefined {
    const state = this.#used(room);
    return state && this.#shared.before(state, { kind: "join", room, since });
  }

  presence(room: string): RoomState<S>["presence"] {
    return this.#used(room)?.presence;
  }

  /** Who may read a room over plain HTTP; `undefined`: nobody. */
  exposure(room: string): (Expose & { readonly params: readonly string[] }) | undefined {
    // What was looked for is remembered, and may come from anybody.
    if (room.length > MAX_NAME) return undefined;
    const { rule, params = [] } = this.#rules.find(room) ?? {};
    if (rule?.expose === undefined || isOwnEvent(room) || this.#host.isSocketId(room)) return undefined;
    return { ...rule.expose, params };
  }

  /** Follows what a room keeps, past sockets and permissions. @param wake called when there is something new */
  follow(room: string, since: Since, wake: () => void): RoomFeed | undefined {
    const { log, readers, rule } = this.#used(room) ?? {};
    if (log === undefined || readers === undefined) return undefined;
    const host = { now: () => this.#host.clock.now(), show: this.#showOnce };
    return new RoomFeed({ log, readers }, { since: fromLast(since, rule), host, wake });
  }

  /** Shows a socket to the room, whether it has joined or not, until it leaves or is gone. @throws UsageError `ERR_BAD_OPTION` */
  setPresence(room: string, socket: S, value: unknown): void {
    const state = this.#used(room);
    try {
      if (state === undefined) throw forbidden();
      this.#board.show(socket, { visitor: this.#visitors.of(socket), state }, value);
    } catch (error) {
      if (!(error instanceof RoomRefusal)) throw error;
      const why = error.code === "ERR_ROOM_FORBIDDEN" ? "no rule gives it a key" : error.message;
      throw new UsageError("ERR_BAD_OPTION", `${socket.id} cannot be shown in "${room}": ${why}`);
    }
  }

  clearPresence(room: string, socketId: string): void {
    this.#absent(room, socketId);
  }

  /** What the socket was allowed there is asked again, and it is put out of the room. */
  revoke(room: string, socketId: string): void {
    const visitor = this.#visitors.find(socketId);
    for (const action of ACTIONS) visitor?.permissions.forget(permissionKey(action, room));
    if (visitor?.rooms.has(room)) void this.#host.socket(socketId)?.leave(room);
  }

  // ---- from the sockets

  /** The connection of a socket broke, or is back. */
  setAway(socketId: string, away: boolean): void {
    for (const room of this.#visitors.find(socketId)?.shownIn ?? []) {
      const state = this.#store.find(room);
      if (state !== undefined) this.#board.setAway(socketId, state, away);
    }
  }

  /** A socket has left a room of the adapter, by its own wish or the server's. */
  left(room: string, socketId: string): void {
    const visitor = this.#visitors.find(socketId);
    if (visitor === undefined) return;
    this.#absent(room, socketId);
    if (!visitor.rooms.delete(room)) return;
    const socket = this.#host.socket(socketId);
    if (socket === undefined) return;
    void socket.leave(memberRoom(room));
    this.#tell(socket, OWN_EVENTS.left, { room });
  }

  /** A socket is gone. */
  gone(socketId: string): void {
    const visitor = this.#visitors.take(socketId);
    for (const room of visitor?.shownIn ?? []) this.#board.hide(socketId, this.#store.find(room));
  }

  /** Answers an event of the room protocol. @returns settles once it is answered, if the app or the adapter has to be waited for */
  request(socket: S, [name, argument, ack]: readonly unknown[]): PromiseLike<void> | undefined {
    const event = String(name);
    const answer: Answer = typeof ack === "function" ? (ack as Answer) : () => {};
    const refuse = (error: unknown): void => answer(null, { $error: this.#refusalOf(error, event) });
    // At once where nothing has to be waited for, so that what it costs is part of the turn of its message.
    const act = (what: () => unknown): PromiseLike<void> | undefined => {
      try {
        const value = what();
        // What is answered is made of what strangers sent: it may be something that cannot be sent.
        if (isThenable(value)) return afterwards(value, this.#delays(socket), answer).then(undefined, refuse);
        answer(value);
      } catch (error) {
        refuse(error);
      }
      return undefined;
    };
    const request = readRequest(event, argument);
    if (request === undefined) return act(refuseUnread);
    if (request.kind === "leave") return act(() => this.#leave(socket, request.room));
    const undeclared = this.#host.undeclared(socket, request.room);
    if (undeclared !== undefined) return act(undeclared);
    let acting: PromiseLike<void> | undefined;
    const decided = this.#allowed(socket, request, (refusal) => {
      if (refusal === undefined) acting = act(() => this.#answer(socket, request));
      else refuse(refusal);
    });
    return decided === undefined ? acting : decided.then(() => acting);
  }

  close(): void {
    if (this.#trimming !== undefined) this.#host.clock.clearTimer(this.#trimming);
    this.#trimming = undefined;
    this.#board.close();
    this.#store.close();
    this.#visitors.clear();
  }

  // ---- inside

  readonly #delays =
    (socket: S): Delays =>
    (goOn) =>
      this.#host.delays(socket, goOn);

  #leave(socket: S, room: string): unknown {
    if (!this.#visitors.find(socket.id)?.rooms.delete(room)) return { room };
    this.#absent(room, socket.id);
    // Both begin now: a join that comes next must not be undone by them.
    return Promise.all([socket.leave(memberRoom(room)), socket.leave(room)]).then(() => ({ room }));
  }

  #answer(socket: S, request: Exclude<Request, { kind: "leave" }>): unknown {
    const state = this.#used(request.room);
    const waiting = state && this.#shared.before(state, request);
    const answer = (): unknown => this.#answerNow(socket, request);
    return waiting ? afterwards(waiting, this.#delays(socket), answer) : answer();
  }

  #answerNow(socket: S, request: Exclude<Request, { kind: "leave" }>): unknown {
    const { room } = request;
    const state = this.#used(room);
    // It may have gone while the app decided.
    if (state === undefined || !socket.connected) throw forbidden();
    switch (request.kind) {
      case "join":
        return this.#join(socket, state, request.since);
      case "publish":
        return this.#publisher.publish(socket, this.#visitors.of(socket), {
          publication: request,
          params: this.#rules.find(room)?.params ?? [],
        });
      case "history": {
        const entries = this.#page(state, request);
        this.#charge(socket, bytesOf(entries));
        return { room, position: state.position, events: entries.map((entry) => this.#show(entry)) };
      }
      case "presence-set":
        if (!this.#visitors.find(socket.id)?.rooms.has(room)) throw forbidden();
        return {
          room,
          key: this.#board.show(socket, { visitor: this.#visitors.of(socket), state }, request.value),
        };
      case "presence-clear":
        this.#absent(room, socket.id);
        return { room };
      case "presence-list":
        return { room, ...this.#members(socket, state, request.after) };
    }
  }

  #join(socket: S, state: RoomState<S>, since: Since): unknown {
    const { name: room, rule, log } = state;
    const asked = fromLast(since, rule);
    const reading = log?.read(asked, this.#host.clock.now());
    this.#charge(socket, bytesOf(reading?.entries ?? []));
    const { rooms } = this.#visitors.of(socket);
    let joining: PromiseLike<void> | void;
    try {
      joining = socket.join([room, memberRoom(room)]);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== "ERR_TOO_MANY_ROOMS") throw error;
      throw tooMuch("The socket is in maxRoomsPerSocket rooms already");
    }
    rooms.add(room);
    // At once, also where the adapter takes longer: it hears what comes next from now on, and that must not overtake what was.
    this.#deliver(socket, reading);
    const here = parseSince(state.position);
    const answer = (meanwhile?: Reading<Kept>): unknown => ({
      room,
      // Where nothing is kept, nobody can know.
      complete: (reading?.complete ?? asked.kind === "now") && meanwhile?.complete !== false,
      ...(state.position === undefined ? {} : { position: state.position }),
      ...(state.presence === undefined ? {} : this.#members(socket, state)),
    });
    if (!isThenable(joining)) return answer();
    return joining.then(() => {
      // Meanwhile it may have gone, or was put out.
      if (!socket.connected || !rooms.has(room)) throw forbidden();
      const meanwhile = here && log?.read(here, this.#host.clock.now());
      // An adapter made for Socket.IO may have let it in only now. What comes twice is known by its position.
      if (!this.#host.share) this.#deliver(socket, meanwhile);
      return answer(meanwhile);
    });
  }

  #deliver(socket: S, reading: Reading<Kept> | undefined): void {
    for (const { value } of reading?.entries ?? []) {
      const packet = new KeptEvent(this.#host.name, () => this.#host.decode(value) as EventPacket["data"]);
      this.#host.deliver(socket, packet, copyOf(value));
    }
  }

  #allowed(
    socket: S,
    { kind, room }: Exclude<Request, { kind: "leave" }>,
    verdict: Verdict,
  ): PromiseLike<void> | undefined {
    const { rule, params = [] } = this.#rules.find(room) ?? {};
    const authorize = rule?.authorize;
    // A pattern that means many rooms means neither those of members by the room protocol nor those that are sockets.
    if (authorize === undefined || isOwnEvent(room) || this.#host.isSocketId(room)) {
      verdict(forbidden());
      return undefined;
    }
    const action = ACTION_OF[kind];
    const ask = (): boolean | PromiseLike<boolean> => authorize(socket, { room, action, params });
    return this.#visitors.of(socket).permissions.check(permissionKey(action, room), ask, verdict);
  }

  #charge(socket: S, bytes: number): void {
    const { maxCatchUpBytes: most } = this.#limits;
    if (spendsTooMuch(this.#host.connection(socket), { bytes, most, clock: this.#host.clock }))
      throw tooMuch("Too much of what is kept was asked for in ten seconds (maxCatchUpBytes)");
  }

  #members(socket: S, state: RoomState<S>, after?: string): object {
    return this.#board.page(state, after, (bytes) => this.#charge(socket, bytes));
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
    const found = this.#rules.find(room);
    return found && this.#store.use(room, found.rule);
  }

  /** The socket that `except` stands for, as `socket.to(…)` means it; `others`, if anybody else is left out. */
  #senderOf(except: ReadonlySet<string> | undefined): string | undefined {
    if (except === undefined || except.size === 0) return undefined;
    const [only] = except;
    return except.size === 1 && only !== undefined && this.#host.socket(only) !== undefined ? only : "others";
  }

  #absent(room: string, socketId: string): void {
    this.#visitors.find(socketId)?.showsNothing(room);
    this.#board.hide(socketId, this.#store.find(room));
  }

  #tell(socket: S, event: string, argument: unknown): void {
    const packet = ownEvent(this.#host.name, event, argument);
    this.#host.deliver(socket, packet, this.#host.encode(packet));
  }

  /** What a client is told of an error; if it is none of a refusal, the app is. */
  #refusalOf(error: unknown, event: string): Refusal {
    const refusal: Refusal | undefined = error instanceof RoomRefusal ? error : this.#host.refusalOf(error);
    if (refusal === undefined) this.#host.reportError(error, event);
    const { code, message, data } = refusal ?? INTERNAL;
    return data === undefined ? { code, message } : { code, message, data };
  }

  /** What other nodes keep, too, is dropped where nobody needs it. */
  #isUnused(state: RoomState<S>, since: number): boolean {
    const { name, usedAt, readers, presence } = state;
    const isHeard = this.#host.hasMembers(memberRoom(name));
    const isInUse = isHeard || readers.size > 0 || presence?.hasOwn || this.#shared.isAwaited(state);
    return usedAt < since && !isInUse;
  }

  #trimLater(): void {
    this.#trimming ??= this.#host.clock.setTimer(() => {
      this.#trimming = undefined;
      this.#store.trim();
      const { share, clock } = this.#host;
      if (share) this.#store.sweep((state) => this.#isUnused(state, clock.now() - TRIM_MS));
      if (this.#store.bytes > 0 || (share && this.#store.size > 0)) this.#trimLater();
    }, TRIM_MS);
  }
}
