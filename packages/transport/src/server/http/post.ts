import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, type CloseReason, type Frame, type Limits, TransportError } from "@sockeye/protocol";
import type { BodyFormat } from "../request/body-format.js";
import type { ResponseHeaders } from "../request/headers.js";
import { type Body, readBody } from "../request/request-body.js";
import type { RequestNumbers } from "../request/request-numbers.js";
import { FrameLine, unitsOfFrame } from "../turns/frame-line.js";
import { DIRECT_UNITS, type Turns, type Waiter } from "../turns/turns.js";
import { answerEmpty, failure, limitEnd } from "./http-pipe.js";

/** A pipe, as the half of it sees it that takes what the client says. */
export interface PostOwner {
  /** The POST whose body is being read. One at a time. Set by {@link receivePost} and by what comes of it. */
  post: Post | undefined;
  readonly isOpen: boolean;
  readonly limits: Pick<Limits, "maxMessageBytes" | "maxPacketsPerPayload">;
  readonly turns: Turns;
  readonly bodies: BodyFormat;
  /** Set if requests are numbered. */
  readonly numbers: RequestNumbers | undefined;
  /** The bytes of its body that have come are more, or are gone. */
  gathers(): void;
  /** A frame came in. Only while open. */
  received(frame: Frame): void;
  /** Bytes of the body of a POST came in; it is not whole yet. */
  progressed(bytes: number): void;
  /** Writes the answer to a POST that was read. */
  respond(res: ServerResponse, body: string, headers: ResponseHeaders): void;
  /**
   * Ends the pipe, and a POST that is under way with {@link Post.reject}. Nothing happens if it is closed.
   *
   * @param tell is the client told that the session is over?
   */
  fail(reason: CloseReason, cause: Error, tell?: boolean): void;
  /** The same if nobody is at fault: what the client has sent, or was sent, may not have arrived. */
  lose(reason: CloseReason, cause: Error): void;
}

/** A number that is not the next one's. */
export const MISSED = "a request of the client is missing";

/** A body that is smaller comes in one piece, as a rule. */
const SMALL_BYTES = 1024;

const OCTETS = "application/octet-stream";

/**
 * One POST of a session. Its frames are delivered, then it is answered with `ok`; a bad one ends the session.
 *
 * @see PROTOCOL.md, "Polling"
 */
export function receivePost(
  { req, res, number }: { req: IncomingMessage; res: ServerResponse; number: number | undefined },
  owner: PostOwner,
): void {
  const { bodies } = owner;
  // One that comes after the end is not looked at, whatever its number.
  const turn = owner.isOpen ? (owner.numbers?.post(number) ?? "next") : "next";
  if (turn === "again") {
    req.resume();
    answerPost(res, owner);
    return;
  }
  if (turn === "earlier") {
    answerEmpty(res, 400);
    return;
  }
  const overlap = owner.post !== undefined;
  if (overlap || turn === "wrong") {
    owner.lose("transport error", failure(overlap ? "data request overlap from client" : MISSED));
    answerEmpty(res, 400);
    return;
  }
  const isBinary = req.headers["content-type"]?.startsWith(OCTETS) === true;
  const decode = isBinary ? bodies.decodeBytes : bodies.decodeText;
  if (decode === undefined) {
    owner.fail("transport error", failure("invalid content"));
    answerEmpty(res, 400);
    return;
  }
  owner.post = new Post(res, owner, decode);
  owner.post.start(req);
}

/** What it costs to take a body apart; its frames cost their own. */
function unitsOfBody(bytes: number): number {
  return 1 + (bytes >> 12);
}

/**
 * A POST whose body is being read, or whose frames wait for their turn: they may take several turns of the event loop, and the
 * answer comes after the last.
 */
export class Post implements Waiter {
  readonly #res: ServerResponse;
  readonly #owner: PostOwner;
  readonly #decode: BodyFormat["decodeText"];
  /** The bytes of its body so far. */
  bytes = 0;
  /** One that waits for its turn. */
  #body: Buffer | undefined = undefined;
  /** The same for what was in it. */
  #line: FrameLine | undefined = undefined;

  constructor(res: ServerResponse, owner: PostOwner, decode: BodyFormat["decodeText"]) {
    this.#res = res;
    this.#owner = owner;
    this.#decode = decode;
  }

  /** Is all of it here, and not all handled? */
  get waits(): boolean {
    return this.#body !== undefined || this.#line !== undefined;
  }

  start(req: IncomingMessage): void {
    this.#res.on("close", () => this.#gone());
    const { bodies, limits } = this.#owner;
    const length = Number(req.headers["content-length"]);
    readBody(
      req,
      limits.maxMessageBytes * (bodies.growth ?? 1),
      (body) => {
        // Another request may have ended the session and this request meanwhile.
        if (this.#owner.post === this) this.#read(body);
      },
      (bytes) => {
        this.bytes += bytes;
        // What is whole is read at once.
        if (this.#owner.post !== this || this.bytes === length) return;
        this.#owner.gathers();
        if (!(length < SMALL_BYTES)) this.#owner.progressed(bytes);
      },
    );
  }

  /** The answer to a POST that is not read to its end, or is bad. */
  reject(status: number): void {
    this.#owner.post = undefined;
    this.#owner.gathers();
    answerEmpty(this.#res, status);
  }

  /** The session is over; the body may take some time to end, too. */
  limit(clock: Clock): void {
    limitEnd(this.#res, clock);
  }

  #refuseSize(): void {
    this.reject(413);
    // A client that got CLOSE before its 413 would not know that it sent too much.
    const cause = new TransportError("ERR_PACKET_TOO_LARGE", "body too large");
    this.#owner.fail("transport error", cause, false);
  }

  /** Its body is dropped. */
  cut(): void {
    this.#owner.post = undefined;
    this.#res.destroy();
  }

  #gone(): void {
    // All of it has come, and is handled, as that of a client which goes right after its answer.
    if (this.#owner.post !== this || this.waits) return;
    this.#owner.post = undefined;
    this.#owner.gathers();
    this.#owner.lose("transport error", failure("data request connection closed prematurely"));
  }

  #read(body: Body): void {
    if (body === undefined) {
      this.#refuseSize();
      return;
    }
    const { turns } = this.#owner;
    const units = unitsOfBody(body.length);
    if (turns.allows(units)) {
      this.#readFrames(body);
    } else {
      this.#body = body;
      turns.wait(this, units);
      this.#owner.gathers();
    }
  }

  /** The body's turn has come. */
  take(): boolean {
    const body = this.#body;
    this.#body = undefined;
    if (body !== undefined && this.#owner.post === this) this.#readFrames(body);
    return false;
  }

  #readFrames(body: Buffer): void {
    const owner = this.#owner;
    let frames: readonly Frame[];
    try {
      frames = owner.isOpen ? this.#decode(body, owner.limits) : [];
    } catch (error) {
      if (error instanceof TransportError && error.code === "ERR_PACKET_TOO_LARGE") {
        this.#refuseSize();
        return;
      }
      this.reject(400);
      owner.fail("parse error", failure("malformed payload", error));
      return;
    }
    let share = DIRECT_UNITS;
    for (let at = 0; at < frames.length; at++) {
      // The frame before may have closed the session.
      if (!owner.isOpen) break;
      const frame = frames[at] as Frame;
      const units = unitsOfFrame(frame);
      if ((units > share && at > 0) || !owner.turns.allows(units)) {
        this.#line = new FrameLine(owner.turns, frames.slice(at), {
          received: (late) => this.#handle(late),
          handled: () => this.#handled(),
        });
        owner.gathers();
        return;
      }
      share -= units;
      owner.received(frame);
    }
    this.#handled();
  }

  #handle(frame: Frame): void {
    if (this.#owner.isOpen && this.#owner.post === this) this.#owner.received(frame);
  }

  #handled(): void {
    const owner = this.#owner;
    this.#line = undefined;
    if (owner.post !== this) return;
    owner.post = undefined;
    owner.gathers();
    owner.numbers?.postRead();
    answerPost(this.#res, owner);
  }
}

/** Tells the client that its POST has come. */
export function answerPost(res: ServerResponse, owner: Pick<PostOwner, "respond">): void {
  // Not text/plain, which some old browsers offer to download.
  owner.respond(res, "ok", {
    "Content-Type": "text/html",
    "Content-Length": "2",
    "cache-control": "no-store",
  });
}
