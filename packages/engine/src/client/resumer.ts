import type {
  Clock,
  CloseReason,
  EncodedPacket,
  EnginePacket,
  Frame,
  PipeEnd,
  ResumeTerms,
  Timer,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { ClientEnd, Kept, Session } from "@sockeye/session";
import { Counting, claimOf, decodeFrame, readOpen, resume } from "@sockeye/session";
import type { Target, TransportClass } from "@sockeye/transport/client";
import type { Address } from "./address.js";
import { backoffMs } from "./backoff.js";
import type { EngineOptions } from "./options.js";
import type { PageListener } from "./page.js";
import { unwatchPage, watchPage } from "./page.js";
import { OPEN_TIMEOUT_MS } from "./target.js";

/** A transport that lived less long died young. */
const YOUNG_MS = 10_000;

/** The wait after a round in which nothing opened. Some 12 rounds fit into the 30 seconds that servers keep a session by default. */
const WAIT = { delayMs: 100, maxMs: 5000, jitter: 0.5 };

/** On top of twice the time that the last transport took to open: how long the next one may take. Doubles with each round. */
const PATIENCE_MS = 1000;

/** Whose session comes back. */
export interface ResumerHost {
  readonly session: Session;
  readonly end: ClientEnd;
  readonly config: {
    readonly clock: Clock;
    readonly address: Address;
    readonly options: Partial<EngineOptions>;
  };
  /** What may be dialled, in the order of preference. */
  classes(): TransportClass[];
  /** Dials another transport for the session. */
  another(Class: TransportClass, claim: EncodedPacket): Transport;
  /** The session continues over this transport, which took so many milliseconds to open. */
  rejoined(transport: Transport, tookMs: number): void;
}

/** What clients that count have, and others have not. */
export interface ResumeFeature {
  /** Should the session be counted, as far as the client is asked? */
  isWanted(options: Partial<EngineOptions>, target: Target): boolean;
  count(terms: ResumeTerms, queue: Kept): Counting;
  /** For a session that is counted. @param dialledAt when its first transport was */
  of(host: ResumerHost, dialledAt: number): Resumer;
}

export const resumeFeature: ResumeFeature = {
  // An app's own parameter of this name is the server's to show.
  isWanted: ({ resume }, { query }) => resume !== false && !("n" in query),
  count: (terms, queue) => new Counting(terms, queue),
  of: (host, dialledAt) => new Resumer(host, dialledAt),
};

/**
 * Brings a counted session back whose transport broke: dials one transport after the other until one carries it on, the
 * server refuses, or the session's window has passed. Only one claim is under way at a time: each that the server agrees to
 * changes the secret.
 *
 * @see PROTOCOL.md, "Return"
 */
export class Resumer implements TransportSink {
  readonly #session: Session;
  readonly #host: ResumerHost;
  readonly #clock: Clock;
  readonly #page: PageListener = (event) => {
    if ((event !== "online" && event !== "shown") || this.#attempt) return;
    this.#rounds = 0;
    this.#round();
  };
  /** What is still to be dialled in this round; `undefined` while there is nothing to do. */
  #rest: TransportClass[] | undefined;
  #attempt: Transport | undefined;
  /** The end of the attempt, or of the wait for the next one. */
  #timer: Timer | undefined;
  /** Rounds since the transport broke. */
  #rounds = 0;
  /** Transports in a row that died young. */
  #young = 0;
  /** When the last transport was dialled, or was open. */
  #since: number;
  /** The time that the last one took in between. */
  #tookMs: number;

  constructor(host: ResumerHost, dialledAt: number) {
    this.#host = host;
    this.#session = host.session;
    this.#clock = host.config.clock;
    this.#since = this.#clock.now();
    this.#tookMs = this.#since - dialledAt;
  }

  /** Another transport has taken over, by an upgrade. */
  upgraded(): void {
    this.#since = this.#clock.now();
  }

  suspended(): void {
    const livedMs = this.#clock.now() - this.#since;
    this.#young = livedMs < YOUNG_MS ? this.#young + 1 : 0;
    this.#rounds = 0;
    watchPage(this.#page);
    // A way on which all transports die at once should not be taken all the time.
    const pauseMs = this.#young < 2 ? 0 : backoffMs(WAIT, this.#young - 2, Math.random()) - livedMs;
    if (pauseMs > 0) this.#wait(pauseMs);
    else this.#round();
  }

  /** The session is over. If the app wanted that the server is told, if one more attempt gets through. */
  sessionEnded(byApp: boolean): void {
    if (!this.#rest) return;
    if (!byApp) {
      this.#stop();
      return;
    }
    this.#rest = this.#order().slice(0, 1);
    if (!this.#attempt) this.#next();
  }

  // ---- from the transport that claims

  frame(from: Transport, frame: Frame): void {
    let packet: EnginePacket;
    try {
      packet = decodeFrame(frame);
    } catch {
      // That was not our server.
      this.#failed();
      return;
    }
    if (packet.type === "open") this.#agreed(from, packet.data);
    else if (packet.type === "close") this.#refused();
    else if (packet.type !== "noop") this.#failed();
  }

  writable(): void {}

  ended(_from: Transport, how: PipeEnd, reason: CloseReason): void {
    if (how === "lost" || reason === "parse error") this.#failed();
    else this.#refused();
  }

  // ---- inside

  #failed(): void {
    this.#giveUp();
    this.#next();
  }

  #refused(): void {
    this.#session.counted?.giveUp(this.#session, prose("notKept"));
    this.#stop();
  }

  #agreed(transport: Transport, data: Frame | undefined): void {
    const now = this.#clock.now();
    this.#tookMs = now - this.#since;
    this.#since = now;
    this.#attempt = undefined;
    this.#stop();
    if (this.#session.state === "closed") {
      transport.close("goodbye");
      return;
    }
    let cause: Error = new SessionError("ERR_PROTOCOL_VIOLATION", prose("impossibleAnswer"));
    try {
      if (resume(this.#host.end, transport, readOpen(data))) {
        this.#host.rejoined(transport, this.#tookMs);
        return;
      }
    } catch (error) {
      cause = error as Error;
    }
    transport.close("goodbye");
    this.#session.end({ reason: "parse error", cause, transport: "dead" });
  }

  /** Every second time with the transport that broke alone: others are of no use where the server is gone. */
  #round(): void {
    this.#rest = this.#order();
    if (this.#rounds % 2) this.#rest.length = 1;
    this.#next();
  }

  /** The transport that broke comes first, unless it is of no use. */
  #order(): TransportClass[] {
    const place = ({ transportName }: TransportClass): number =>
      transportName === this.#session.transport?.name ? (this.#young < 2 ? 0 : 2) : 1;
    return this.#host.classes().sort((a, b) => place(a) - place(b));
  }

  #next(): void {
    const Class = this.#rest?.shift();
    this.#clearTimer();
    if (Class && !this.#isOffline) this.#dial(Class);
    else if (this.#session.state === "closed") this.#stop();
    else if (!this.#isOffline) this.#wait(backoffMs(WAIT, this.#rounds++, Math.random()));
  }

  #dial(Class: TransportClass): void {
    this.#since = this.#clock.now();
    this.#attempt = this.#host.another(Class, claimOf(this.#host.end));
    this.#attempt.bind(this);
    const patienceMs = (2 * this.#tookMs + PATIENCE_MS) * 2 ** this.#rounds;
    const { openTimeout = OPEN_TIMEOUT_MS } = this.#host.config.options;
    this.#timer = this.#clock.setTimer(() => this.#failed(), Math.min(patienceMs, openTimeout));
  }

  /** Only the browser says so, and whether a server on this very machine can be reached, it does not know. */
  get #isOffline(): boolean {
    const isRemote = this.#host.config.address.host !== "localhost";
    return isRemote && globalThis.navigator?.onLine === false;
  }

  #wait(delayMs: number): void {
    this.#rest = [];
    this.#timer = this.#clock.setTimer(() => this.#round(), delayMs);
  }

  #stop(): void {
    this.#rest = undefined;
    this.#clearTimer();
    this.#giveUp();
    unwatchPage(this.#page);
  }

  #giveUp(): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.close("moved");
  }

  #clearTimer(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
