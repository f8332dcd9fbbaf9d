import type {
  Clock,
  CloseReason,
  Codec,
  EncodedPacket,
  OpenData,
  Packet,
  ResumeTerms,
  Transport,
} from "@sockeye/protocol";
import { TransportError, UsageError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { ClientProbe, ClientRole, Counting, Kept, Session, SessionSink } from "@sockeye/session";
import { ClientEnd, OneTimer } from "@sockeye/session";
import type { Target, TransportClass } from "@sockeye/transport/client";
import type { Address } from "./address.js";
import { failedTransport } from "./failed-transport.js";
import type { EngineFeatures } from "./features.js";
import type { EngineOptions } from "./options.js";
import type { PageEvent } from "./page.js";
import type { Dialled, Race } from "./race.js";
import type { Resumer, ResumerHost } from "./resumer.js";
import { OPEN_TIMEOUT_MS, targetOf } from "./target.js";

/** The owner of a line. It hears nothing more once it has cut the line, or has heard `closed`. */
export interface DialerSink extends SessionSink {
  /** Is there something to come back for, if the transport breaks? Otherwise the session ends with it. */
  readonly joined: boolean;
  /** The server's terms have come: packets may go out. */
  opened(terms: OpenData): void;
  pinged(): void;
  /** The transport broke, and the session waits for another one: `resumed` or `closed` follows. */
  suspended?(): void;
  /** The session continues over another transport. */
  resumed?(): void;
}

export interface DialerConfig {
  readonly codec: Codec;
  readonly clock: Clock;
  readonly address: Address;
  readonly parts: EngineFeatures;
  /** Read when it dials. */
  readonly options: Partial<EngineOptions>;
}

const WEBSOCKET = "websocket";
/** Socket.IO's, of which a lean client knows the last alone. */
const DEFAULT_TRANSPORTS = ["polling", WEBSOCKET];

/** Known by name on Node.js and in served files; an app's bundle has them if it imports them. */
const TO_IMPORT = ["stream", "sse"];

/** Did the last connection of this page end up on WebSocket? For `rememberUpgrade`. */
let websocketWorked = false;

/** One session with the server, and the dialling of its transports. Used once: the next connection is a new line. */
export class Dialer implements ClientRole, ResumerHost, SessionSink, Record<PageEvent, () => void> {
  readonly end: ClientEnd;
  readonly session: Session;
  readonly config: DialerConfig;
  /** Has it been dialled, or cut? */
  used = false;
  /** The only way to the owner. There is none any more once the line is over, whatever its session still does. */
  #sink: DialerSink | undefined;
  /** The transports that may still be dialled, in the order of preference. */
  #classes: TransportClass[] = [];
  #target: Target | undefined;
  #dialledAt = 0;
  /** Set if both ends count. */
  #comeback: Resumer | undefined;
  /** Set if several are dialled, and the first that answers is taken. */
  #race: Race | undefined;
  /** Transports that the server offers. */
  #upgrades: readonly string[] = [];

  constructor(config: DialerConfig, sink: DialerSink) {
    const { clock, codec } = config;
    this.config = config;
    this.#sink = sink;
    this.end = new ClientEnd({ clock, codec, deadlines: new OneTimer(clock), role: this }, this);
    this.session = this.end.session;
    // What is wrong with the options is said while the app is there to hear it.
    this.classes();
  }

  /** Has it offered to resume? */
  get offersResume(): boolean {
    return this.#target?.offersResume === true;
  }

  /** Has it said whether it resumes? A server of ours says its limits then, and no other one does. */
  get asksWho(): boolean {
    return this.#target?.offersResume !== undefined;
  }

  /** Dials the first transport. Whatever goes wrong is told as `closed`, later. */
  dial(): void {
    this.used = true;
    const { options, address } = this.config;
    try {
      if (!address.host) throw new UsageError("ERR_BAD_OPTION", prose("noPage"));
      this.#classes = this.classes();
      if (options.rememberUpgrade && websocketWorked) {
        this.#classes.sort((a, b) => Number(isWebSocket(b)) - Number(isWebSocket(a)));
      }
      this.#race = this.#newRace();
      const first = this.#next();
      if (first) this.session.start(first);
      else this.#failed(new TransportError("ERR_TRANSPORT_UNKNOWN", "No transports available"));
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** The owner wants to hear nothing more, from this moment on. What is queued is still written. */
  cut(): void {
    this.used = true;
    this.#sink = undefined;
    this.session.close();
  }

  // ---- from the session

  packet(packet: Packet): void {
    this.#sink?.packet(packet);
  }

  unwritable(error: Error): void {
    this.#sink?.unwritable?.(error);
  }

  closed(reason: CloseReason, cause: Error | undefined): void {
    const sink = this.#sink;
    // Before the owner, and with it the app, acts.
    this.#sink = undefined;
    sink?.closed(reason, cause);
  }

  #failed(error: Error): void {
    this.config.clock.defer(() =>
      this.session.end({ reason: "transport error", cause: error, transport: "dead" }),
    );
  }

  // ---- from the page

  /** The network is gone, says the browser; whether a server on this very machine is, it does not know. */
  offline(): void {
    const { session, config } = this;
    if (config.address.host === "localhost" || !session.transport) return;
    const text = "network connection lost";
    const error = new TransportError("ERR_OFFLINE", text, text);
    session.ended(session.transport, "lost", "transport close", error);
  }

  /** Timers may have slept. */
  shown(): void {
    this.session.endIfStale();
  }

  /** The page is about to go away. */
  leaving(): void {
    if (this.config.options.closeOnBeforeunload) this.session.transport?.close("goodbye");
  }

  /** The network is there again, or is another one. */
  online(): void {
    this.#race?.networkChanged();
  }

  /** The page goes away, and nobody is told but the server. */
  left(): void {
    const { transport } = this.session;
    this.#race?.end();
    if (transport?.leave) transport.leave();
    else transport?.close("goodbye");
  }

  /** After {@link left}: the page is back. */
  back(): void {
    this.session.end({ reason: "transport close", transport: "dead" });
  }

  #newRace(): Race | undefined {
    const { options, clock, address, parts } = this.config;
    const host = {
      session: this.session,
      clock,
      dial: (Class: TransportClass) => this.#dial(Class),
      take: ({ target }: Dialled) => {
        this.#target = target;
      },
      probe: () => this.end.probe(this.#upgrades),
    };
    return parts.race?.(host, { options, url: targetOf(address, options).url, classes: this.#classes });
  }

  // ---- from the session's end

  get probe(): ClientProbe | undefined {
    return this.config.parts.probe;
  }

  count(terms: ResumeTerms, queue: Kept): Counting | undefined {
    return this.offersResume ? this.config.parts.resume?.count(terms, queue) : undefined;
  }

  opened(terms: OpenData): void {
    const { sid, maxPayload, upgrades } = terms;
    this.#upgrades = upgrades;
    this.#race?.won();
    const counted = this.session.counted && { requests: 0 };
    if (this.#target) Object.assign(this.#target, { sid, maxPayload, counted });
    if (counted) this.#comeback = this.config.parts.resume?.of(this, this.#dialledAt);
    websocketWorked = this.session.transport?.name === WEBSOCKET;
    this.#sink?.opened(terms);
  }

  /**
   * Some paths let a WebSocket open and then nothing through, some hold back responses. Where another transport is left to try,
   * none may take long; the last has until `timeout`.
   */
  openWithinMs(): number | undefined {
    const { tryAllTransports, openTimeout = OPEN_TIMEOUT_MS } = this.config.options;
    return !this.#race && tryAllTransports && this.#classes.length > 1 ? openTimeout : undefined;
  }

  /** After a transport that could not be opened. */
  redial(): Transport | undefined {
    websocketWorked = false;
    if (this.#race) return this.#race.next();
    this.#classes.shift();
    return this.config.options.tryAllTransports ? this.#next() : undefined;
  }

  candidate(name: string): Transport | undefined {
    const Class = this.#classes.find(({ transportName }) => transportName === name);
    if (!Class || this.config.options.upgrade === false || this.#race?.mayProbe(name) === false)
      return undefined;
    return this.another(Class);
  }

  upgraded({ name }: Transport): void {
    websocketWorked = name === WEBSOCKET;
    this.#race?.settled(name);
    this.#comeback?.upgraded();
  }

  suspended(): void {
    this.#comeback?.suspended();
    if (!this.#sink?.joined) this.session.counted?.giveUp(this.session, prose("nothingJoined"));
    else this.#sink.suspended?.();
  }

  ended(reason: CloseReason): void {
    this.#race?.end();
    // The server may have let a socket in whose answer was lost: it is told as well.
    this.#comeback?.sessionEnded(reason === "forced close" || !this.#sink?.joined);
  }

  pinged(): void {
    this.#sink?.pinged();
  }

  /** Another transport for this session. */
  another(Class: TransportClass, claim?: EncodedPacket): Transport {
    const { maxPayload, counted } = this.#target ?? {};
    return made(Class, { ...this.#targetFor(Class), sid: this.session.id, maxPayload, counted, claim });
  }

  #next(): Transport | undefined {
    if (this.#race) return this.#race.next();
    const [Class] = this.#classes;
    if (!Class) return undefined;
    const { transport, target } = this.#dial(Class);
    this.#target = target;
    return transport;
  }

  #dial(Class: TransportClass): Dialled {
    const target = this.#targetFor(Class);
    this.#dialledAt = this.config.clock.now();
    return { transport: made(Class, target), target };
  }

  #targetFor({ transportName }: TransportClass): Target {
    const { address, options, parts } = this.config;
    const target = targetOf(address, { ...options, ...options.transportOptions?.[transportName] });
    // An app's own parameter of this name is the server's to show.
    const offersResume =
      "resume" in target.query ? undefined : (parts.resume?.isWanted(options, target) ?? false);
    return { ...target, offersResume, session: this };
  }

  /** All that may be dialled, in the order of preference. */
  classes(): TransportClass[] {
    return [...(this.#race?.order ?? classesOf(this.config.options, this.config.parts.transports))];
  }

  /** The session continues over another transport, which took so many milliseconds to open. */
  rejoined({ name }: Transport, tookMs: number): void {
    this.#race?.settled(name, this.config.clock.now() - tookMs);
    this.#sink?.resumed?.();
  }
}

/** The platform may lack what a transport needs: that is a failed attempt like any other. */
function made(Class: TransportClass, target: Target): Transport {
  try {
    return new Class(target);
  } catch (error) {
    return failedTransport(Class.transportName, error);
  }
}

function isWebSocket(Class: TransportClass): boolean {
  return Class.transportName === WEBSOCKET;
}

function classesOf(
  { transports, transportImplementations }: Partial<EngineOptions>,
  known: readonly TransportClass[],
): TransportClass[] {
  if (transports && transportImplementations) {
    throw new UsageError("ERR_BAD_OPTION", prose("eitherTransports"));
  }
  const wanted: unknown = transportImplementations ?? transports ?? DEFAULT_TRANSPORTS;
  if (!Array.isArray(wanted)) throw new UsageError("ERR_BAD_OPTION", prose("transportsAreAList"));
  return (wanted as NonNullable<typeof transports>).flatMap((each) => {
    if (typeof each !== "string") return [each];
    const found = known.filter(({ transportName }) => transportName === each);
    if (found.length === 0 && TO_IMPORT.includes(each))
      throw new UsageError("ERR_BAD_OPTION", prose("transportToImport", each));
    return found;
  });
}
