import type { Clock, CloseReason, Codec, Packet, PipeClose } from "@sockeye/protocol";
import type { Deadlines } from "./deadlines.js";
import type { FlushScheduler } from "./flush-scheduler.js";
import type { Overflow } from "./outbox.js";

/** What all sessions of one server, or one client, share. */
export interface SessionConfig {
  readonly codec: Pick<Codec, "decoder">;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

/** When a server writes, and what may wait for a client. */
export interface Bounds {
  readonly turn: FlushScheduler;
  /** Bounds what waits; without it nothing does. */
  readonly overflow?: Overflow | undefined;
  /** The same while a session is suspended, what is kept included. */
  readonly suspendedOverflow?: Overflow | undefined;
}

/** How a session ends. */
export interface Ending {
  readonly reason: CloseReason;
  readonly cause?: Error | undefined;
  /** What becomes of its transport. Default `goodbye`. */
  readonly transport?: Exclude<PipeClose, "moved"> | undefined;
}

/** The layer above. No method may throw. */
export interface SessionSink {
  /** A packet came in. In order. */
  packet(packet: Packet): void;
  /** The session is over for the layer above: nothing comes in, nothing goes out. Called exactly once. */
  closed(reason: CloseReason, cause: Error | undefined): void;
  /**
   * What is held in memory for the session may have changed, after its end too.
   *
   * @param gone nothing that was sent is held, and nothing else has changed
   */
  holds?(gone?: boolean): void;
  /** What the layer above has sent could not be written. It was dropped; or the session ends, and {@link closed} follows. */
  unwritable?(error: Error): void;
}
