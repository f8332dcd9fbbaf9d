import type { CloseReason, Packet } from "@sockeye/protocol";
import type { Emitter, EngineSocket } from "@sockeye/socket";
import type { ManagerOptions } from "./options.js";

/** What `disconnect` and `close` tell besides the reason: an error, or its like. */
export type DisconnectDescription = Error | { readonly description: string; readonly context?: unknown };

/** What a manager emits. */
export interface ManagerReservedEvents {
  /** The connection stands. */
  open: () => void;
  /** An attempt to connect has failed. */
  error: (error: Error) => void;
  /** The server has sent a PING. */
  ping: () => void;
  /** A packet came in, for whatever namespace. */
  packet: (packet: Packet) => void;
  /** The connection is gone. */
  close: (reason: CloseReason, description?: DisconnectDescription) => void;
  /** The transport broke, and all sockets stay connected for now: `resume` or `close` follows. Only with servers of Sockeye. */
  suspend: () => void;
  /** The connection continues over another transport; nothing was lost. */
  resume: () => void;
  /** A new attempt begins, the first with 1. */
  reconnect_attempt: (attempt: number) => void;
  /** It has succeeded. */
  reconnect: (attempt: number) => void;
  /** It has failed; comes before the next one, or before `reconnect_failed`. */
  reconnect_error: (error: Error) => void;
  /** All attempts are used up. */
  reconnect_failed: () => void;
}

/**
 * State of a connection.
 *
 * - `connecting`: an attempt is under way, or the next one will be, after a wait
 * - `connected`: what is emitted leaves at once
 * - `suspended`: the transport broke and is being replaced; `connected` stays true, and what is emitted waits
 * - `offline`: it is not connected, and nothing is tried until the app asks for it
 */
export type Status = "connecting" | "connected" | "suspended" | "offline";

/** Gets the error if the attempt has failed. */
export type OpenCallback = (error?: Error) => void;

/** A manager, as its sockets see it. */
export interface ManagerView extends Emitter<Record<never, never>, ManagerReservedEvents> {
  /** May be changed; the next attempt to connect reads them. */
  readonly opts: Partial<ManagerOptions>;
  /**
   * The session: the last one, or the one to come.
   *
   * @throws UsageError `ERR_BAD_OPTION` with the lean entry, which cannot show it
   */
  readonly engine: EngineSocket;
  /** State of the connection; `suspend`, `resume` and the other events tell of changes. */
  readonly status: Status;
  /** A coarse form of the state, under the name that Socket.IO's users know. */
  readonly _readyState: "opening" | "open" | "closed";
  /** Is it waiting for a new attempt, or making one? */
  readonly _reconnecting: boolean;
  /**
   * Connects. A failure of this attempt leads to new ones, unless a callback is there to handle it.
   *
   * @throws UsageError `ERR_BAD_OPTION`
   */
  open(callback?: OpenCallback): this;
  /** The same as {@link open}. */
  connect(callback?: OpenCallback): this;
  /** Ends the connection with all its sockets, and all attempts to connect. */
  disconnect(): void;
  /** Whether it reconnects by itself, or sets it. Default true. */
  reconnection(): boolean;
  reconnection(value: boolean): this;
  /** After how many failed attempts it gives up, or sets it. Default `Infinity`. */
  reconnectionAttempts(): number;
  reconnectionAttempts(value: number): this;
  /** Milliseconds before the first new attempt, or sets them; they double with each failure. Default 1000. */
  reconnectionDelay(): number;
  reconnectionDelay(value: number): this;
  /** The most milliseconds between two attempts, or sets them. Default 5000. */
  reconnectionDelayMax(): number;
  reconnectionDelayMax(value: number): this;
  /** By which part the wait varies at random, from 0 to 1, or sets it. Default 0.5. */
  randomizationFactor(): number;
  randomizationFactor(value: number): this;
  /** Milliseconds for one attempt, or sets them; `false` waits forever. Default 20000. */
  timeout(): number | boolean;
  timeout(value: number | boolean): this;
}
