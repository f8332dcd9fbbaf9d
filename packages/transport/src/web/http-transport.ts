import { splitPayload } from "@sockeye/codec/payload";
import {
  type CloseReason,
  type EncodedPacket,
  type Frame,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { httpRequest } from "#http";
import type { HttpAnswer, HttpBody, HttpRequest } from "../http-like.js";
import { addressOf, type Target } from "./target.js";

/** The engine CLOSE packet, which is how either side says goodbye over HTTP. */
const CLOSE = "1";

/** What one kind of transport over HTTP has that the others have not. */
export interface HttpKind {
  /** Name on the wire. */
  readonly name: string;
  /**
   * Asks for the next response of the session, or for its first. Never throws. Until {@link ResponseSink.frames} said that
   * the response is over, {@link ResponseSink.failed} was called, or the result was aborted, there is no other.
   */
  receive(target: Target, sink: ResponseSink): Receiving;
  /** The bodies for a batch, in order. Default: payloads in text. */
  bodiesOf?(batch: readonly EncodedPacket[], target: Target): readonly HttpBody[];
  /** Sends one body. Default: a POST to the transport's address. */
  post?(target: Target, body: HttpBody): HttpRequest;
}

/** A response that is awaited or comes in. */
export interface Receiving {
  /** Cancels it. What it still reports is lost. */
  abort(): void;
}

export interface ResponseSink {
  /** These came in. With `over` nothing else comes, and the next response may be asked for. */
  frames(frames: readonly Frame[], over: boolean): void;
  /** It has failed. */
  failed(reason: CloseReason, cause: Error): void;
}

/**
 * The dialling end of all transports over HTTP: one GET always waits for what the server has, POSTs carry what this side
 * has, one at a time. The first GET is the handshake; from then on the pipe is writable whenever no POST is under way.
 *
 * @see PROTOCOL.md, "Polling"
 */
export class HttpTransport implements Transport {
  readonly name: string;
  readonly #kind: HttpKind;
  readonly #target: Target;
  readonly #into: ResponseSink = {
    frames: (frames, over) => this.#received(frames, over),
    failed: (reason, cause) => this.#end(reason, cause),
  };
  /** Nobody after the end, so that nothing more is reported. */
  #sink: TransportSink | undefined;
  /** Counts until its frames are delivered. */
  #response: Receiving | undefined;
  #post: HttpRequest | undefined;
  /** Bodies that wait for the POST under way, since a batch may exceed one. */
  #bodies: HttpBody[] = [];
  /** Set from pause to resume: who wants to know that nothing is under way. */
  #paused: (() => void) | undefined;

  constructor(target: Target, kind: HttpKind) {
    this.name = kind.name;
    this.#kind = kind;
    this.#target = target;
    this.#response = kind.receive(target, this.#into);
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
    this.#bodies = [...(this.#kind.bodiesOf ?? payloadsOf)(batch, this.#target)];
    this.#next();
  }

  // A GET is under way, always, and is not cut short, for its answer may be coming: the server ends it with a NOOP.
  pause(done: () => void): void {
    this.#paused = done;
  }

  resume(): void {
    if (this.#paused === undefined || this.#sink === undefined) return;
    this.#paused = undefined;
    this.#response ??= this.#kind.receive(this.#target, this.#into);
    this.#tellWritable();
  }

  close(goodbye: boolean): void {
    if (!goodbye || this.#target.sid === undefined) {
      this.#abort();
    } else if (this.#sink !== undefined) {
      this.#sink = undefined;
      // The waiting GET stays until the goodbye is through: a server takes one that breaks off for a broken session.
      this.#bodies.push(CLOSE);
      if (this.#post === undefined) this.#next();
    }
  }

  /** Sends the next body, if there is one. */
  #next(): void {
    const body = this.#bodies.shift();
    if (body === undefined) return;
    this.#post =
      this.#kind.post?.(this.#target, body) ??
      httpRequest(addressOf(this.#target, this.name, true), this.#target, body);
    const ended = (answer: HttpAnswer | undefined, error?: unknown): void => {
      if (answer?.status === 200) this.#posted();
      else this.#end("transport error", httpError(this.#target, "xhr post error", answer ?? error));
    };
    this.#post.answer.then(ended, (error: unknown) => ended(undefined, error));
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
        this.#end("transport close", new TransportError("ERR_TRANSPORT_FAILED", text, text));
        return;
      }
      this.#sink.frame(this, frame);
    }
    if (over) this.#response = undefined;
    if (this.#sink === undefined) return;
    if (over && this.#paused === undefined) this.#response = this.#kind.receive(this.#target, this.#into);
    if (opening) this.#tellWritable();
    this.#settle();
  }

  #settle(): void {
    if (this.#response === undefined && this.#post === undefined) this.#paused?.();
  }

  #tellWritable(): void {
    if (this.writable) this.#sink?.writable(this);
  }

  #end(reason: CloseReason, cause: Error): void {
    const sink = this.#sink;
    this.#abort();
    sink?.closed(this, reason, cause);
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

/** A batch as payloads in text. */
export function payloadsOf(batch: readonly EncodedPacket[], { maxPayload }: Target): HttpBody[] {
  return splitPayload(batch, maxPayload ?? Number.POSITIVE_INFINITY);
}

/** @param trouble an answer that is no success, or the error in its place */
export function httpError(target: Target, message: string, trouble: unknown): TransportError {
  const code = target.sid === undefined ? "ERR_TRANSPORT_OPEN" : "ERR_TRANSPORT_FAILED";
  const status = (trouble as Partial<HttpAnswer> | undefined)?.status;
  return new TransportError(code, message, status ?? trouble, trouble);
}
