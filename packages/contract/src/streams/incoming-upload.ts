import { OWN_EVENTS, StreamError } from "@sockeye/protocol";
import { CallError, isCallError } from "../call-error.js";
import type { Keeper, KeptWork } from "./kept.js";
import type { OpenRequest } from "./requests.js";
import type { Outcome } from "./run.js";
import { failure, failureOf, internal } from "./run.js";
import type { StreamPeer, UploadRule } from "./stream-peer.js";
import { UploadBody } from "./upload-body.js";
import type { FileClaim } from "./upload-types.js";

/** The streams of a socket, as one of its uploads sees them. */
export interface UploadHost {
  readonly peer: StreamPeer;
  /** Its number there. */
  readonly n: number;
  /** Bytes of all uploads of the socket that may be unread. */
  readonly maxUnreadBytes: number;
  /** Streams and uploads that are open. */
  readonly size: number;
  /** It is over, for this socket: the client is told, if it still waits. */
  over(outcome: Outcome): void;
  /** The app's code has ended as well, or the upload continues over another socket. */
  settled(): void;
}

/** Bytes that even the last of many uploads may have under way. */
const LEAST_WINDOW = 8192;

/** An upload at the server: one run of a handler, and the bytes for it. One that is kept outlives its socket. */
export class IncomingUpload implements KeptWork {
  outcome: Outcome | undefined = undefined;
  isWatched = true;
  bytes = 0;
  /** Set if it is kept. */
  keeper: Keeper | undefined = undefined;
  #host: UploadHost;
  readonly #name: string;
  readonly #body: UploadBody;
  readonly #controller = new AbortController();

  /** @throws CallError `ERR_STREAM_LIMIT` */
  constructor(host: UploadHost, { name, file }: OpenRequest, { maxBytes }: UploadRule) {
    this.#host = host;
    this.#name = name;
    const { size } = file as FileClaim;
    if ((size ?? 0) > maxBytes)
      throw new CallError("ERR_STREAM_LIMIT", undefined, { message: `more than ${maxBytes} bytes` });
    this.#body = new UploadBody(
      {
        // All uploads of a socket share what may be unread.
        window: () => {
          const { maxUnreadBytes: all, size: open } = this.#host;
          return Math.max(Math.min(LEAST_WINDOW, all), Math.floor(all / open));
        },
        grant: (read, upto) => this.#host.peer.send(OWN_EVENTS.taken, [this.#host.n, read, upto]),
        hold: (bytes) => this.#host.peer.holdBytes(bytes),
        release: (bytes) => this.#host.peer.releaseBytes(bytes),
      },
      size,
      maxBytes,
    );
  }

  begin({ handler }: UploadRule, { input, file, id }: OpenRequest): void {
    const body = this.#body;
    const { socket } = this.#host.peer;
    const { signal } = this.#controller;
    const uploaded = {
      ...(file as FileClaim),
      input,
      get received() {
        return body.received;
      },
      [Symbol.asyncIterator]: () => body,
    };
    const context = { socket, name: this.#name, id, signal };
    const run = async (): Promise<unknown> =>
      handler.call(socket as never, uploaded as never, context as never);
    body.start();
    run()
      .then(
        (value) => this.#over(value === undefined ? {} : { value }),
        (error: unknown) => {
          // A producer that was told to stop, and says so, has not failed.
          const isTheStop = signal.aborted && (error === signal.reason || error instanceof StreamError);
          if (!isTheStop && !isCallError(error)) this.#host.peer.reportError(error, this.#name);
          this.#over(failureOf(error));
        },
      )
      .then(() => {
        this.#end("ERR_STREAM_CANCELLED", "the upload is over");
        this.#host.settled();
      });
  }

  /** Its client is back, on this connection: it sends what the handler has not read. */
  attach(host: UploadHost): void {
    const before = this.#host;
    if (this.outcome) {
      host.over(this.outcome);
      host.settled();
      return;
    }
    if (this.isWatched)
      before.over(failure("ERR_STREAM_CANCELLED", "the upload continues over another connection"));
    this.#body.rewind();
    before.settled();
    this.#host = host;
    this.isWatched = true;
    this.#body.start();
    this.keeper?.touch();
  }

  /** A frame has come. */
  take(event: unknown, value: unknown, bytes: unknown): void {
    const wrong =
      event === OWN_EVENTS.item
        ? this.#body.chunk(value, bytes)
        : event === OWN_EVENTS.end
          ? this.#body.finish()
          : (["ERR_STREAM_FRAME", "a client's upload is not taken by the client"] as const);
    if (!wrong) return;
    this.#over(failure(...wrong));
    this.#end("ERR_STREAM_CANCELLED", wrong[1]);
  }

  /** The client has stopped it. */
  stop(): void {
    this.#end("ERR_STREAM_CANCELLED", "the client has stopped the upload");
  }

  /** The client has gone. */
  detach(): void {
    this.isWatched = false;
    if (!this.keeper) this.giveUp();
    else if (!this.outcome) {
      this.#body.rewind();
      this.keeper.touch();
    }
  }

  giveUp(): void {
    this.#end("ERR_STREAM_DISCONNECTED", "the client has gone");
  }

  close(): void {
    this.#end("ERR_STREAM_CANCELLED", "the server closes");
  }

  #end(code: "ERR_STREAM_CANCELLED" | "ERR_STREAM_DISCONNECTED", message: string): void {
    if (this.#controller.signal.aborted) return;
    this.#over(failure(code, message));
    const error = new StreamError(code, message);
    this.#body.fail(error);
    this.#controller.abort(error);
  }

  #over(outcome: Outcome): void {
    if (this.outcome) return;
    this.outcome = this.keeper ? this.#kept(outcome, this.keeper) : outcome;
    if (this.isWatched) this.#host.over(outcome);
    this.isWatched = false;
    this.keeper?.touch();
  }

  /** What a client is told that asks once more. */
  #kept(outcome: Outcome, keeper: Keeper): Outcome {
    if (!("value" in outcome)) return outcome;
    try {
      return keeper.grow(outcome.value)
        ? outcome
        : failure("ERR_STREAM_LIMIT", "the answer is too large to be kept");
    } catch {
      // The client that is there is told the same: it cannot be encoded.
      return internal();
    }
  }
}
