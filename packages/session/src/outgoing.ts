import type { EncodedPacket, SessionObserver, Transport } from "@sockeye/protocol";
import type { Ending } from "./config.js";
import type { Counting } from "./counting.js";
import type { DropPolicy } from "./outbox.js";

/** What waits longer than until the end of the turn: from so many bytes on it is written at once, if it can be. */
export const MUCH_BYTES = 65_536;

/** The session, as what leaves it sees it. */
export interface Sender {
  readonly state: string;
  readonly transport: Transport | undefined;
  readonly observer: SessionObserver | undefined;
  /** Do its state and its transport let packets out? */
  readonly mayWrite: boolean;
  end(ending: Ending): void;
  /** What could be written is written. @param gone is nothing of it held any more? */
  flushed(gone?: boolean): void;
}

export type Waiter = (drained: boolean) => void;

/**
 * What leaves a session. It owns a packet until a transport has taken it, so nothing is lost while no poll waits or a pipe is replaced.
 * A client has one queue (client-outgoing.ts); a server bounds what waits, drops, and holds next to nothing for a session that is idle
 * (server-outgoing.ts).
 */
export interface Outgoing {
  /** Set if the session outlives its transports; on a client once OPEN said so. */
  readonly replay: Counting | undefined;
  /** What is held, oldest first: what waits, and what was sent and is not acknowledged. */
  readonly held: readonly (readonly EncodedPacket[])[];
  /** How many packets wait. */
  readonly waiting: number;
  /** Would a packet leave at once? */
  readonly ready: boolean;
  /** Bytes that wait: here, and in the transport as far as it knows. Each packet counts a little more than it has. */
  readonly bufferedBytes: number;
  /** Queues a packet of the app, unless too much waits already. */
  send(packet: EncodedPacket, droppable: DropPolicy | undefined): void;
  queue(packet: EncodedPacket): void;
  /** Flushes at the end of this turn of the event loop. */
  schedule(): void;
  /** @returns was it still here? It never leaves then, no part of it */
  takeBack(packet: EncodedPacket): boolean;
  drained(): Promise<boolean>;
  /** Hands everything that is queued to the transport, in one batch. */
  flush(): void;
  /** The session is over: nothing leaves any more. @returns those who wait to hear that all has left */
  clear(): readonly Waiter[];
}
