import type { Claim, Clock, Frame, Timer, Transport, TransportSink } from "@sockeye/protocol";
import { endSession, WebTransportPipe } from "../../shared/webtransport-pipe.js";
import { MAX_CLAIM_BYTES, readClaim } from "../request/claim.js";
import type { IncomingWebTransport } from "../request/incoming-webtransport.js";
import type { Pending, PendingVisitor } from "../request/pending.js";
import { paceBy } from "../turns/pace.js";
import type { Turns } from "../turns/turns.js";

export interface ArrivalTerms {
  readonly clock: Clock;
  /** Milliseconds until the client's first packet must be there. */
  readonly timeoutMs: number;
  /** Bytes of one frame, once the session is let in. Until then the frames of a client are short. */
  readonly maxFrameBytes: number;
  readonly pending: Pending;
  readonly addressOf: (visit: IncomingWebTransport) => string | undefined;
  readonly turns: Turns;
}

/** What a client wants who has opened its stream. */
export type Opening =
  | { readonly wants: "session" }
  | { readonly wants: "upgrade"; readonly sid: string }
  /** `claim` is missing if what came looks like one, and is none. */
  | { readonly wants: "resume"; readonly claim: Claim | undefined };

export type Arrived = (pipe: WebTransportPipe, opening: Opening) => void;

/** The client's OPEN packet without data. */
const NEW = "0";

/**
 * A WebTransport session until its first packet, which must be OPEN on the first stream that the client opens. A session
 * that does not come so far in time, or does anything else, is closed; nothing of it stays.
 *
 * @see PROTOCOL.md, "WebTransport"
 */
export class Arrival implements TransportSink {
  readonly #visit: IncomingWebTransport;
  readonly #terms: ArrivalTerms;
  #timer: Timer | undefined = undefined;
  readonly #visitor: PendingVisitor;
  #arrived: Arrived | undefined;

  /** From now on it counts as held open. */
  constructor(visit: IncomingWebTransport, terms: ArrivalTerms) {
    this.#visit = visit;
    this.#terms = terms;
    this.#visitor = { address: terms.addressOf(visit), cut: () => this.#giveUp() };
    // Whatever ends the session, also while it is being asked about, ends the waiting.
    visit.socket.once("close", () => this.#settle());
    terms.pending.enter(this.#visitor);
  }

  /** Takes the client's stream. Its time begins to run. @param arrived called once, or never */
  receive(arrived: Arrived): void {
    const { clock, timeoutMs } = this.#terms;
    this.#arrived = arrived;
    this.#timer = clock.setTimer(() => this.#giveUp(), timeoutMs);
    this.#firstStream().catch(() => this.#giveUp());
  }

  frame(from: Transport, frame: Frame): void {
    const { pipe } = this.#visit;
    const opening = readOpening(frame);
    const arrived = this.#arrived;
    // A session that is still being decided on must wait for the answer.
    if (arrived === undefined || pipe !== from || opening === undefined) {
      this.#giveUp();
      return;
    }
    this.#arrived = undefined;
    this.#settle();
    arrived(pipe, opening);
  }

  writable(): void {}

  ended(): void {
    this.#giveUp();
  }

  async #firstStream(): Promise<void> {
    const { session } = this.#visit;
    const streams = session.incomingBidirectionalStreams.getReader();
    const { value: stream, done } = await streams.read();
    // No other stream is expected, and none is read.
    streams.releaseLock();
    if (done || this.#visit.gone) {
      this.#giveUp();
      return;
    }
    const { turns } = this.#terms;
    const maxFrameBytes = Math.min(MAX_CLAIM_BYTES, this.#terms.maxFrameBytes);
    const pipe = new WebTransportPipe(session, stream, { maxFrameBytes, pace: paceBy(turns) });
    this.#visit.pipe = pipe;
    pipe.bind(this);
  }

  #settle(): void {
    if (this.#timer !== undefined) this.#terms.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#terms.pending.leave(this.#visitor);
  }

  #giveUp(): void {
    this.#visit.pipe?.close("dead");
    endSession(this.#visit.session);
    this.#visit.socket.destroy();
  }
}

/** What an OPEN packet asks for, or `undefined` if it is none. */
function readOpening(frame: Frame): Opening | undefined {
  if (frame === NEW) return { wants: "session" };
  if (typeof frame !== "string" || !frame.startsWith("0{")) return undefined;
  try {
    const { sid, secret } = JSON.parse(frame.slice(1)) as { sid?: unknown; secret?: unknown };
    if (secret !== undefined) return { wants: "resume", claim: readClaim(frame) };
    return typeof sid === "string" && sid !== "" ? { wants: "upgrade", sid } : undefined;
  } catch {
    return undefined;
  }
}
