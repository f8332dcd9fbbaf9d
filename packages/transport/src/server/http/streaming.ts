import type { IncomingMessage, ServerResponse } from "node:http";
import type { CloseReason, Frame, PipeClose, TransportSink } from "@sockeye/protocol";
import { EncodedPacket } from "@sockeye/protocol";
import { type ResponseHeaders, writeHead } from "../request/headers.js";
import type { RequestNumbers } from "../request/request-numbers.js";
import { answerEmpty, failure, type HttpPipe, type HttpPipeHost } from "./http-pipe.js";
import { MISSED, type Post, type PostOwner, receivePost } from "./post.js";
import type { StreamFormat } from "./stream-format.js";
import { StreamResponse, type StreamResponseOwner } from "./stream-response.js";

/** What all streaming pipes of one kind share. */
export interface StreamingHost extends HttpPipeHost {
  readonly format: StreamFormat;
  /** A response ends once it has carried so many bytes, since browsers keep all of it in memory. */
  readonly recycleBytes: number;
  /** How long the client may read nothing of what was written, in ms. */
  readonly writeTimeoutMs: number;
}

/** Packets of the pipe itself. */
const CLOSE = new EncodedPacket("1");
const PROOF = new EncodedPacket("6proof");
const END = new EncodedPacket("6end");

/** The head of the packet by which a session releases a pipe for an upgrade. */
const NOOP = "6";

/** Long enough that what was sent before it has arrived alone, on a path that does not buffer. */
const PROOF_DELAY_MS = 100;

const HEADERS: Readonly<ResponseHeaders> = {
  "Cache-Control": "private, no-store, no-cache, no-transform, must-revalidate, max-age=0",
  Pragma: "no-cache",
  Expires: "0",
  "X-Accel-Buffering": "no",
  "X-Content-Type-Options": "nosniff",
};

/**
 * The accepting end of every transport of the kind "long response down, POST up": frames leave in the response to a GET,
 * which stays open, and come in as POST bodies, one of each at a time. How frames are written is the format's.
 *
 * @see PROTOCOL.md, "Streaming"
 */
export class StreamingPipe implements HttpPipe, PostOwner, StreamResponseOwner {
  readonly name: string;
  origin: string | undefined;
  numbers: RequestNumbers | undefined;
  readonly #sid: string;
  readonly #host: StreamingHost;
  #sink: TransportSink | undefined;
  #state: "open" | "closed" = "open";
  /** The last response; it may have ended. */
  #response: StreamResponse | undefined;
  /** The one before it, while its end is on its way to the network. */
  #unread: StreamResponse | undefined;
  /** Has OPEN not been sent yet? */
  #initial = true;
  post: Post | undefined;

  constructor(sid: string, host: StreamingHost) {
    this.name = host.format.name;
    this.#sid = sid;
    this.#host = host;
  }

  /** A client that asks for more without having read the last response gets no more. */
  get writable(): boolean {
    return this.#state === "open" && this.#unread === undefined && this.#response?.writable === true;
  }

  get bufferedBytes(): number {
    return (this.#response?.bufferedBytes ?? 0) + (this.#unread?.bufferedBytes ?? 0);
  }

  get gatheredBytes(): number {
    return this.post?.bytes ?? 0;
  }

  get unread(): boolean {
    return this.post?.waits === true;
  }

  gathers(): void {
    this.#sink?.holds?.(this);
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  /** One request of the session. The first, the handshake's GET, may come before {@link bind}. */
  handle(req: IncomingMessage, res: ServerResponse, number?: number): void {
    if (req.method === "GET") this.#receiveGet({ req, res, number });
    else if (req.method === "POST") receivePost({ req, res, number }, this);
    else answerEmpty(res, 500);
  }

  send(batch: readonly EncodedPacket[]): void {
    const response = this.#response;
    if (response === undefined || !this.writable) return;
    if (batch.at(-1)?.head === NOOP) {
      response.end([...batch.slice(0, -1), END]);
      return;
    }
    response.send(batch);
    if (response.written >= this.#host.recycleBytes) response.end([END]);
    else if (this.#initial) response.sendLater([PROOF], PROOF_DELAY_MS);
    this.#initial = false;
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  /** For a goodbye with no response open, the next GET within the server's lingering time is told. */
  close(how: PipeClose): void {
    if (how === "shed") {
      this.#unread?.cut();
      // The client is told if it has read all that was written before.
      if (this.bufferedBytes > 0) this.#response?.cut();
      this.post?.cut();
    }
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.post?.limit(this.#host.clock);
    if (this.#response?.isOpen) this.#response.end([how === "goodbye" ? CLOSE : END]);
    else if (how === "goodbye") this.#host.linger(this.#sid, this);
  }

  #receiveGet({
    req,
    res,
    number,
  }: {
    req: IncomingMessage;
    res: ServerResponse;
    number: number | undefined;
  }): void {
    // One that comes after the end is told so, whatever its number.
    const turn = this.isOpen ? (this.numbers?.get(number) ?? "next") : "next";
    if (turn === "earlier") {
      answerEmpty(res, 400);
    } else if (turn === "wrong" || this.#response?.isOpen) {
      this.lose("transport error", failure(turn === "wrong" ? MISSED : "overlap from client"));
      answerEmpty(res, 400);
    } else if (this.#state === "closed") {
      this.#host.forget(this.#sid);
      this.#begin(req, res).end([CLOSE]);
    } else {
      if (this.#response?.isOver === false) this.#unread = this.#response;
      this.#response = this.#begin(req, res);
      if (this.writable) this.#sink?.writable(this);
    }
  }

  #begin(req: IncomingMessage, res: ServerResponse): StreamResponse {
    const writing = this.#host.format.begin(req);
    // As middlewares set it for a whole site. The response's own policy says who may frame it.
    res.removeHeader("X-Frame-Options");
    const initial = this.#initial && this.numbers?.begun !== "claim";
    this.#writeHead(res, { ...writing.headers }, initial);
    return new StreamResponse(res, writing, this, this.#host);
  }

  #writeHead(res: ServerResponse, headers: ResponseHeaders, initial: boolean): void {
    Object.assign(headers, HEADERS);
    this.#host.headers(headers, { sid: this.#sid, req: res.req, initial });
    writeHead(res, 200, headers);
  }

  // ---- from the response

  drained(response: StreamResponse): void {
    if (response === this.#unread) this.#unread = undefined;
    this.#sink?.holds?.(this);
    if (this.writable) this.#sink?.writable(this);
  }

  /**
   * A client that asked for the next response has read all of the last, whatever became of its end.
   */
  gone(response: StreamResponse): void {
    if (response === this.#response) this.lose("transport close", failure("stream closed prematurely"));
    else this.drained(response);
    this.#sink?.holds?.(this);
  }

  late(_response: StreamResponse): void {
    this.fail("transport error", failure("the client does not read"));
  }

  // ---- from the POST

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get limits(): StreamingHost["limits"] {
    return this.#host.limits;
  }

  get turns(): StreamingHost["turns"] {
    return this.#host.turns;
  }

  get bodies(): StreamFormat {
    return this.#host.format;
  }

  progressed(bytes: number): void {
    this.#sink?.progress?.(this, bytes);
  }

  received(frame: Frame): void {
    this.#sink?.frame(this, frame);
  }

  respond(res: ServerResponse, body: string, headers: ResponseHeaders): void {
    this.#writeHead(res, headers, false);
    res.end(body);
  }

  fail(reason: CloseReason, cause: Error, tell = true): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#response?.end([tell ? CLOSE : END]);
    this.post?.reject(400);
    this.#sink?.ended(this, "closed", reason, cause);
  }

  lose(reason: CloseReason, cause: Error): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    // The session may continue, so nothing must say that it is over.
    if (this.numbers === undefined) this.#response?.end([CLOSE]);
    else this.#response?.breakOff();
    this.post?.reject(400);
    this.#sink?.ended(this, "lost", reason, cause);
  }
}
