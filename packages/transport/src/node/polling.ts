import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type CloseReason,
  EncodedPacket,
  type Frame,
  type Limits,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { acceptedEncoding, compressBody, type HttpCompression } from "./compression.js";
import { type ResponseHeaders, writeHead } from "./headers.js";
import type { PayloadFormat } from "./payload-format.js";
import { type Body, readBody } from "./request-body.js";

/** What all polling pipes of a server that speak one revision share. */
export interface PollingHost {
  /** How bodies are written and read. */
  readonly format: PayloadFormat;
  /** Of bodies that come in. */
  readonly limits: Pick<Limits, "maxMessageBytes" | "maxPacketsPerPayload">;
  /** Of bodies that go out; `undefined`: never compressed. */
  readonly compression: HttpCompression | undefined;
  /** May change the headers of a response with status 200. `initial`: it is the one that carries OPEN. Must not throw. */
  headers(headers: ResponseHeaders, context: { sid: string; req: IncomingMessage; initial: boolean }): void;
  /** The session has closed while no request was there to say so: keep the pipe for the next one, for a while. */
  linger(sid: string, pipe: PollingPipe): void;
  /** The lingering pipe has said goodbye. */
  forget(sid: string): void;
}

/** Packets that a pipe writes by itself. */
const CLOSE = new EncodedPacket("1");
const NOOP = new EncodedPacket("6");

const TEXT = "text/plain; charset=UTF-8";
const OCTETS = "application/octet-stream";

/**
 * The accepting end of long-polling: frames leave in the answer to a waiting GET and come in as POST bodies, one of each
 * at a time. Whoever routes requests calls {@link handle} with each of this session's; each gets exactly one answer.
 *
 * @see PROTOCOL.md, "Polling"
 */
export class PollingPipe implements Transport {
  static readonly transportName = "polling";
  readonly name = "polling";
  readonly #sid: string;
  readonly #host: PollingHost;
  #sink: TransportSink | undefined;
  #state: "open" | "closed" = "open";
  /** The GET that waits for packets. */
  #poll: ServerResponse | undefined;
  /** The GET whose answer is being compressed. */
  #compressing: ServerResponse | undefined;
  /** The POST whose body is being read. */
  #post: ServerResponse | undefined;
  #initial = true;

  constructor(sid: string, host: PollingHost) {
    this.#sid = sid;
    this.#host = host;
  }

  get writable(): boolean {
    return this.#poll !== undefined;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  /** One request of the session. The first, the handshake's GET, may come before {@link bind}. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    if (req.method === "GET") this.#receivePoll(res);
    else if (req.method === "POST") this.#receivePost(req, res);
    else answerEmpty(res, 500);
  }

  send(batch: readonly EncodedPacket[]): void {
    const res = this.#poll;
    if (res === undefined) return;
    this.#poll = undefined;
    this.#answer(res, this.#host.format.encode(batch), batch.some(wantsCompression));
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  /** With `goodbye` and no GET waiting, the next GET within the server's lingering time is told. */
  close(goodbye: boolean): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    const told = this.#release(goodbye ? CLOSE : NOOP);
    if (goodbye && !told) this.#host.linger(this.#sid, this);
  }

  #receivePoll(res: ServerResponse): void {
    if (this.#poll !== undefined || this.#compressing !== undefined) {
      this.#fail("transport error", failure("overlap from client"));
      answerEmpty(res, 400);
    } else if (this.#state === "closed") {
      this.#host.forget(this.#sid);
      this.#answer(res, this.#host.format.encode([CLOSE]), false);
    } else {
      this.#poll = res;
      res.on("close", () => this.#pollGone(res));
      this.#sink?.writable(this);
    }
  }

  #pollGone(res: ServerResponse): void {
    if (res !== this.#poll && res !== this.#compressing) return;
    this.#poll = undefined;
    this.#compressing = undefined;
    this.#fail("transport error", failure("poll connection closed prematurely"));
  }

  #receivePost(req: IncomingMessage, res: ServerResponse): void {
    const overlap = this.#post !== undefined;
    const { format } = this.#host;
    const isBinary = req.headers["content-type"]?.startsWith(OCTETS) === true;
    const decode = isBinary ? format.decodeBytes : format.decodeText;
    if (overlap || decode === undefined) {
      this.#fail(
        "transport error",
        failure(overlap ? "data request overlap from client" : "invalid content"),
      );
      answerEmpty(res, 400);
      return;
    }
    this.#post = res;
    res.on("close", () => this.#postGone(res));
    readBody(req, this.#host.limits.maxMessageBytes, (body) => {
      // Another request may have ended the session and this request meanwhile.
      if (this.#post === res) this.#read(res, body, decode);
    });
  }

  #postGone(res: ServerResponse): void {
    if (res !== this.#post) return;
    this.#post = undefined;
    this.#fail("transport error", failure("data request connection closed prematurely"));
  }

  #read(res: ServerResponse, body: Body, decode: PayloadFormat["decodeText"]): void {
    if (body === undefined) {
      this.#rejectPost(res, 413);
      // A client that got CLOSE before its 413 would not know that it sent too much.
      this.#fail("transport error", failure("body too large"), NOOP);
      return;
    }
    let frames: readonly Frame[];
    try {
      frames = this.#state === "open" ? decode(body, this.#host.limits) : [];
    } catch (error) {
      this.#rejectPost(res, 400);
      this.#fail("parse error", failure("malformed payload", error));
      return;
    }
    for (const frame of frames) {
      // The frame before may have closed the session.
      if (this.#state === "open") this.#sink?.frame(this, frame);
    }
    this.#post = undefined;
    // Not text/plain, which some old browsers offer to download.
    this.#respond(res, "ok", { "Content-Type": "text/html", "Content-Length": "2" });
  }

  #rejectPost(res: ServerResponse, status: number): void {
    this.#post = undefined;
    answerEmpty(res, status);
  }

  #answer(res: ServerResponse, body: Frame, compressible: boolean): void {
    const options = compressible ? this.#host.compression : undefined;
    const type = typeof body === "string" ? TEXT : OCTETS;
    const length = Buffer.byteLength(body);
    const encoding =
      options === undefined || length < (options.threshold ?? 0)
        ? undefined
        : acceptedEncoding(headerText(res.req.headers["accept-encoding"]));
    if (options === undefined || encoding === undefined) {
      this.#respondPoll(res, body, { "Content-Type": type, "Content-Length": `${length}` });
      return;
    }
    this.#compressing = res;
    compressBody(body, { encoding, options }, (bytes) => {
      // The client has gone meanwhile.
      if (this.#compressing !== res) return;
      this.#compressing = undefined;
      if (bytes === undefined) {
        this.#respondPoll(res, body, { "Content-Type": type, "Content-Length": `${length}` });
      } else {
        const size = `${bytes.length}`;
        this.#respondPoll(res, bytes, {
          "Content-Type": type,
          "Content-Encoding": encoding,
          "Content-Length": size,
        });
      }
    });
  }

  #respondPoll(res: ServerResponse, body: Frame, headers: ResponseHeaders): void {
    const initial = this.#initial;
    this.#initial = false;
    this.#respond(res, body, headers, initial);
  }

  #respond(res: ServerResponse, body: Frame, headers: ResponseHeaders, initial = false): void {
    headers["cache-control"] = "no-store";
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

  #fail(reason: CloseReason, cause: Error, lastWord: EncodedPacket = CLOSE): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#release(lastWord);
    const post = this.#post;
    this.#post = undefined;
    if (post !== undefined) answerEmpty(post, 400);
    this.#sink?.closed(this, reason, cause);
  }
}

function wantsCompression(packet: EncodedPacket): boolean {
  return packet.compress;
}

function answerEmpty(res: ServerResponse, status: number): void {
  res.writeHead(status, { "Content-Length": "0" });
  res.end();
}

function failure(message: string, cause?: unknown): TransportError {
  return new TransportError("ERR_TRANSPORT_FAILED", message, cause);
}

function headerText(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "object" ? header.join() : header;
}
