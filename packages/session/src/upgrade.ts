import type { PipeClose, SessionState, Transport } from "@sockeye/protocol";
import { TransportError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Counting } from "./counting.js";

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
export interface Upgradable {
  readonly state: SessionState;
  readonly transport: Transport | undefined;
  readonly counted: Counting | undefined;
  /** The candidate has passed the probe. */
  beginUpgrade(candidate: Transport): void;
  /** Everything from now on goes over the candidate. */
  completeUpgrade(candidate: Transport): void;
  /** The candidate is gone; the session continues over its transport. */
  failUpgrade(cause: Error): void;
}

/** A candidate under probe, as its session sees it. */
export interface Upgrade {
  /** The old transport became writable. */
  release(old: Transport): void;
  /** The session ends, or continues over another transport: drop the candidate. */
  abandon(how: PipeClose): void;
}

export function probeError({ name }: Transport, why: string, cause: Error | undefined): TransportError {
  return new TransportError("ERR_PROBE_FAILED", prose("noUpgrade", name, why), cause);
}
