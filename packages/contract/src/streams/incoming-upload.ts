import { OWN_EVENTS, StreamError } from "@sockeye/protocol";
import { CallError, isCallError } from "../call-error.js";
import type { OpenRequest } from "./requests.js";
import type { Outcome } from "./run.js";
import { failureOf } from "./run.js";
import type { StreamPeer, StreamTable, UploadRule } from "./stream-table.js";
import { UploadBody } from "./upload-body.js";
import type { FileClaim } from "./upload-types.js";

/** The streams of a socket, as its uploads see them. */
export interface UploadHost {
  readonly peer: StreamPeer;
  readonly table: StreamTable;
  /** Streams and uploads that are open. */
  readonly size: number;
  /** It is over: this is told to the client, if it still waits. */
  over(outcome: Outcome): void;
  /** The app's code has ended as well. */
  settled(): void;
}

/** Bytes that even the last of many uploads may have under way. */
const LEAST_WINDOW = 8192;

/** An upload at the server: one run of a handler, and the bytes for it. */
export class IncomingUpload {
  readonly #host: UploadHost;
  readonly #name: string;
  readonly #body: UploadBody;
  readonly #controller = new AbortController();

  constructor(host: UploadHost, n: number, { name, file }: OpenRequest, { maxBytes }: UploadRule) {
    this.#host = host;
    this.#name = name;
    const { peer, table } = host;
    const { size } = file as FileClaim;
    if ((size ?? 0) > maxBytes)
      throw new CallError("ERR_STREAM_LIMIT", undefined, { message: `more than ${maxBytes} bytes` });
    this.#body = new UploadBody(
      {
        // All uploads of a socket share what may be unread.
        window: () => {
          const all = table.limits.maxUnreadUploadBytes;
          return Math.max(Math.min(LEAST_WINDOW, all), Math.floor(all / host.size));
        },
        grant: (read, upto) => peer.send(OWN_EVENTS.taken, [n, read, upto]),
        hold: (bytes) => peer.holdBytes(bytes),
        release: (bytes) => peer.releaseBytes(bytes),
      },
      size,
      maxBytes,
    );
  }

  begin({ handler }: UploadRule, { input, file }: OpenRequest): void {
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
    const run = async (): Promise<unknown> =>
      handler.call(socket as never, uploaded as never, { socket, name: this.#name, signal } as never);
    body.start();
    run()
      .then(
        (value) => this.#host.over(value === undefined ? {} : { value }),
        (error: unknown) => {
          // Who was told to stop, and says so, has not failed.
          const isTheStop = signal.aborted && (error === signal.reason || error instanceof StreamError);
          if (!isTheStop && !isCallError(error)) this.#host.peer.reportError(error, this.#name);
          this.#host.over(failureOf(error));
        },
      )
      .then(() => {
        this.#end("ERR_STREAM_CANCELLED", "the upload is over");
        this.#host.settled();
      });
  }

  /** @returns what is wrong with the frame: the upload is over then */
  take(event: unknown, value: unknown, bytes: unknown): readonly [code: string, message: string] | undefined {
    const wrong =
      event === OWN_EVENTS.item
        ? this.#body.chunk(value, bytes)
        : event === OWN_EVENTS.end
          ? this.#body.finish()
          : (["ERR_STREAM_FRAME", "a client's upload is not taken by the client"] as const);
    if (wrong) this.#end("ERR_STREAM_CANCELLED", wrong[1]);
    return wrong;
  }

  stop(): void {
    this.#end("ERR_STREAM_CANCELLED", "the client has stopped the upload");
  }

  detach(): void {
    this.#end("ERR_STREAM_DISCONNECTED", "the client has gone");
  }

  #end(code: "ERR_STREAM_CANCELLED" | "ERR_STREAM_DISCONNECTED", message: string): void {
    if (this.#controller.signal.aborted) return;
    const error = new StreamError(code, message);
    this.#body.fail(error);
    this.#controller.abort(error);
  }
}
