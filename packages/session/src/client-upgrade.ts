import { probePing, probePong, UPGRADE } from "@sockeye/codec";
import type { Clock, CloseReason, Frame, PipeEnd, Timer, Transport, TransportSink } from "@sockeye/protocol";
import type { Upgradable, Upgrade } from "./upgrade.js";
import { beginUpgrade, completeUpgrade, failUpgrade, probeError } from "./upgrade.js";

/** What a client may move to. */
export interface Prospects {
  /** The transports that the server offers. */
  readonly names: readonly string[];
  /** Dials one, unless the client does not know it. */
  dial(name: string): Transport | undefined;
  readonly clock: Clock;
}

/** Dials candidates and probes them, in place of those that are being tried; the first that answers takes over. */
export type ClientProbe = (session: Upgradable, prospects: Prospects) => void;

export const clientProbe: ClientProbe = (session, prospects) => {
  if (session.state !== "open") return;
  session.dropCandidate();
  const upgrade = new ClientUpgrade(session, prospects);
  session.upgrade = upgrade.start() ? upgrade : undefined;
};

/** Gets a start of so many milliseconds, as in Socket.IO: else WebSocket would always win. */
const FAVOURITE = "webtransport";
const START_MS = 200;

/** The dialling half of an upgrade: see the picture in upgrade.ts. */
class ClientUpgrade implements Upgrade, TransportSink {
  readonly #session: Upgradable;
  readonly #prospects: Prospects;
  /** Those that are being dialled or probed, and whether the probe was sent. */
  readonly #candidates = new Map<Transport, boolean>();
  /** The transports that wait until the favourite has had its start. */
  #rest: readonly string[] = [];
  #timer: Timer | undefined;
  #over = false;

  constructor(session: Upgradable, prospects: Prospects) {
    this.#session = session;
    this.#prospects = prospects;
  }

  /** @returns is there any candidate? */
  start(): boolean {
    const { names, clock } = this.#prospects;
    this.#rest = names.filter((name) => name !== FAVOURITE);
    if (names.includes(FAVOURITE)) this.#dial([FAVOURITE]);
    if (this.#candidates.size === 0) this.#dialRest();
    else this.#timer = clock.setTimer(() => this.#dialRest(), START_MS);
    return this.#candidates.size > 0;
  }

  writable(candidate: Transport): void {
    if (this.#candidates.get(candidate) !== false || this.#session.state !== "open") return;
    this.#candidates.set(candidate, true);
    candidate.send([probePing]);
  }

  frame(candidate: Transport, frame: Frame): void {
    if (frame !== probePong.head || this.#session.state !== "open") {
      this.#fail(candidate, "no pong");
      return;
    }
    this.#candidates.delete(candidate);
    this.#drop();
    this.#candidates.set(candidate, true);
    beginUpgrade(this.#session, candidate);
    this.#session.transport?.pause(() => {
      if (this.#over) return;
      this.#over = true;
      candidate.send([UPGRADE]);
      completeUpgrade(this.#session, candidate);
    });
  }

  ended(candidate: Transport, _how: PipeEnd, reason: CloseReason, cause?: Error): void {
    this.#fail(candidate, reason, cause);
  }

  release(): void {}

  abandon(): void {
    this.#over = true;
    this.#drop();
  }

  #dial(names: readonly string[]): void {
    for (const name of names) {
      const candidate = this.#prospects.dial(name);
      if (!candidate) continue;
      this.#candidates.set(candidate, false);
      candidate.bind(this);
      if (candidate.writable) this.writable(candidate);
    }
  }

  #dialRest(): void {
    const rest = this.#rest;
    this.#rest = [];
    this.#dial(rest);
  }

  #drop(): void {
    this.#rest = [];
    this.#prospects.clock.clearTimer(this.#timer);
    for (const candidate of this.#candidates.keys()) candidate.close("goodbye");
    this.#candidates.clear();
  }

  /** One is out of the race. */
  #fail(candidate: Transport, why: string, cause?: Error): void {
    if (this.#over) return;
    this.#candidates.delete(candidate);
    candidate.close("goodbye");
    if (this.#candidates.size === 0) this.#dialRest();
    if (this.#candidates.size > 0) return;
    this.abandon();
    failUpgrade(this.#session, probeError(candidate, why, cause));
  }
}
