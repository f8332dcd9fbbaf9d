import { type CloseReason, type Frame, startTimer, stopTimer, TransportError } from "@sockeye/protocol";
import { httpError, type Receiving, type ResponseSink } from "./http-transport.js";
import type { Target } from "./target.js";

/** Frames that belong to the transport. On the handshake's response, later than OPEN: shows that the path does not buffer. */
const PROOF = "6proof";
/** The last frame of a response that ends as it should. */
const END = "6end";

const OPEN_TIMEOUT_MS = 5000;
/** While the first packet is awaited: a tick that is later than that by as much says that this process was busy and read late. */
const LATE_MS = 50;

export interface StreamedResponseOptions {
  /** Name of the transport. */
  readonly name: string;
  readonly target: Target;
  readonly sink: ResponseSink;
  /** Begins to read and tells the response what it finds. Must not tell before it returned. */
  readonly read: (response: StreamedResponse) => Receiving;
}

/**
 * One response of which every frame is delivered when it comes: what all streaming transports have in common, whatever
 * reads the response for them.
 *
 * @see PROTOCOL.md, "Streaming"
 */
export class StreamedResponse implements Receiving {
  readonly #name: string;
  readonly #target: Target;
  readonly #reading: Receiving;
  /** Nobody after the end. */
  #sink: ResponseSink | undefined;
  #hasBegun = false;
  /** What came in the turn of the first packet. */
  #first: Frame[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ticker: ReturnType<typeof setTimeout> | undefined;
  #tickedAt = 0;
  #wasBusy = false;

  constructor({ name, target, sink, read }: StreamedResponseOptions) {
    this.#name = name;
    this.#target = target;
    this.#sink = sink;
    if (target.sid === undefined) {
      const ms = target.openTimeoutMs ?? OPEN_TIMEOUT_MS;
      this.#timer = startTimer(() => this.#failed(new Error(`no packet within ${ms} ms`)), ms);
      // On Node.js the connection keeps the process alive, or not, as the app wishes.
      (this.#timer as { unref?(): void }).unref?.();
      this.#tickedAt = Date.now();
      this.#watch();
    }
    this.#reading = read(this);
  }

  /** These came in one read; none, if only the response has begun. */
  frames(frames: readonly Frame[]): void {
    this.#hasBegun = true;
    if (frames.length === 0) return;
    if (this.#target.sid !== undefined) {
      this.#deliver(frames);
      return;
    }
    // One read may come in several pieces, all of them in one turn of the event loop.
    if (this.#first.length === 0) {
      stopTimer(this.#timer);
      this.#timer = startTimer(() => this.#open());
    }
    for (const frame of frames) this.#first.push(frame);
  }

  /** What came is not in the protocol. */
  malformed(cause: Error): void {
    this.#sink?.failed("parse error", cause);
  }

  /** Nothing comes any more. `trouble`, if known: the answer that is no success, or the error. */
  ended(trouble?: unknown): void {
    this.#open();
    if (this.#hasBegun && this.#target.sid !== undefined) {
      const text = `${this.#name} connection closed`;
      const cause = new TransportError("ERR_TRANSPORT_FAILED", text, trouble ?? text, trouble);
      this.#sink?.failed("transport close", cause);
    } else {
      this.#failed(trouble);
    }
  }

  /** The platform has not what reads it. */
  missing(what: string): void {
    const text = `there is no ${what} here`;
    const cause = new TransportError("ERR_TRANSPORT_UNKNOWN", text, text);
    this.#sink?.failed("transport error", cause);
  }

  abort(): void {
    this.#sink = undefined;
    this.#rest();
    this.#reading.abort();
  }

  #watch(): void {
    this.#ticker = startTimer(() => {
      this.#tick();
      this.#watch();
    }, LATE_MS);
    (this.#ticker as { unref?(): void }).unref?.();
  }

  #tick(): void {
    const now = Date.now();
    if (now - this.#tickedAt > 2 * LATE_MS) this.#wasBusy = true;
    this.#tickedAt = now;
  }

  #rest(): void {
    stopTimer(this.#timer);
    stopTimer(this.#ticker);
  }

  #open(): void {
    const frames = this.#first;
    if (frames.length === 0) return;
    this.#first = [];
    this.#tick();
    this.#rest();
    // The server wrote the two 100 ms apart.
    if (frames.includes(PROOF) && !this.#wasBusy) this.#failed(new Error("the path buffers"));
    else this.#deliver(frames);
  }

  #deliver(frames: readonly Frame[]): void {
    const sink = this.#sink;
    const end = frames.indexOf(END);
    if (end >= 0) this.#sink = undefined;
    const whole = end < 0 ? frames : frames.slice(0, end);
    sink?.frames(
      whole.filter((frame) => frame !== PROOF),
      end >= 0,
    );
  }

  #failed(trouble: unknown): void {
    const reason: CloseReason = "transport error";
    this.#sink?.failed(reason, httpError(this.#target, `${this.#name} error`, trouble));
  }
}
