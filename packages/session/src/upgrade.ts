import type { PipeClose, SessionObserver, SessionState, Transport, TransportSink } from "@sockeye/protocol";
import { TransportError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Counting } from "./counting.js";
import type { SessionEnd } from "./session-end.js";

/*
 * How a better transport takes over a running session (the standard Engine.IO probe):
 *
 *   client                        server
 *     | -- candidate: 2probe ------> |
 *     | <- candidate: 3probe ------- |  answers a waiting poll with NOOP at once, so that the client's pause ends
 *     | pauses the old transport     |
 *     | -- candidate: 5 -----------> |  everything from here on goes over the candidate
 *
 * Until the candidate has taken over, its frames come here and not to the session. A client may have several candidates; the
 * server takes the first that comes and turns the others away.
 */

/** A session, as its upgrade sees it. */
export interface Upgradable extends TransportSink {
  readonly state: SessionState;
  readonly thisEnd: SessionEnd;
  readonly observer: SessionObserver | undefined;
  readonly outgoing: { flush(): void };
  readonly counted: Counting | undefined;
  transport: Transport | undefined;
  upgraded: boolean;
  upgrade: Upgrade | undefined;
  enter(state: SessionState): void;
  dropCandidate(): void;
}

/** A candidate under probe, as its session sees it. */
export interface Upgrade {
  /** The old transport became writable. */
  release(old: Transport): void;
  /** The session ends, or continues over another transport: drop the candidate. */
  abandon(how: PipeClose): void;
}

/** The candidate has passed the probe. */
export function beginUpgrade(session: Upgradable, candidate: Transport): void {
  session.enter("upgrading");
  session.observer?.onUpgrading(candidate);
}

/** Everything from now on goes over the candidate. */
export function completeUpgrade(session: Upgradable, candidate: Transport): void {
  session.transport?.close("moved");
  session.upgrade = undefined;
  session.transport = candidate;
  session.upgraded = true;
  candidate.bind(session);
  if (session.state !== "closing") {
    session.enter("open");
    session.thisEnd.upgraded(candidate);
    session.observer?.onUpgrade(candidate);
  }
  session.outgoing.flush();
}

/** The candidate is gone; the session continues over its transport. */
export function failUpgrade(session: Upgradable, cause: Error): void {
  session.upgrade = undefined;
  if (session.state === "upgrading") {
    session.enter("open");
    session.transport?.resume();
  }
  session.outgoing.flush();
  session.observer?.onUpgradeFailed(cause);
}

export function probeError({ name }: Transport, why: string, cause: Error | undefined): TransportError {
  return new TransportError("ERR_PROBE_FAILED", prose("noUpgrade", name, why), cause);
}
