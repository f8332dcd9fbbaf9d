import type { CloseReason, Frame, Transport } from "@sockeye/protocol";
import type { SessionSink } from "./config.js";
import type { Outgoing, Sender } from "./outgoing.js";

/**
 * What the two ends of a session do differently: the server's end (server-end.ts) sets the terms and pings, the client's (client-end.ts)
 * dials and listens. All else is the session's, and the same at both.
 */
export interface SessionEnd {
  /** May it write while a transport is being replaced? The client has paused the old one, and the server cannot know yet. */
  readonly writesInUpgrade: boolean;
  /** May the session be suspended? Not before the peer is known to have it. */
  readonly maySuspend: boolean;
  /** What leaves the session. Called once, when it is made. */
  outgoingOf(session: Sender, sink: SessionSink): Outgoing;
  /** The session has got a transport. The server tells the terms, the client waits for them. */
  begin(now: number): void;
  /** The deadline has come, of a session that is opening, open or being upgraded. */
  onDeadline(now: number): void;
  /** OPEN has come. */
  opened(data: Frame | undefined): void;
  pinged(now: number): void;
  ponged(now: number): void;
  /** Another 1024 bytes of something that is not whole yet have come. */
  progressed(now: number): void;
  /** The peer has told how much it has received. */
  acknowledged(): void;
  /** The peer has told how much it has received in all, and ends the session. Absent: nobody asks what it has not. */
  parted?(): void;
  /** Is the silence longer than the terms allow, by the time of day? */
  isStale(): boolean;
  /** The transport failed before the session was open. @returns another one to begin with */
  redial(cause: Error | undefined): Transport | undefined;
  /** A candidate has taken over. */
  upgraded(transport: Transport): void;
  suspended(reason: CloseReason, cause: Error | undefined): void;
  /** The session is over; the layer above hears it next. */
  ended(reason: CloseReason): void;
}
