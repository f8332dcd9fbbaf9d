import type { Clock, Frame, Timer, Transport, TransportSink } from "@sockeye/protocol";
import type { Session } from "@sockeye/session";
import type { Target, TransportClass } from "@sockeye/transport/client";
import { discardHandshake } from "./discard-handshake.js";
import type { TransportCache } from "./transport-cache.js";
import { UpgradeRetry } from "./upgrade-retry.js";

/** A transport, and what it was dialled with. */
export interface Dialled {
  readonly transport: Transport;
  readonly target: Target;
}

/** Who holds a race. */
export interface RaceHost {
  readonly session: Session;
  readonly clock: Clock;
  dial(Class: TransportClass): Dialled;
  /** The session opens over this one, unless another one is taken after it. */
  take(dialled: Dialled): void;
  /** Tries the better transports that the server offers. */
  probe(): void;
}

export interface RaceConfig {
  /** In the order of preference. */
  readonly classes: readonly TransportClass[];
  /** Milliseconds until the next one is dialled, at least. */
  readonly delayMs: number;
  /** Instead, behind the first of the classes. */
  readonly hurriedMs?: number | undefined;
  readonly memory: TransportCache | undefined;
}

/** What has worked before gets twice the time that it took then before the next one is dialled, but no more than this. */
const LONGEST_MS = 3000;

interface Runner extends Dialled {
  readonly at: number;
}

/**
 * The choice of a transport for a new session. The first is dialled at once; the next one beside it, if it has not brought the server's
 * first packet after a while, or has failed; and so on. The first that brings it is taken, and the others leave without a trace. What
 * worked last time comes first. A session that is on another transport than the best looks out for that from then on.
 *
 * One of those that run belongs to the session and reports to it; the others report here.
 */
export class Race implements TransportSink {
  /** In the order of preference, what is known to work first. */
  readonly order: readonly TransportClass[];
  readonly #host: RaceHost;
  readonly #memory: TransportCache | undefined;
  readonly #best: string | undefined;
  readonly #delayMs: number;
  readonly #lookout: UpgradeRetry;
  readonly #waiting: TransportClass[];
  #own: Runner | undefined;
  readonly #others = new Map<Transport, Runner>();
  /** Names of those that could not be opened. */
  readonly #failed = new Set<string>();
  #timer: Timer | undefined;
  #probedAt = 0;

  constructor(host: RaceHost, { classes, delayMs, hurriedMs, memory }: RaceConfig) {
    const known = memory?.recall();
    this.#host = host;
    this.#memory = memory;
    this.#best = classes[0]?.transportName;
    this.order = [...classes].sort((a, b) => Number(isKnown(b)) - Number(isKnown(a)));
    this.#waiting = [...this.order];
    const usualMs = Math.max(delayMs, Math.min(2 * (known?.ms ?? 0), LONGEST_MS));
    this.#delayMs = (this.order[0] === classes[0] ? hurriedMs : undefined) ?? usualMs;
    this.#lookout = new UpgradeRetry(host.clock, () => this.#look());

    function isKnown({ transportName }: TransportClass): boolean {
      return transportName === known?.transport;
    }
  }

  /** The session needs a transport: its first, or another one since its own could not be opened. Without one it is lost. */
  next(): Transport | undefined {
    if (this.#own) this.#out(this.#own);
    const [beside] = this.#others.values();
    this.#own = beside ?? this.#dial();
    if (!this.#own) return undefined;
    this.#others.delete(this.#own.transport);
    this.#host.take(this.#own);
    return this.#own.transport;
  }

  /** The server's first packet has come, over the session's own transport. */
  won(): void {
    this.end();
    if (this.#own) this.settled(this.#own.transport.name, this.#own.at);
  }

  /**
   * The session has a transport that works.
   *
   * @param since when it was dialled, or probed
   */
  settled(transport: string, since: number = this.#probedAt): void {
    this.#memory?.learn({ transport, ms: this.#host.clock.now() - since });
    if (transport === this.#best) this.#lookout.end();
    else this.#lookout.begin();
  }

  /** May the session be moved to this transport? Not at once to one that has just failed. */
  mayProbe(transport: string): boolean {
    this.#probedAt = this.#host.clock.now();
    return !this.#failed.has(transport);
  }

  /** The network is another one: nothing is known of it. */
  networkChanged(): void {
    this.#memory?.forget();
    this.#look();
  }

  /** No other transport is wanted any more, or none at all. */
  end(): void {
    const { clock } = this.#host;
    this.#waiting.length = 0;
    this.#lookout.end();
    clock.clearTimer(this.#timer);
    for (const { transport, target } of this.#others.values()) discardHandshake(transport, target, clock);
    this.#others.clear();
  }

  // ---- from those beside the session's own

  frame(from: Transport, frame: Frame): void {
    const { session, clock } = this.#host;
    const winner = this.#others.get(from);
    if (!winner) return;
    if (this.#own) discardHandshake(this.#own.transport, this.#own.target, clock);
    this.#others.delete(from);
    this.#own = winner;
    this.#host.take(winner);
    session.start(from);
    session.frame(from, frame);
  }

  writable(): void {}

  ended(from: Transport): void {
    const runner = this.#others.get(from);
    if (!runner) return;
    this.#out(runner);
    this.#beside();
  }

  // ---- inside

  #dial(): Runner | undefined {
    const { clock } = this.#host;
    const Class = this.#waiting.shift();
    clock.clearTimer(this.#timer);
    if (!Class) return undefined;
    if (this.#waiting.length > 0) this.#timer = clock.setTimer(() => this.#beside(), this.#delayMs);
    return { ...this.#host.dial(Class), at: clock.now() };
  }

  #beside(): void {
    const runner = this.#dial();
    if (!runner) return;
    this.#others.set(runner.transport, runner);
    runner.transport.bind(this);
  }

  #out({ transport }: Runner): void {
    this.#others.delete(transport);
    this.#failed.add(transport.name);
    if (this.#memory?.recall()?.transport === transport.name) this.#memory.forget();
  }

  #look(): void {
    const { session } = this.#host;
    this.#failed.clear();
    if (session.state === "open" && session.transport?.name !== this.#best) this.#host.probe();
  }
}
