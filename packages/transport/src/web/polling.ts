import { decodePayload, splitPayload } from "@sockeye/codec/payload";
import {
  type CloseReason,
  type EncodedPacket,
  type Frame,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import { httpRequest } from "#http";
import type { HttpAnswer, HttpRequest } from "../http-like.js";
import { addressOf, type Target } from "./target.js";

/** The engine CLOSE packet, which is how either side of a polling session says goodbye. */
const CLOSE = "1";

// A stock server answers with all that it has queued, however many packets that are.
const NO_LIMIT = { maxPacketsPerPayload: Number.POSITIVE_INFINITY };

type Kind = "poll" | "post";

/**
 * The dialling end of HTTP long-polling: one GET always waits for what the server has, POSTs carry what this side has,
 * one at a time. The first GET is the handshake; from its answer on the pipe is writable whenever no POST is under way.
 *
 * @see PROTOCOL.md, "Polling"
 */
export class PollingTransport implements Transport {
  static readonly transportName = "polling";
  readonly name = "polling";
  readonly #target: Target;
  /** Nobody after the end, so that nothing more is reported. */
  #sink: TransportSink | undefined;
  /** The requests under way. A poll counts until its frames are delivered. */
  #requests: { [kind in Kind]?: HttpRequest | undefined } = {};
  /** Bodies that wait for the POST under way, since a batch may exceed one. */
  #bodies: string[] = [];
  /** Set from pause to resume: who wants to know that nothing is under way. */
  #paused: (() => void) | undefined;

  constructor(target: Target) {
    this.#target = target;
    this.#request("poll");
  }

  get writable(): boolean {
    return (
      this.#sink !== undefined &&
      this.#target.sid !== undefined &&
      this.#requests.post === undefined &&
      this.#paused === undefined
    );
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    this.#bodies = splitPayload(batch, this.#target.maxPayload ?? Number.POSITIVE_INFINITY);
    this.#post();
  }

  // A poll is under way, always, and is not cut short, for its answer may be coming: the server ends it with a NOOP.
  pause(done: () => void): void {
    this.#paused = done;
  }

  resume(): void {
    if (this.#paused === undefined || this.#sink === undefined) return;
    this.#paused = undefined;
    if (this.#requests.poll === undefined) this.#request("poll");
    this.#tellWritable();
  }

  close(goodbye: boolean): void {
    if (!goodbye || this.#target.sid === undefined) {
      this.#abort();
    } else if (this.#sink !== undefined) {
      this.#sink = undefined;
      // The waiting poll stays until the goodbye is through: a server takes one that breaks off for a broken session.
      this.#bodies.push(CLOSE);
      if (this.#requests.post === undefined) this.#post();
    }
  }

  #post(): void {
    const body = this.#bodies.shift();
    if (body !== undefined) this.#request("post", body);
  }

  #request(kind: Kind, body?: string): void {
    const request = httpRequest(addressOf(this.#target, "polling", true), this.#target, body);
    this.#requests[kind] = request;
    const ended = (answer: HttpAnswer | undefined, error?: unknown): void => {
      if (answer?.status !== 200) this.#failed(`xhr ${kind} error`, answer, error);
      else if (kind === "poll") this.#polled(answer.responseText);
      else this.#posted();
    };
    request.answer.then(ended, (error: unknown) => ended(undefined, error));
  }

  #polled(body: string): void {
    const opening = this.#target.sid === undefined;
    let frames: Frame[];
    try {
      frames = decodePayload(body, NO_LIMIT);
    } catch (error) {
      this.#end("parse error", error as Error);
      return;
    }
    for (const frame of frames) {
      if (this.#sink === undefined) break;
      if (frame === CLOSE) {
        const text = "transport closed by the server";
        this.#end("transport close", new TransportError("ERR_TRANSPORT_FAILED", text, text));
        return;
      }
      this.#sink.frame(this, frame);
    }
    this.#requests.poll = undefined;
    if (this.#sink === undefined) return;
    if (this.#paused === undefined) this.#request("poll");
    if (opening) this.#tellWritable();
    this.#settle();
  }

  #posted(): void {
    this.#requests.post = undefined;
    if (this.#bodies.length > 0) {
      this.#post();
    } else if (this.#sink === undefined) {
      this.#abort();
    } else {
      this.#tellWritable();
      this.#settle();
    }
  }

  #settle(): void {
    if (this.#requests.poll === undefined && this.#requests.post === undefined) this.#paused?.();
  }

  #tellWritable(): void {
    if (this.writable) this.#sink?.writable(this);
  }

  #failed(message: string, answer: HttpAnswer | undefined, error: unknown): void {
    const code = this.#target.sid === undefined ? "ERR_TRANSPORT_OPEN" : "ERR_TRANSPORT_FAILED";
    const description = answer === undefined ? error : answer.status;
    this.#end("transport error", new TransportError(code, message, description, answer ?? error));
  }

  #end(reason: CloseReason, cause: Error): void {
    const sink = this.#sink;
    this.#abort();
    sink?.closed(this, reason, cause);
  }

  #abort(): void {
    const { poll, post } = this.#requests;
    this.#sink = undefined;
    this.#bodies = [];
    this.#requests = {};
    poll?.abort();
    post?.abort();
  }
}
