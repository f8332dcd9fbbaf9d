import type { Address, DialerConfig, PageListener } from "@sockeye/engine/client";
import {
  addressOf,
  backoffMs,
  clockFor,
  Dialer,
  readUrl,
  splitGiven,
  unwatchPage,
  watchPage,
} from "@sockeye/engine/client";
import type { Clock, CloseReason, EncodedPacket, Packet, Timer } from "@sockeye/protocol";
import { makeAssignable, PEER, REPORT, SessionError, TransportError } from "@sockeye/protocol";
import { trustingCodec } from "@sockeye/session";
import type { DefaultEventsMap, EngineSocket, EventsMap } from "@sockeye/socket";
import { callGuarded, dispatch, Emitter } from "@sockeye/socket";
import { advise } from "#advice";
import type { Accepted } from "./accepted.js";
import { requireAccepted, TRUSTED } from "./accepted.js";
import { DEFAULT_PATH } from "./default-path.js";
import type { Features } from "./features.js";
import type { ManagerReservedEvents, ManagerView, OpenCallback, Status } from "./manager-view.js";
import type { AnySocketOptions, ManagerOptions } from "./options.js";
import type { SocketHost } from "./peer-host.js";
import type { Settings } from "./reconnection.js";
import { settingsOf } from "./reconnection.js";
import { reportAppError } from "./report-error.js";
import type { SocketManager } from "./socket.js";
import { Socket } from "./socket.js";
import { knowSelf, unproxied } from "./unproxied.js";

/**
 * - `opening`: the first attempt; its failure leads to another one, after a wait
 * - `trying`: the same, but a callback handles its failure
 * - `waiting`: for the time of the next attempt
 * - `reopening`: an attempt after a failure or a loss
 * - `spent`: the last attempt has failed, and the app is being told
 */
type State = "closed" | "opening" | "trying" | "open" | "waiting" | "reopening" | "spent";

/** One connection to a server, kept alive, for any number of namespaces. Its parts are those of its class. */
export class Manager<
    ListenEvents extends EventsMap = DefaultEventsMap,
    EmitEvents extends EventsMap = ListenEvents,
  >
  extends Emitter<Record<never, never>, ManagerReservedEvents>
  implements ManagerView
{
  /** Each class that is made objects of names its own. */
  protected static readonly parts: Features;

  /** May be changed; the next attempt to connect reads them. */
  readonly opts: Partial<ManagerOptions>;
  /** The sockets, by namespace. */
  readonly nsps: Map<string, Socket> = new Map();

  readonly #settings: Settings;
  /** What the server accepts, as far as it has said so. */
  readonly #accepted: Accepted = {};
  readonly #clock: Clock;
  readonly #features: Features;
  readonly #lineConfig: DialerConfig;
  #line: Dialer;
  #engine: EngineSocket | undefined;
  #state: State = "closed";
  /** Attempts since a server last answered a socket. */
  #attempts = 0;
  /** The end of the attempt, or of the wait for the next one. */
  #timer: Timer | undefined;
  #callbacks: OpenCallback[] = [];
  readonly #host: SocketHost = this.#hostOfSockets();
  readonly #page: PageListener = (event) => {
    this.#line[event]();
    if (event === "online" || event === "shown" || event === "back") this.#wake();
  };

  /**
   * @param uri the server; its path is not looked at. Default: where the page came from, or what the options say.
   * @throws UsageError `ERR_BAD_OPTION`
   */
  constructor(uri?: string | URL | Partial<ManagerOptions>, opts?: Partial<ManagerOptions>, clock?: Clock) {
    super();
    knowSelf(this);
    const [url, options] = splitGiven(uri, opts);
    const { parts } = new.target as typeof Manager;
    advise(options, parts.transports);
    this.opts = { ...options, path: options?.path || DEFAULT_PATH };
    this.#settings = settingsOf(this.opts);
    this.#features = parts;
    this.#clock = clock ?? clockFor(this.opts);
    this.#lineConfig = {
      codec: this.opts.parser ? parts.codecOf(this.opts.parser) : trustingCodec(TRUSTED, this.#accepted),
      clock: this.#clock,
      address: this.#address(url),
      parts,
      options: this.opts,
    };
    this.#line = this.#newLine();
    if (this.opts.autoConnect !== false) this.open();
  }

  /** The session under the connection: the last one, or the one to come. */
  get engine(): EngineSocket {
    this.#engine ??= this.#features.engineOf(this.#line.session, { reportError: reportAppError });
    return this.#engine;
  }

  /** How the connection is doing; `suspend`, `resume` and the other events tell of changes. */
  get status(): Status {
    if (this.#state === "open") return this.#line.session.state === "suspended" ? "suspended" : "connected";
    return this.#mayTry ? "connecting" : "offline";
  }

  /** A coarse form of the state, under Socket.IO's name. */
  get _readyState(): "opening" | "open" | "closed" {
    if (this.#state === "open") return "open";
    return this.#state === "closed" || this.#isBetween ? "closed" : "opening";
  }

  /** Is it waiting for a new attempt, or making one? */
  get _reconnecting(): boolean {
    return this.#isBetween || this.#state === "reopening";
  }

  get #mayTry(): boolean {
    return this.#state !== "closed" && this.#state !== "spent";
  }

  /** Is nothing dialled, but not for good? */
  get #isBetween(): boolean {
    return this.#state === "waiting" || this.#state === "spent";
  }

  /** The socket of a namespace, made if there is none. */
  socket(nsp: string, opts?: AnySocketOptions): Socket<ListenEvents, EmitEvents> {
    let socket = this.nsps.get(nsp);
    if (!socket) {
      socket = new Socket(this as unknown as SocketManager, nsp, opts ?? {}, this.#host);
      this.nsps.set(nsp, socket);
    }
    if (this.opts.autoConnect !== false && !socket.active) socket.connect();
    return socket as unknown as Socket<ListenEvents, EmitEvents>;
  }

  /** Connects. A failure of this attempt leads to new ones, unless a callback is there to handle it. */
  open(callback?: OpenCallback): this {
    if (this.#state === "open") {
      if (callback) this.#call([callback]);
      return this;
    }
    if (callback) this.#callbacks.push(callback);
    const { timeout } = this.#settings;
    if (this.#state === "closed") this.#rest(callback ? "trying" : "opening");
    else if (this.#isBetween) this.#rest("reopening");
    else return this;
    if (this.#line.used) {
      this.#line = this.#newLine();
      this.#engine = undefined;
    }
    watchPage(this.#page);
    if (typeof timeout === "number") {
      this.#timer = this.#clock.setTimer(() => {
        this.#failed(new SessionError("ERR_CONNECT_TIMEOUT", "timeout"));
      }, timeout);
    }
    this.#line.dial();
    this.#tellStatus();
    return this;
  }

  /** The same as {@link open}. */
  connect(callback?: OpenCallback): this {
    return this.open(callback);
  }

  /** Ends the connection with all its sockets, and all attempts to connect. */
  disconnect(): void {
    const was = this.#state;
    if (was === "closed") return;
    this.#rest("closed");
    this.#attempts = 0;
    this.#callbacks = [];
    this.#line.cut();
    if (was === "open") {
      for (const socket of this.#sockets) socket[PEER].lost("forced close", undefined);
      dispatch(this, "close", ["forced close", undefined]);
    }
    this.#tellStatus();
  }

  /** Whether it reconnects by itself, or sets it. Default true. */
  reconnection(): boolean;
  reconnection(value: boolean): this;
  reconnection(value?: boolean): this | boolean {
    if (value === false && this.#isBetween) {
      this.#rest("closed");
      this.#tellStatus();
    }
    return this.#setting("reconnection", value);
  }

  /** After how many failed attempts it gives up, or sets it. Default `Infinity`. */
  reconnectionAttempts(): number;
  reconnectionAttempts(value: number): this;
  reconnectionAttempts(value?: number): this | number {
    return this.#setting("attempts", value);
  }

  /** Milliseconds before the first new attempt, or sets them; they double with each failure. Default 1000. */
  reconnectionDelay(): number;
  reconnectionDelay(value: number): this;
  reconnectionDelay(value?: number): this | number {
    return this.#setting("delayMs", value);
  }

  /** The most milliseconds between two attempts, or sets them. Default 5000. */
  reconnectionDelayMax(): number;
  reconnectionDelayMax(value: number): this;
  reconnectionDelayMax(value?: number): this | number {
    return this.#setting("maxMs", value);
  }

  /** By which part the wait varies at random, from 0 to 1, or sets it. Default 0.5. */
  randomizationFactor(): number;
  randomizationFactor(value: number): this;
  randomizationFactor(value?: number): this | number {
    return this.#setting("jitter", value);
  }

  /** Milliseconds for one attempt, or sets them; `false` waits forever. Default 20000. */
  timeout(): number | boolean;
  timeout(value: number | boolean): this;
  timeout(value?: number | boolean): this | number | boolean {
    return this.#setting("timeout", value);
  }

  /** Takes what the app's code threw or rejected with. */
  [REPORT](error: unknown): void {
    reportAppError(error);
  }

  #setting<Name extends keyof Settings>(
    name: Name,
    value: Settings[Name] | undefined,
  ): this | Settings[Name] {
    if (value === undefined) return this.#settings[name];
    this.#settings[name] = value;
    return this;
  }

  // ---- the way of the connection

  #tellStatus(): void {
    for (const socket of this.#sockets) socket[PEER].tellStatus();
  }

  #newLine(): Dialer {
    const manager = this;
    return new Dialer(this.#lineConfig, {
      get joined() {
        return manager.#sockets.some((socket) => socket.connected);
      },
      opened: ({ maxPayload, limits }) => {
        Object.assign(this.#accepted, { ...TRUSTED, ...limits, maxPayload });
        if (limits || this.#line.asksWho) this.#host.peerIsOurs = !!limits;
        this.#opened();
      },
      packet: (packet) => this.#packet(packet),
      pinged: () => void dispatch(this, "ping", []),
      suspended: () => this.#hasChanged("suspend"),
      resumed: () => this.#hasChanged("resume"),
      closed: (reason, cause) => this.#closed(reason, cause),
      unwritable: reportAppError,
    });
  }

  #hasChanged(event: "suspend" | "resume"): void {
    this.#tellStatus();
    dispatch(this, event, []);
  }

  /** As they are now: what the app does while they are told something may change that. */
  get #sockets(): Socket[] {
    return [...this.nsps.values()];
  }

  #opened(): void {
    const line = this.#line;
    const again = this.#state === "reopening" ? this.#attempts : 0;
    this.#clearTimer();
    this.#state = "open";
    const callbacks = this.#callbacks.splice(0);
    const told: (() => unknown)[] = [
      ...this.#sockets.map((socket) => () => socket[PEER].join()),
      () => dispatch(this, "open", []),
      ...callbacks.map((callback) => () => this.#call([callback])),
    ];
    if (again > 0) told.push(() => dispatch(this, "reconnect", [again]));
    // Each of them may lead to code of the app, which may close what has been opened.
    for (const tell of told) if (this.#line === line && this.#state === "open") tell();
  }

  #packet(packet: Packet): void {
    this.nsps.get(packet.nsp)?.[PEER].receive(packet);
    if (this.hasListeners("packet")) dispatch(this, "packet", [packet]);
  }

  /** The session has ended by itself: a line that this side has cut says nothing any more. */
  #closed(reason: CloseReason, cause: Error | undefined): void {
    const error = cause ?? new TransportError("ERR_TRANSPORT_OPEN", reason);
    if (this.#state !== "open") {
      this.#failed(error);
      return;
    }
    const told = reason as Exclude<CloseReason, "forced server close" | "server shutting down">;
    if (!this.#sockets.some((socket) => socket[PEER].joins)) this.#attempts = 0;
    this.#rest(this.#afterFailure);
    for (const socket of this.#sockets) {
      if (socket.connected) socket[PEER].lost(told, cause);
      else socket[PEER].failed(error);
    }
    dispatch(this, "close", [reason, cause]);
    this.#goOn();
  }

  /** An attempt to connect has failed. */
  #failed(error: Error): void {
    const was = this.#state;
    const callbacks = this.#callbacks.splice(0);
    this.#rest(was === "trying" ? "closed" : this.#afterFailure);
    this.#line.cut();
    for (const socket of this.#sockets) socket[PEER].failed(error);
    dispatch(this, "error", [error]);
    this.#call(callbacks, error);
    if (was === "reopening") dispatch(this, "reconnect_error", [error]);
    this.#goOn();
  }

  get #afterFailure(): State {
    const { reconnection, attempts } = this.#settings;
    if (!reconnection || !this.#lineConfig.address.host) return "closed";
    return this.#attempts < attempts ? "waiting" : "spent";
  }

  /** After the app has heard what happened, and may have decided otherwise. */
  #goOn(): void {
    if (this.#state === "spent") {
      this.#attempts = 0;
      this.#rest("closed");
      dispatch(this, "reconnect_failed", []);
    } else if (this.#state === "waiting" && this.#timer === undefined) {
      const delayMs = backoffMs(this.#settings, this.#attempts++, Math.random());
      this.#timer = this.#clock.setTimer(() => this.#wake(), delayMs);
    }
  }

  /** The wait is over. */
  #wake(): void {
    if (this.#state !== "waiting") return;
    this.#clearTimer();
    dispatch(this, "reconnect_attempt", [this.#attempts]);
    if (this.#state === "waiting") this.open();
  }

  /** Enters a state. What was timed in the one before is not any more. */
  #rest(state: State): void {
    this.#state = state;
    this.#clearTimer();
    if (state === "closed") unwatchPage(this.#page);
  }

  #clearTimer(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #call(callbacks: readonly OpenCallback[], error?: Error): void {
    for (const callback of callbacks) callGuarded(callback, [error], { target: this, event: "open" });
  }

  #hostOfSockets(): SocketHost {
    const manager = this;
    return {
      get parts() {
        return manager.#features;
      },
      get clock() {
        return manager.#clock;
      },
      get session() {
        return manager.#line.session;
      },
      get isOpen() {
        return manager.#state === "open";
      },
      encode: (packet, compress) => {
        const encoded = this.#lineConfig.codec.encode(packet, compress);
        this.#require(packet, encoded);
        return encoded;
      },
      require: (packet, encoded) => this.#require(packet, encoded),
      get mayTry() {
        return manager.#mayTry;
      },
      retryMs: (failures) => {
        const { reconnection, attempts } = manager.#settings;
        return reconnection && failures < attempts
          ? backoffMs(manager.#settings, failures, Math.random())
          : undefined;
      },
      answered: () => {
        this.#attempts = 0;
      },
      release: () => {
        if (!this.#sockets.some((socket) => socket[PEER].needsConnection)) this.disconnect();
      },
    };
  }

  #require(packet: Packet, encoded: EncodedPacket): void {
    const { transport } = this.#line.session;
    const name = this.opts.forceBase64 ? "base64" : (transport?.name ?? "");
    requireAccepted(packet, encoded, this.#accepted, name);
  }

  #address(url: string | undefined): Address {
    if (url === undefined) return addressOf(this.opts);
    const place = readUrl(url);
    if (place.query) this.opts.query = place.query;
    return place;
  }
}

makeAssignable(unproxied(Manager, "Manager"), ["status"]);
