import { readDuration, UsageError } from "@sockeye/protocol";
import { CallError } from "../call-error.js";
import type { Away, AwayHost } from "./away.js";
import type { Place } from "./between-nodes.js";
import type { UploadHost } from "./incoming-upload.js";
import { IncomingUpload } from "./incoming-upload.js";
import type { Keeping, Kept } from "./kept.js";
import { KeptStreams } from "./kept.js";
import type { StreamLimits } from "./limits.js";
import { DEFAULT_STREAM_LIMITS } from "./limits.js";
import { Production } from "./production.js";
import { Relay } from "./relay.js";
import type { OpenRequest } from "./requests.js";
import type { OwnerOf, StreamAsker, StreamHost, UploadRule } from "./stream-peer.js";
import type { AnyStreamHandler, StreamOptions } from "./stream-types.js";
import type { AnyUploadHandler, UploadOptions } from "./upload-types.js";

/** Bounds of what is kept for one stream. */
interface Bounds {
  readonly items: number;
  readonly bytes: number;
}

/** A stream that the app has declared. */
interface Rule {
  readonly handler: AnyStreamHandler;
  readonly keeping: (Keeping & Bounds) | undefined;
  readonly owner: OwnerOf | undefined;
}

/** A stream that was found, or that is to begin. */
interface Opened {
  readonly production: Production;
  readonly kept?: Kept<Production>;
  readonly isNew?: boolean;
}

/** What the cluster knows of something that is not kept here. */
export interface Sought {
  /** Another node keeps it. */
  readonly place?: Place;
  /** It may begin here. {@link StreamTable.settled} is told once it has, or will not. */
  readonly claim?: string;
}

/** The streams of a namespace: what the app has declared, and what is kept. */
export class StreamTable {
  readonly limits: StreamLimits;
  readonly #host: StreamHost;
  readonly #rules = new Map<string, Rule>();
  readonly #uploads = new Map<string, UploadRule>();
  readonly #kept: KeptStreams<Production>;
  readonly #keptUploads: KeptStreams<IncomingUpload>;
  /** Only on a cluster, once something may be kept. */
  #relay: Relay | undefined = undefined;
  /** Claims, and how many sockets wait for each. */
  readonly #claims = new Map<string, number>();

  constructor(host: StreamHost, limits: StreamLimits = DEFAULT_STREAM_LIMITS) {
    this.#host = host;
    this.limits = limits;
    const forgot = (key: string): void => this.#relay?.shared.release(key, false);
    this.#kept = new KeptStreams(host.clock, this.limits, forgot);
    this.#keptUploads = new KeptStreams(host.clock, this.limits, forgot);
  }

  /** Streams and uploads that are kept. */
  get kept(): number {
    return this.#kept.size + this.#keptUploads.size;
  }

  /** What clients of other nodes have of what is kept here. */
  get relayed(): number {
    return this.#relay?.size ?? 0;
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
    if (keeping) this.#share();
  }

  /** @throws UsageError `ERR_HANDLED`, `ERR_BAD_OPTION` */
  declareUpload(
    name: string,
    { maxBytes = this.limits.maxUploadBytes, keep, owner }: UploadOptions<never>,
    handler: AnyUploadHandler,
  ): void {
    if (this.#uploads.has(name)) throw new UsageError("ERR_HANDLED", `there is an upload "${name}" already`);
    if (typeof handler !== "function")
      throw new UsageError("ERR_BAD_OPTION", "what takes an upload is a function");
    if (keep !== undefined && typeof owner !== "function")
      throw new UsageError(
        "ERR_BAD_OPTION",
        "an upload that is kept has an owner: its client chooses the id",
      );
    const ageMs = keep === undefined ? undefined : durationOf(keep, "keep");
    const keeping = ageMs === undefined ? undefined : { ageMs, unwatchedMs: ageMs };
    this.#uploads.set(name, { handler, maxBytes: positive(maxBytes, "maxBytes"), keeping, owner });
    if (keeping) this.#share();
  }

  upload(name: string): UploadRule | undefined {
    return this.#uploads.get(name);
  }

  /** For a dynamic namespace: begins with what its parent has. */
  inherit(parent: StreamTable): void {
    for (const [name, rule] of parent.#rules) this.#rules.set(name, rule);
    for (const [name, rule] of parent.#uploads) this.#uploads.set(name, rule);
    if (parent.#relay) this.#share();
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
    const key = keyOf(request, owner, id);
    const found = this.#kept.get(key);
    if (!found) {
      // A name from a client proves nothing: the client that names a stream must be identified, and the stream new.
      const isGone = this.#kept.isGone(key);
      const isElsewhere = owner === undefined && this.#host.isElsewhere?.(id);
      if (!isGone && (request.after > 0 || isElsewhere))
        throw refusal("ERR_STREAM_LOST", "this server knows nothing of the stream");
      if (request.id !== undefined && (owner === undefined || isGone))
        throw refusal("ERR_STREAM_GONE", "nothing is kept under this id");
      const opened = this.#keep(
        { key, id, owner: owner ?? asker.socket, input, raw: this.#rawOf(request), keeping },
        report,
      );
      if (owner !== undefined) this.#relay?.shared.hold(key, request.id === undefined);
      return opened;
    }
    if (input !== undefined && !this.#host.isSame(input, found.input))
      throw refusal("ERR_STREAM_CONFLICT", "the stream of this id has another input");
    if (request.after > found.work.last) throw refusal("ERR_STREAM_GONE", "there is no such item");
    return { production: found.work, kept: found };
  }

  /**
   * Finds an upload that is kept, or makes a new one.
   *
   * @throws CallError `ERR_STREAM_FRAME`, `ERR_STREAM_LIMIT`, `ERR_STREAM_GONE`, `ERR_STREAM_CONFLICT`; what `owner` throws
   */
  openUpload(
    request: OpenRequest,
    host: UploadHost,
  ): { readonly upload: IncomingUpload; readonly isNew: boolean } {
    const { name, id, input, file } = request;
    const rule = this.#uploads.get(name) as UploadRule;
    if (id === undefined) return { upload: new IncomingUpload(host, request, rule), isNew: true };
    const { keeping } = rule;
    if (!keeping) throw refusal("ERR_STREAM_FRAME", "nothing of this upload is kept under an id");
    const owner = ownerOf(rule.owner?.(host.peer.socket as never));
    const key = keyOf(request, owner, id);
    const said = { input, file };
    const found = this.#keptUploads.get(key);
    if (found) {
      if (!this.#host.isSame(said, found.input))
        throw refusal("ERR_STREAM_CONFLICT", "the upload of this id has another input, name, type or size");
      return { upload: found.work, isNew: false };
    }
    if (owner === undefined || this.#keptUploads.isGone(key))
      throw refusal("ERR_STREAM_GONE", "nothing is kept under this id");
    const upload = new IncomingUpload(host, request, rule);
    const kept: Kept<IncomingUpload> = {
      key,
      id,
      owner,
      input: said,
      raw: this.#rawOf(request),
      keeping,
      work: upload,
    };
    this.#keptUploads.add(kept);
    const grow = (value: unknown): boolean => {
      const weight = this.#host.weigh(value);
      if (!this.#keptUploads.grew(kept, weight)) return false;
      upload.bytes += weight;
      return true;
    };
    if (!grow([{ ...said, input: weighed(input, kept) }, id])) {
      this.#keptUploads.drop(kept);
      throw refusal("ERR_STREAM_LIMIT", "too much is kept");
    }
    this.#relay?.shared.hold(key, false);
    upload.keeper = { touch: () => this.#keptUploads.touch(kept), grow };
    return { upload, isNew: true };
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
  touch(stream: Kept<Production>): void {
    this.#kept.touch(stream);
  }

  close(): void {
    this.#kept.close();
    this.#keptUploads.close();
    this.#relay?.close();
  }

  // ---- on a cluster

  /**
   * Where something is that is not kept here. Nothing: {@link open} and {@link openUpload} know all of it.
   *
   * @throws what `owner` throws; CallError `ERR_STREAM_LOST` (as a rejection) if it cannot be known
   */
  seek({ socket }: StreamAsker, request: OpenRequest): Sought | Promise<Sought> | undefined {
    const { name, id, file } = request;
    if (!this.#relay || id === undefined) return undefined;
    const rule = file ? this.#uploads.get(name) : this.#rules.get(name);
    if (!rule?.keeping) return undefined;
    const owner = ownerOf(rule.owner?.(socket as never));
    const key = keyOf(request, owner, id);
    const kept = file ? this.#keptUploads : this.#kept;
    if (kept.get(key) || kept.isGone(key)) return undefined;
    const maker = this.#host.cluster?.madeBy(id);
    const place = maker === undefined ? undefined : { node: maker, key };
    if (owner === undefined) return place && { place };
    return this.#find(this.#relay, { key, begins: request.after === 0, place });
  }

  /** What was {@link Sought.claim claimed} has begun, or will not. */
  settled(claim: string): void {
    const left = (this.#claims.get(claim) ?? 1) - 1;
    if (left > 0) this.#claims.set(claim, left);
    else {
      this.#claims.delete(claim);
      const all = [this.#kept, this.#keptUploads];
      const isHere = all.some((kept) => kept.get(claim) || kept.isGone(claim));
      if (!isHere) this.#relay?.shared.release(claim, true);
    }
  }

  /** What another node keeps. */
  attach(host: AwayHost, place: Place, request: OpenRequest): Away {
    return (this.#relay as Relay).attach(host, place, request);
  }

  async #find(
    { shared }: Relay,
    {
      key,
      begins,
      place,
    }: { readonly key: string; readonly begins: boolean; readonly place: Place | undefined },
  ): Promise<Sought> {
    let node: string | undefined;
    try {
      if (place) node = await shared.find(key, false);
      if (place && node === undefined) return { place };
      node ??= await shared.find(key, begins);
    } catch (cause) {
      const message = "it cannot be known now which node has the stream";
      throw new CallError("ERR_STREAM_LOST", undefined, { message, cause });
    }
    if (node === shared.node && begins) {
      this.#claims.set(key, (this.#claims.get(key) ?? 0) + 1);
      return { claim: key };
    }
    if (node === undefined || node === shared.node) return {};
    if (!shared.lives(node)) throw refusal("ERR_STREAM_LOST", "the node that ran it has gone");
    return { place: { node, key } };
  }

  /** Nobody asks for it but other nodes. */
  #rawOf({ raw }: OpenRequest): readonly unknown[] {
    return this.#relay ? raw : [];
  }

  #share(): void {
    const { cluster, clock, isSame } = this.#host;
    if (!cluster) return;
    this.#relay ??= new Relay(
      {
        ...cluster,
        clock,
        limits: this.limits,
        isSame,
        stream: (key) => this.#kept.get(key),
        upload: (key) => this.#keptUploads.get(key),
        isGone: (key) => this.#kept.isGone(key) || this.#keptUploads.isGone(key),
        touch: (stream) => this.#kept.touch(stream),
      },
      cluster.share,
    );
  }

  #keep(
    parts: Omit<Kept<Production>, "work"> & { readonly keeping: Keeping & Bounds },
    reportError: (error: unknown) => void,
  ): Opened {
    const kept: Kept<Production> = {
      ...parts,
      work: new Production(
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
    if (!kept.work.grow(this.#host.weigh(weighed(parts.input, parts)))) {
      this.#kept.drop(kept);
      throw refusal("ERR_STREAM_LIMIT", "too much is kept");
    }
    return { production: kept.work, kept, isNew: true };
  }
}

function refusal(code: string, message: string): CallError {
  return new CallError(code, undefined, { message });
}

/** What is kept of an input: that of a schema, and what came, if they are not the same. */
function weighed(input: unknown, { raw }: Pick<Kept<Production>, "raw">): unknown {
  return raw.length === 0 || raw[0] === input ? input : [input, raw];
}

/** No upload is called as a stream. */
function keyOf({ name, file }: OpenRequest, owner: string | number | undefined, id: string): string {
  return (file ? "upload " : "") + JSON.stringify([name, owner ?? null, id]);
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
