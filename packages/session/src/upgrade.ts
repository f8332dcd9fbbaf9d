import { probePing, probePong, UPGRADE } from "@sockeye/codec";
import type { CloseReason, Frame, SessionState, Transport, TransportSink } from "@sockeye/protocol";
import { TransportError } from "@sockeye/protocol";

/*
 * How a better transport takes over a running session (the standard Engine.IO probe):
 *
 *   client                        server
 *     | -- candidate: 2probe ------> |
 *     | <- candidate: 3probe ------- |  answers a waiting poll with NOOP at once, so that the client's pause ends
 *     | pauses the old transport     |
 *     | -- candidate: 5 -----------> |  everything from here on goes over the candidate
 *
 * Until the candidate has taken over, its frames come here and not to the session.
 */

/** A session, as its upgrade sees it. */
export interface Upgradable {
  readonly state: SessionState;
  readonly transport: Transport | undefined;
  /** The candidate has passed the probe. */
  beginUpgrade(candidate: Transport): void;
  /** Everything from now on goes over the candidate. */
  completeUpgrade(candidate: Transport): void;
  /** The candidate is gone; the session goes on over its transport. */
  failUpgrade(cause: Error): void;
}

/** A candidate under probe, as its session sees it. */
export interface Upgrade {
  /** The old transport became writable. */
  release(old: Transport): void;
  /** The session ends or was taken elsewhere: drop the candidate. */
  abandon(): void;
}

/** Probes a candidate that the client has dialled. */
export type ClientProbe = (session: Upgradable, candidate: Transport) => Upgrade;

export const clientProbe: ClientProbe = (session, candidate) => new ClientUpgrade(session, candidate);

class ClientUpgrade implements Upgrade, TransportSink {
  readonly #session: Upgradable;
  readonly #candidate: Transport;
  #probed = false;
  #over = false;

  constructor(session: Upgradable, candidate: Transport) {
    this.#session = session;
    this.#candidate = candidate;
    candidate.bind(this);
    if (candidate.writable) this.writable();
  }

  writable(): void {
    if (this.#probed || this.#session.state !== "open") return;
    this.#probed = true;
    this.#candidate.send([probePing]);
  }

  frame(_from: Transport, frame: Frame): void {
    if (frame !== probePong.head || this.#session.state !== "open") {
      this.#fail("no pong");
      return;
    }
    this.#session.beginUpgrade(this.#candidate);
    this.#session.transport?.pause(() => {
      if (this.#over) return;
      this.#over = true;
      this.#candidate.send([UPGRADE]);
      this.#session.completeUpgrade(this.#candidate);
    });
  }

  closed(_from: Transport, reason: CloseReason, cause?: Error): void {
    this.#fail(reason, cause);
  }

  release(): void {}

  abandon(): void {
    this.#over = true;
    this.#candidate.close(true);
  }

  #fail(why: string, cause?: Error): void {
    if (this.#over) return;
    this.abandon();
    this.#session.failUpgrade(probeError(this.#candidate, why, cause));
  }
}

export function probeError(candidate: Transport, why: string, cause: Error | undefined): TransportError {
  return new TransportError("ERR_PROBE_FAILED", `no upgrade to ${candidate.name}: ${why}`, cause);
}
