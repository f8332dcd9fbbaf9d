import type { CloseReason } from "./close.js";
import type { EncodedPacket, Frame } from "./packet.js";

/**
 * One pipe. It moves frames and knows nothing of what they mean; a session uses exactly one at a time and may change it.
 * The same interface holds on both sides. All calls are synchronous and none throws.
 *
 * Order of use: construct, {@link bind}, then any number of {@link send}, then {@link close}.
 */
export interface Transport {
  /** Name on the wire: `websocket`, `polling`, … */
  readonly name: string;

  /**
   * May {@link send} be called now? False while connecting, while no poll is waiting, or while the network is behind.
   * Every change from false to true is told by {@link TransportSink.writable}.
   */
  readonly writable: boolean;

  /** Bytes that {@link send} has taken and the network has not. Absent: not known, and not much. */
  readonly bufferedBytes?: number;

  /** Has something come in that is not told yet, since it waits for its turn? Then the peer is alive. Absent: never. */
  readonly unread?: boolean;

  /**
   * Names the receiver of all that happens here. Called before the event loop turns, and again when the pipe changes
   * hands at the end of an upgrade.
   */
  bind(sink: TransportSink): void;

  /**
   * Writes the packets, in order, in as few writes as the pipe can (one write, one response, one POST).
   * Only called while {@link writable}. The array belongs to the transport from then on.
   */
  send(batch: readonly EncodedPacket[]): void;

  /**
   * Takes the pipe out of service for an upgrade: starts no new request, delivers what still arrives, and calls `done`
   * once nothing is under way. Pipes that have no requests call `done` at once. {@link resume} takes it back. Nothing is
   * sent in between, whatever {@link writable} says.
   */
  pause(done: () => void): void;

  /** Undoes {@link pause}, after an upgrade that failed. */
  resume(): void;

  /**
   * Ends the pipe; idempotent. With `goodbye` the peer is told that the session is over, in the pipe's own way (WebSocket
   * close frame, engine CLOSE packet); without, the pipe just ends, since the session goes on elsewhere or the peer is gone.
   * Nothing is reported to the sink from this call on.
   *
   * @param cause why the session ends; a pipe that can say so tells the peer which limit was exceeded
   */
  close(goodbye: boolean, cause?: Error): void;

  /**
   * The page that has this end goes away, and a request is not finished any more: says goodbye by what still leaves then, at once, also for
   * a session whose pipe this was last; idempotent. Absent: {@link close} does that.
   */
  leave?(): void;
}

/** What a transport reports to, always with itself as the first argument, since a session may hold two during an upgrade. */
export interface TransportSink {
  /**
   * One frame came in: an engine packet in text, or the bytes of a binary message. In order of arrival. A pipe may keep an
   * engine CLOSE packet to itself and report {@link closed} instead.
   */
  frame(from: Transport, frame: Frame): void;

  /** The transport became writable. */
  writable(from: Transport): void;

  /**
   * The pipe is over, and with it the session: the peer said so, or broke a rule. Called at most once, and nothing after it.
   *
   * @param reason `transport close`, `transport error` or `parse error`
   * @param cause what lies underneath, if known
   */
  closed(from: Transport, reason: CloseReason, cause?: Error): void;

  /**
   * The network took the pipe: neither did the peer say goodbye, nor break a rule. What was sent last may not have arrived. A
   * session that is counted may go on over another pipe; for any other this is the same as {@link closed}. Called at most once,
   * and nothing after it.
   */
  lost(from: Transport, reason: CloseReason, cause?: Error): void;
}

/** The names of the transports that exist today. */
export type TransportName = "polling" | "websocket" | "webtransport";
