import { splitPayload } from "@sockeye/codec/payload";
import {
  type CloseReason,
  type EncodedPacket,
  type Frame,
  type PipeClose,
  type PipeEnd,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { httpRequest } from "#http";
import type { HttpAnswer, HttpBody, HttpRequest } from "../shared/http-like.js";
import { addressOf, type Target } from "./target.js";

/** The engine CLOSE packet, which is how either side says goodbye over HTTP. */
const CLOSE = "1";

/** What one kind of transport over HTTP has that the others have not. */
export interface HttpKind {
  readonly name: string;
  /** Name on the wire. Default: the same. */
  readonly transport?: string;
  /**
   * Asks for the next response of the session, or for its first. Never throws. Until {@link ResponseSink.frames} said that
   * the response is over, {@link ResponseSink.failed} was called, or the result was aborted, no other comes.
   */
  receive(address: string, target: Target, sink: ResponseSink): Receiving;
  /** The bodies for a batch, in order. Default: payloads in text. */
  bodiesOf?(batch: readonly EncodedPacket[], target: Target): readonly HttpBody[];
  /** Sends one body. Default: a POST. */
  post?(address: string, body: HttpBody): HttpRequest;
}

/** A response that is awaited or comes in. */
export interface Receiving {
  /** Cancels it. What it still reports is lost. */
  abort(): void;
}

export interface ResponseSink {
  /** Bytes came in that may not be a whole frame yet. */
  progress(bytes: number): void;
  /** These came in. With `over` nothing else comes, and the next response may be asked for. */
  frames(frames: readonly Frame[], over: boolean): void;
  /** It has failed. With `parse error` the server is to blame, otherwise the network. */
  failed(reason: CloseReason, cause: Error): void;
}

/**
 * The dialling end of all transports over HTTP: one GET always waits for what the server has, POSTs carry what this side
 * has, one at a time. The first GET is the handshake, or a POST is the claim of a session and the first GET brings the answer;
 * from then on the pipe is writable whenever no POST is under way.
 *
 * @see PROTOCOL.md, "Polling"
 */
export class HttpTransport implements Transport {
  readonly name: string;
  readonly #kind: HttpKind;
  readonly #target: Target;
  readonly #into: ResponseSink = {
    progress: (bytes) => this.#sink?.progress?.(this, bytes),
    frames: (frames, over) => this.#received(frames, over),
    failed: (reason, cause) => this.#end(reason === "parse error" ? "closed" : "lost", reason, cause),
  };
  /** Nobody after the end, so that nothing more is reported. */
  #sink: TransportSink | undefined;
  /** Counts until its frames are delivered. */
  #response: Receiving | undefined;
  #post: HttpRequest | undefined;
  /** Bodies that wait for the POST under way, since a batch may exceed one. The next is the last. */
  #bodies: HttpBody[] = [];
  /** The numbers of the last requests, in a session that is counted. */
  #gets: number;
  #posts: number;
  /** Has the page said goodbye? It is told twice that it goes. */
  #left = false;
  /** Set from pause to resume: who wants to know that nothing is under way. */
  #paused: (() => void) | undefined;

  constructor(target: Target, kind: HttpKind) {
    this.name = kind.name;
    this.#kind = kind;
    this.#target = target;
    const { claim, counted } = target;
    this.#gets = this.#posts = counted?.requests ?? 0;
    if (claim) this.#claim(String(claim.head));
    else this.#receive();
  }

  get writable(): boolean {
    return (
      this.#sink !== undefined &&
      this.#target.sid !== undefined &&
      this.#post === undefined &&
      this.#paused === undefined
    );
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    this.#bodies = [...(this.#kind.bodiesOf ?? payloadsOf)(batch, this.#target)].reverse();
    this.#next();
  }

  // A GET is under way, always, and is not cut short, for its answer may be coming: the server ends it with a NOOP.
  pause(done: () => void): void {
    this.#paused = done;
  }

  resume(): void {
    if (this.#paused === undefined || this.#sink === undefined) return;
    this.#paused = undefined;
    if (this.#response === undefined) this.#receive();
    this.#tellWritable();
  }

  close(how: PipeClose): void {
    if (how !== "goodbye" || this.#target.sid === undefined) {
      this.#abort();
    } else if (this.#sink !== undefined) {
      this.#sink = undefined;
      // The waiting GET stays until the goodbye is through: a server takes one that breaks off for a broken session.
      this.#bodies.unshift(CLOSE);
      if (this.#post === undefined) this.#next();
    }
  }

  leave(): void {
    const { sid, counted, headers } = this.#target;
    if (!this.#left && sid !== undefined && (counted || this.#sink)) {
      const goodbye = this.#goodbye();
      if (MARK_OF_FIREFOX in globalThis) waitFor(goodbye, this.#target);
      // A beacon has no headers.
      else if (headers || !navigator.sendBeacon?.(goodbye, CLOSE))
        httpRequest(goodbye, this.#target, CLOSE).answer.catch(() => {});
      this.#left = true;
    }
    this.#abort();
  }

  /** Where a goodbye goes that may overtake requests with numbers. */
  #goodbye(): string {
    const address = addressOf({ ...this.#target, claim: undefined }, this.#kind.transport ?? this.name, true);
    return this.#target.counted ? `${address}&resume=leave` : address;
  }

  /** Sends the next body, if there is one. */
  #next(): void {
    const body = this.#bodies.pop();
    if (body === undefined) return;
    this.#ask(body, this.#address(this.#target.counted && ++this.#posts), () => this.#posted());
  }

  /** The server says OPEN in answer to the GET. */
  #claim(claim: string): void {
    // Those of the transports before, which may come late, are known by their numbers.
    const before = this.#posts > 0 ? `&n=${this.#posts}` : "";
    this.#ask(claim, this.#address() + before, () => {
      this.#post = undefined;
      this.#receive();
    });
  }

  #ask(body: HttpBody, address: string, done: () => void): void {
    const failed = (trouble: unknown, how: PipeEnd = "lost"): void =>
      this.#end(how, "transport error", httpError(this.#target, "xhr post error", trouble));
    this.#post = this.#kind.post?.(address, body) ?? httpRequest(address, this.#target, body);
    this.#post.answer.then((answer) => {
      if (answer.status === 200) done();
      else failed(answer, isFinal(answer, body === this.#target.claim?.head) ? "closed" : "lost");
    }, failed);
  }

  #receive(): void {
    const address = this.#address(this.#target.counted && ++this.#gets);
    this.#response = this.#kind.receive(address, this.#target, this.#into);
  }

  #address(number?: number): string {
    const { counted } = this.#target;
    if (counted && number) counted.requests = Math.max(counted.requests, number);
    return addressOf(this.#target, this.#kind.transport ?? this.name, true, number);
  }

  #posted(): void {
    this.#post = undefined;
    if (this.#bodies.length > 0) {
      this.#next();
    } else if (this.#sink === undefined) {
      this.#abort();
    } else {
      this.#tellWritable();
      this.#settle();
    }
  }

  #received(frames: readonly Frame[], over: boolean): void {
    const opening = this.#target.sid === undefined;
    for (const frame of frames) {
      if (this.#sink === undefined) break;
      if (frame === CLOSE) {
        const text = "transport closed by the server";
        this.#end("closed", "transport close", new TransportError("ERR_TRANSPORT_FAILED", text, text));
        return;
      }
      this.#sink.frame(this, frame);
    }
    if (over) this.#response = undefined;
    if (this.#sink === undefined) return;
    if (over && this.#paused === undefined) this.#receive();
    if (opening) this.#tellWritable();
    this.#settle();
  }

  #settle(): void {
    if (this.#response === undefined && this.#post === undefined) this.#paused?.();
  }

  #tellWritable(): void {
    if (this.writable) this.#sink?.writable(this);
  }

  #end(how: PipeEnd, reason: CloseReason, cause: Error): void {
    const sink = this.#sink;
    const isLeaving = sink === undefined && this.#post !== undefined;
    this.#abort();
    sink?.ended(this, how, reason, cause);
    // The goodbye has failed, perhaps with a connection that the server was about to close.
    if (isLeaving && this.#target.counted)
      httpRequest(this.#goodbye(), this.#target, CLOSE).answer.catch(() => {});
  }

  #abort(): void {
    const response = this.#response;
    const post = this.#post;
    this.#sink = undefined;
    this.#bodies = [];
    this.#response = undefined;
    this.#post = undefined;
    response?.abort();
    post?.abort();
  }
}

/** What a closing tab asks for, Firefox cancels, beacons as well, unless the page waits for it. The others would not let it. */
const MARK_OF_FIREFOX = "mozInnerScreenX";

function waitFor(goodbye: string, { headers = {}, withCredentials }: Target): void {
  try {
    const request = new XMLHttpRequest();
    request.open("POST", goodbye, false);
    request.withCredentials = withCredentials;
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(CLOSE);
  } catch {
    // The network is gone, and the server will notice.
  }
}

/** A batch as payloads in text. */
export function payloadsOf(batch: readonly EncodedPacket[], { maxPayload }: Target): HttpBody[] {
  return splitPayload(batch, maxPayload ?? Number.POSITIVE_INFINITY);
}

/** Would another try end in the same way? Any other trouble may be that of something between the two ends. */
function isFinal({ status, responseText }: HttpAnswer, isClaim: boolean): boolean {
  // The body is too large; or a claim is refused, as there is no such session.
  return status === 413 || (isClaim && status === 400 && responseText.includes('"code":1,'));
}

/** @param trouble an answer that is no success, or the error in its place */
export function httpError(target: Target, message: string, trouble: unknown): TransportError {
  const code = target.sid === undefined ? "ERR_TRANSPORT_OPEN" : "ERR_TRANSPORT_FAILED";
  const status = (trouble as Partial<HttpAnswer> | undefined)?.status;
  return new TransportError(code, message, status ?? trouble, trouble);
}
