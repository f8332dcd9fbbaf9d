import type { Clock } from "@sockeye/protocol";
import { readDuration, UsageError } from "@sockeye/protocol";
import type { ContractEnd } from "@sockeye/socket";
import { CallError } from "../call-error.js";
import type { Keeping, KeptStream } from "./kept.js";
import { KeptStreams } from "./kept.js";
import type { StreamLimits } from "./limits.js";
import { DEFAULT_STREAM_LIMITS } from "./limits.js";
import { Production } from "./production.js";
import type { OpenRequest } from "./requests.js";
import type { AnyStreamHandler, StreamOptions } from "./stream-types.js";
import type { AnyUploadHandler, UploadOptions } from "./upload-types.js";

/** The namespace of streams. */
export interface StreamHost {
  readonly clock: Clock;
  /** About as many bytes as the value has on the wire. */
  weigh(value: unknown): number;
  isSame(input: unknown, other: unknown): boolean;
  /** Nobody can guess it. */
  makeId(): string;
}

/** A stream that the app has declared. */
interface Rule {
  readonly handler: AnyStreamHandler;
  readonly keeping: Keeping | undefined;
  readonly owner: ((socket: never) => string | number | null | undefined) | undefined;
}

/** An upload that the app takes. */
export interface UploadRule {
  readonly handler: AnyUploadHandler;
  readonly maxBytes: number;
}

/** Who asks for a stream. */
export interface StreamAsker {
  readonly socket: object;
  reportError(error: unknown, name: string): void;
}

/** The socket of streams. */
export interface StreamPeer extends StreamAsker {
  readonly contract: ContractEnd | undefined;
  /** Sends an event that no policy drops. @throws CodecError */
  send(event: string, args: readonly unknown[]): void;
  /** So many bytes are held for it from now on. @returns false: no more may be, and the socket is gone */
  holdBytes(bytes: number): boolean;
  releaseBytes(bytes: number): void;
}

/** A stream that was found, or that is to begin. */
interface Opened {
  readonly production: Production;
  readonly kept?: KeptStream;
  readonly isNew?: boolean;
}

/** The streams of a namespace: what the app has declared, and what is kept. */
export class StreamTable {
  readonly limits: StreamLimits;
  readonly #host: StreamHost;
  readonly #rules = new Map<string, Rule>();
  readonly #uploads = new Map<string, UploadRule>();
  readonly #kept: KeptStreams;

  constructor(host: StreamHost, limits: StreamLimits = DEFAULT_STREAM_LIMITS) {
    this.#host = host;
    this.limits = limits;
    this.#kept = new KeptStreams(host.clock, this.limits);
  }

  /** Streams that are kept. */
  get kept(): number {
    return this.#kept.size;
  }

  /** @throws UsageError `ERR_HANDLED`, `ERR_BAD_OPTION` */
  declare(name: string, { keep, unwatched, owner }: StreamOptions<never>, handler: AnyStreamHandler): void {
    if (this.#rules.has(name)) throw new UsageError("ERR_HANDLED", `there is a stream "${name}" already`);
    if (typeof handler !== "function")
      throw new UsageError("ERR_BAD_OPTION", "a stream is a generator function");
    const { maxItemsKept, maxBytesKept, maxUnwatchedMs } = this.limits;
    const {
      age,
      items = maxItemsKept,
      bytes = maxBytesKept,
    } = typeof keep === "object" ? keep : { age: keep };
    const keeping =
      keep === undefined
        ? undefined
        : {
            ageMs: durationOf(age, "keep"),
            unwatchedMs: unwatched === undefined ? maxUnwatchedMs : durationOf(unwatched, "unwatched"),
            items: positive(items, "keep.items"),
            bytes: positive(bytes, "keep.bytes"),
          };
    this.#rules.set(name, { handler, keeping, owner });
  }

  /** @throws UsageError `ERR_HANDLED`, `ERR_BAD_OPTION` */
  declareUpload(
    name: string,
    { maxBytes = this.limits.maxUploadBytes }: UploadOptions,
    handler: AnyUploadHandler,
  ): void {
    if (this.#uploads.has(name)) throw new UsageError("ERR_HANDLED", `there is an upload "${name}" already`);
    if (typeof handler !== "function")
      throw new UsageError("ERR_BAD_OPTION", "what takes an upload is a function");
    this.#uploads.set(name, { handler, maxBytes: positive(maxBytes, "maxBytes") });
  }

  upload(name: string): UploadRule | undefined {
    return this.#uploads.get(name);
  }

  /** For a dynamic namespace: begins with what its parent has. */
  inherit(parent: StreamTable): void {
    for (const [name, rule] of parent.#rules) this.#rules.set(name, rule);
    for (const [name, rule] of parent.#uploads) this.#uploads.set(name, rule);
  }

  /** Is there a stream of that name? */
  has(name: string): boolean {
    return this.#rules.has(name);
  }

  /**
   * Finds what is kept, or begins it.
   *
   * @throws CallError `ERR_STREAM_FRAME`, `ERR_STREAM_LIMIT`, `ERR_STREAM_GONE`, `ERR_STREAM_CONFLICT`; what `owner` throws
   */
  open(asker: StreamAsker, request: OpenRequest): Opened {
    const { name, input } = request;
    const rule = this.#rules.get(name) as Rule;
    const { keeping } = rule;
    const report = (error: unknown): void => asker.reportError(error, name);
    if (!keeping) {
      if (request.id !== undefined || request.after !== 0)
        throw refusal("ERR_STREAM_FRAME", "nothing of this stream is kept under an id");
      const production = new Production({
        weigh: this.#host.weigh,
        later: (goOn) => goOn(),
        reportError: report,
        grew: () => true,
        ended: () => {},
      });
      return { production, isNew: true };
    }
    if (request.id === undefined && request.after !== 0)
      throw refusal("ERR_STREAM_FRAME", "an item of a stream without its id");
    const owner = ownerOf(rule.owner?.(asker.socket as never));
    const id = request.id ?? this.#host.makeId();
    const key = JSON.stringify([name, owner ?? null, id]);
    const found = this.#kept.get(key);
    if (!found) {
      // A name from a client proves nothing: the client that names a stream must be identified, and the stream new.
      const isLost = request.after > 0 && !this.#kept.isGone(key);
      if (isLost) throw refusal("ERR_STREAM_LOST", "this server knows nothing of the stream");
      if (request.id !== undefined && (owner === undefined || this.#kept.isGone(key)))
        throw refusal("ERR_STREAM_GONE", "nothing is kept under this id");
      return this.#keep({ key, id, owner: owner ?? asker.socket, input, keeping }, report);
    }
    if (input !== undefined && !this.#host.isSame(input, found.input))
      throw refusal("ERR_STREAM_CONFLICT", "the stream of this id has another input");
    if (request.after > found.production.last) throw refusal("ERR_STREAM_GONE", "there is no such item");
    return { production: found.production, kept: found };
  }

  /** Runs what the app has written for a stream that {@link open} has begun. */
  begin(production: Production, socket: object, { name, input, id }: OpenRequest): void {
    const { handler } = this.#rules.get(name) as Rule;
    const { signal } = production.run;
    production.begin(() =>
      handler.call(socket as never, input as never, { socket, name, id, signal } as never),
    );
  }

  /** A watcher has come to a kept stream, or left it. */
  touch(stream: KeptStream): void {
    this.#kept.touch(stream);
  }

  close(): void {
    this.#kept.close();
  }

  #keep(parts: Omit<KeptStream, "production">, reportError: (error: unknown) => void): Opened {
    const kept: KeptStream = {
      ...parts,
      production: new Production(
        {
          weigh: this.#host.weigh,
          later: (goOn) => void this.#host.clock.setTimer(goOn, 0),
          reportError,
          grew: (bytes) => this.#kept.grew(kept, bytes),
          ended: () => this.#kept.touch(kept),
        },
        parts.keeping,
      ),
    };
    this.#kept.add(kept);
    if (!kept.production.grow(this.#host.weigh(parts.input))) {
      this.#kept.drop(kept);
      throw refusal("ERR_STREAM_LIMIT", "too much is kept");
    }
    return { production: kept.production, kept, isNew: true };
  }
}

function refusal(code: string, message: string): CallError {
  return new CallError(code, undefined, { message });
}

/** @throws TypeError for what is not a name: it would be the same for everybody */
function ownerOf(owner: unknown): string | number | undefined {
  if (owner === undefined || owner === null) return undefined;
  if (typeof owner === "string" || Number.isFinite(owner)) return owner as string | number;
  throw new TypeError("owner gives a string or a number, or nothing; it cannot be asynchronous");
}

function positive(value: unknown, option: string): number {
  if (typeof value === "number" && value > 0) return value;
  throw new UsageError("ERR_BAD_OPTION", `${option} is a number above 0, not ${String(value)}`);
}

/** What timers can wait. */
const MOST_MS = 2 ** 31 - 1;

function durationOf(value: unknown, option: string): number {
  const ms = readDuration(value);
  if (ms === undefined)
    throw new UsageError("ERR_BAD_OPTION", `${option} is ms or a text like "10m", not ${String(value)}`);
  return Math.min(ms, MOST_MS);
}
