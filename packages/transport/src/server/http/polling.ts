import type { IncomingMessage, ServerResponse } from "node:http";
import type { CloseReason, Frame, PipeClose, TransportSink } from "@sockeye/protocol";
import { EncodedPacket } from "@sockeye/protocol";
import { acceptedEncoding, compressBody, type HttpCompression } from "../request/compression.js";
import { type ResponseHeaders, writeHead } from "../request/headers.js";
import type { RequestNumbers } from "../request/request-numbers.js";
import { answerEmpty, failure, type HttpPipe, type HttpPipeHost, limitEnd } from "./http-pipe.js";
import type { PayloadFormat } from "./payload-format.js";
import { MISSED, type Post, type PostOwner, receivePost } from "./post.js";

/** What all polling pipes of a server that speak one revision share. */
export interface PollingHost extends HttpPipeHost {
  /** How bodies are written and read. */
  readonly format: PayloadFormat;
  /** Of bodies that go out; `undefined`: never compressed. */
  readonly compression: HttpCompression | undefined;
}

/** Packets that a pipe writes by itself. */
const CLOSE = new EncodedPacket("1");
const NOOP = new EncodedPacket("6");

const TEXT = "text/plain; charset=UTF-8";
const OCTETS = "application/octet-stream";

/**
 * The accepting end of long-polling: frames leave in the answer to a waiting GET and come in as POST bodies, one of each
 * at a time. The router calls {@link handle} with each of this session's; each gets exactly one answer.
 *
 * @see PROTOCOL.md, "Polling"
 */
export class PollingPipe implements HttpPipe, PostOwner {
  static readonly transportName = "polling";
  readonly name = "polling";
  origin: string | undefined;
  numbers: RequestNumbers | undefined;
  readonly #sid: string;
  readonly #host: PollingHost;
  #sink: TransportSink | undefined;
  #state: "open" | "closed" = "open";
  /** The GET that waits for packets. */
  #poll: ServerResponse | undefined;
  /** The GET whose answer is being compressed. */
  #compressing: ServerResponse | undefined;
  post: Post | undefined;
  /** The GET whose answer is on its way to the network. */
  #answered: ServerResponse | undefined;
  #initial = true;
  /** Has the session itself said that it is over? */
  #isEndTold = false;

  constructor(sid: string, host: PollingHost) {
    this.#sid = sid;
    this.#host = host;
  }

  /** A client that asks for more without having read the last answer gets no more. */
  get writable(): boolean {
    return this.#poll !== undefined && this.#answered === undefined;
  }

  get bufferedBytes(): number {
    return this.#answered?.writableLength ?? 0;
  }

  get gatheredBytes(): number {
    return this.post?.bytes ?? 0;
  }

  gathers(): void {
    this.#sink?.holds?.(this);
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get limits(): PollingHost["limits"] {
    return this.#host.limits;
  }

  get turns(): PollingHost["turns"] {
    return this.#host.turns;
  }

  get bodies(): PayloadFormat {
    return this.#host.format;
  }

  get unread(): boolean {
    return this.post?.waits === true;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  /** One request of the session. The first, the handshake's GET, may come before {@link bind}. */
  handle(req: IncomingMessage, res: ServerResponse, number?: number): void {
    if (req.method === "GET") this.#receivePoll(res, number);
    else if (req.method === "POST") receivePost({ req, res, number }, this);
    else answerEmpty(res, 500);
  }

  send(batch: readonly EncodedPacket[]): void {
    const res = this.#poll;
    if (res === undefined) return;
    this.#poll = undefined;
    const last = batch.at(-1)?.head;
    this.#isEndTold = typeof last === "string" && last.startsWith("1");
    this.#answer(res, this.#host.format.encode(batch), batch.some(wantsCompression));
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  /** For a goodbye with no GET waiting, the next GET within the server's lingering time is told. */
  close(how: PipeClose): void {
    if (how === "shed") {
      const unread = this.#answered;
      this.#answered = undefined;
      unread?.destroy();
      this.post?.cut();
    }
    if (this.#state === "closed") return;
    this.#state = "closed";
    const unread = this.#answered;
    const told = this.#release(how === "goodbye" ? CLOSE : NOOP);
    if (unread) limitEnd(unread, this.#host.clock);
    this.post?.limit(this.#host.clock);
    if (how === "goodbye" && !told && !this.#isEndTold) this.#host.linger(this.#sid, this);
  }

  #receivePoll(res: ServerResponse, number: number | undefined): void {
    // One that comes after the end is told so, whatever its number.
    const turn = this.isOpen ? (this.numbers?.get(number) ?? "next") : "next";
    if (turn === "earlier") {
      answerEmpty(res, 400);
    } else if (turn === "wrong" || this.#poll !== undefined || this.#compressing !== undefined) {
      this.lose("transport error", failure(turn === "wrong" ? MISSED : "overlap from client"));
      answerEmpty(res, 400);
    } else if (this.#state === "closed") {
      this.#host.forget(this.#sid);
      this.#answer(res, this.#host.format.encode([CLOSE]), false);
    } else {
      this.#poll = res;
      res.on("close", () => this.#pollGone(res));
      if (this.writable) this.#sink?.writable(this);
    }
  }

  #pollGone(res: ServerResponse): void {
    if (res === this.#answered) {
      this.#answered = undefined;
      this.#sink?.holds?.(this);
      if (this.writable) this.#sink?.writable(this);
      return;
    }
    if (res !== this.#poll && res !== this.#compressing) return;
    this.#poll = undefined;
    this.#compressing = undefined;
    this.lose("transport error", failure("poll connection closed prematurely"));
  }

  progressed(bytes: number): void {
    this.#sink?.progress?.(this, bytes);
  }

  received(frame: Frame): void {
    this.#sink?.frame(this, frame);
  }

  #answer(res: ServerResponse, body: Frame, compressible: boolean): void {
    const options = compressible ? this.#host.compression : undefined;
    const length = Buffer.byteLength(body);
    const isText = typeof body === "string";
    const headers = headersOf(isText ? TEXT : OCTETS, length);
    if (isText) Object.assign(headers, this.#host.format.textHeaders);
    const encoding =
      options === undefined || length < (options.threshold ?? 0)
        ? undefined
        : acceptedEncoding(headerText(res.req.headers["accept-encoding"]));
    if (options === undefined || encoding === undefined) {
      this.#respondPoll(res, body, headers);
      return;
    }
    this.#compressing = res;
    compressBody(body, { encoding, options }, (bytes) => {
      // The client has gone meanwhile.
      if (this.#compressing !== res) return;
      this.#compressing = undefined;
      if (bytes !== undefined) {
        headers["Content-Encoding"] = encoding;
        headers["Content-Length"] = `${bytes.length}`;
      }
      this.#respondPoll(res, bytes ?? body, headers);
    });
  }

  #respondPoll(res: ServerResponse, body: Frame, headers: ResponseHeaders): void {
    const initial = this.#initial && this.numbers?.begun !== "claim";
    this.#initial = false;
    this.#answered = res;
    this.respond(res, body, headers, initial);
  }

  respond(res: ServerResponse, body: Frame, headers: ResponseHeaders, initial = false): void {
    this.#host.headers(headers, { sid: this.#sid, req: res.req, initial });
    writeHead(res, 200, headers);
    res.end(body);
  }

  /** Answers the GET that waits. False if none does. */
  #release(last: EncodedPacket): boolean {
    const res = this.#poll;
    if (res === undefined) return false;
    this.#poll = undefined;
    this.#answer(res, this.#host.format.encode([last]), false);
    return true;
  }

  fail(reason: CloseReason, cause: Error, tell = true): void {
    if (this.#state === "closed") return;
    this.#end(() => this.#release(tell ? CLOSE : NOOP));
    this.#sink?.ended(this, "closed", reason, cause);
  }

  lose(reason: CloseReason, cause: Error): void {
    if (this.#state === "closed") return;
    // The session may continue, so nothing must say that it is over.
    this.#end(() => (this.numbers === undefined ? this.#release(CLOSE) : this.#refusePoll()));
    this.#sink?.ended(this, "lost", reason, cause);
  }

  #end(release: () => void): void {
    this.#state = "closed";
    const unread = this.#answered;
    release();
    if (unread) limitEnd(unread, this.#host.clock);
    this.post?.reject(400);
  }

  #refusePoll(): void {
    const res = this.#poll;
    this.#poll = undefined;
    if (res !== undefined) answerEmpty(res, 400);
  }
}

/** All in one literal, since one is made for each answer. */
function headersOf(type: string, length: number): ResponseHeaders {
  return { "Content-Type": type, "Content-Length": `${length}`, "cache-control": "no-store" };
}

function wantsCompression(packet: EncodedPacket): boolean {
  return packet.compress;
}

function headerText(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "object" ? header.join() : header;
}
