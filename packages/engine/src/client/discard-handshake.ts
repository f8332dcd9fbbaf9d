import type { Clock, Frame, Timer, Transport, TransportSink } from "@sockeye/protocol";
import type { Target } from "@sockeye/transport/client";

/** A server that has not answered a handshake by then has no session either. */
const PATIENCE_MS = 10_000;

/**
 * Says goodbye over a transport that may not be open yet. A WebSocket just ends: the server sees that. A handshake over HTTP that breaks
 * off may have made a session which nobody would close, so its answer is awaited.
 */
export class Parting implements TransportSink {
  readonly #target: Target;
  readonly #clock: Clock;
  readonly #timer: Timer;

  constructor(transport: Transport, target: Target, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
    this.#timer = clock.setTimer(() => transport.close("dead"), PATIENCE_MS);
    transport.bind(this);
    if (transport.name === "websocket" || target.sid !== undefined) this.#goodbye(transport);
  }

  frame(from: Transport, frame: Frame): void {
    try {
      const { sid, resume } = JSON.parse((frame as string).slice(1)) as { sid: unknown; resume: unknown };
      if (typeof sid === "string") this.#target.sid = sid;
      if (resume) this.#target.counted = { requests: 0 };
    } catch {}
    this.#goodbye(from);
  }

  writable(): void {}

  ended(): void {
    this.#clock.clearTimer(this.#timer);
  }

  #goodbye(transport: Transport): void {
    this.ended();
    transport.close("goodbye");
  }
}
