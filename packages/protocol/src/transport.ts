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

  /** Bytes that have come and are not delivered yet, since the rest of a frame or body is missing. Absent: not known, and not much. */
  readonly gatheredBytes?: number;
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
   * Ends the pipe; idempotent. Nothing but {@link TransportSink.holds} is reported to the sink from this call on.
   *
   * @param cause why the session ends; a pipe that can say so tells the peer which limit was exceeded
   */
  close(how: PipeClose, cause?: Error): void;

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
   * engine CLOSE packet to itself and report {@link ended} instead.
   */
  frame(from: Transport, frame: Frame): void;

  /**
   * Bytes came in of something that is not whole yet: it will be a frame, or several. Optional at both ends. Bytes that
   * are a whole frame at once may be told as well.
   */
  progress?(from: Transport, bytes: number): void;

  /** The transport became writable. */
  writable(from: Transport): void;

  /**
   * The pipe is over. Called at most once, and nothing after it.
   *
   * @param reason `transport close`, `transport error` or `parse error`
   * @param cause what lies underneath, if known
   */
  ended(from: Transport, how: PipeEnd, reason: CloseReason, cause?: Error): void;

  /**
   * {@link Transport.gatheredBytes} has changed, or {@link Transport.bufferedBytes} of a pipe that is closed. Told by accepting ends only.
   */
  holds?(from: Transport): void;
}

/**
 * How this side closes a pipe.
 *
 * - `goodbye`: the session is over, and the peer is told so in the pipe's own way (WebSocket close frame, engine CLOSE packet).
 * - `moved`: the session continues over another pipe, and the peer must not take this for its end.
 * - `dead`: the pipe is of no use, or no session was made on it. Nothing needs to reach the peer.
 * - `shed`: the session is over, and its memory is needed. The pipe lets go of all that it holds, also if it was closed before, even if
 *   the peer is not told then. Only accepting ends are closed so.
 */
export type PipeClose = "goodbye" | "moved" | "dead" | "shed";

/**
 * How a pipe ended that this side did not close.
 *
 * - `closed`: the session is over, too. The peer said so, or broke a rule.
 * - `lost`: the network took the pipe. The peer did not say goodbye, and what was sent last may not have arrived. A counted session
 *   may continue over another pipe; any other is over.
 */
export type PipeEnd = "closed" | "lost";
