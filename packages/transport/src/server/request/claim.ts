import type { IncomingMessage } from "node:http";
import type { Claim, Clock, Frame, Limits, Timer, Transport, TransportSink } from "@sockeye/protocol";
import { EncodedPacket } from "@sockeye/protocol";
import type { BodyFormat } from "./body-format.js";
import { readBody } from "./request-body.js";

/** More than any claim has, unless the app makes ids of such a length. */
export const MAX_CLAIM_BYTES = 8192;

const OCTETS = "application/octet-stream";
const OPEN = "0{";
const CLOSE = new EncodedPacket("1");

/** What those who claim sessions are given. */
export interface ClaimTerms {
  readonly clock: Clock;
  readonly limits: Pick<Limits, "maxPacketsPerPayload">;
  /** Milliseconds until the claim must be there. */
  readonly timeoutMs: number;
}

/**
 * Reads a client's first packet on a transport over which it comes back.
 *
 * @returns `undefined` if it is not a claim
 * @see PROTOCOL.md, "Return"
 */
export function readClaim(frame: Frame | undefined): Claim | undefined {
  if (typeof frame !== "string" || !frame.startsWith(OPEN) || frame.length > MAX_CLAIM_BYTES)
    return undefined;
  try {
    const { sid, secret, received } = JSON.parse(frame.slice(1)) as { [Key in keyof Claim]?: unknown };
    if (typeof sid !== "string" || typeof secret !== "string") return undefined;
    if (typeof received !== "number" || !Number.isSafeInteger(received) || received < 0) return undefined;
    return { sid, secret, received };
  } catch {
    return undefined;
  }
}

/** Tells a peer that claimed a session over a pipe of its own that there is none, and closes the pipe. */
export function refuseClaim(pipe: Transport): void {
  if (pipe.writable) pipe.send([CLOSE]);
  pipe.close("goodbye");
}

/** Who waits for a claim. One of them is called, once. */
export interface ClaimSink {
  /** This came; `undefined` for whatever is no claim, or if nothing came in time. */
  came(claim: Claim | undefined): void;
  /** The pipe has ended. */
  gone(): void;
}

/** A pipe of which the first frame is to be a claim. */
export class AwaitedClaim implements TransportSink {
  readonly #clock: Clock;
  readonly #timer: Timer;
  /** Nobody once it was told. */
  #sink: ClaimSink | undefined;

  constructor(pipe: Transport, { clock, timeoutMs }: ClaimTerms, sink: ClaimSink) {
    this.#clock = clock;
    this.#sink = sink;
    this.#timer = clock.setTimer(() => this.giveUp(), timeoutMs);
    pipe.bind(this);
  }

  frame(_from: Transport, frame: Frame): void {
    this.#end()?.came(readClaim(frame));
  }

  writable(): void {}

  ended(): void {
    this.#end()?.gone();
  }

  /** Does not wait any longer. */
  giveUp(): void {
    this.#end()?.came(undefined);
  }

  #end(): ClaimSink | undefined {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#clock.clearTimer(this.#timer);
    return sink;
  }
}

/**
 * Reads a claim from the body of a POST.
 *
 * @param decide called once, with `undefined` for whatever is not a claim; never if the request breaks off
 */
export function readPostedClaim(
  req: IncomingMessage,
  { bodies, clock, limits, timeoutMs }: ClaimTerms & { readonly bodies: BodyFormat },
  decide: (claim: Claim | undefined) => void,
): void {
  const isBinary = req.headers["content-type"]?.startsWith(OCTETS) === true;
  const decode = isBinary ? bodies.decodeBytes : bodies.decodeText;
  let decided = false;
  const timer = clock.setTimer(() => {
    decided = true;
    decide(undefined);
  }, timeoutMs);
  req.once("close", () => clock.clearTimer(timer));
  readBody(req, MAX_CLAIM_BYTES * (bodies.growth ?? 1), (body) => {
    clock.clearTimer(timer);
    if (decided) return;
    let frames: readonly Frame[] = [];
    try {
      if (body !== undefined) frames = decode?.(body, { ...limits, maxMessageBytes: MAX_CLAIM_BYTES }) ?? [];
    } catch {
      // As any other body that is not a claim.
    }
    decide(frames.length === 1 ? readClaim(frames[0]) : undefined);
  });
}
