import type { Clock } from "@sockeye/protocol";
import { OWN_EVENTS, StreamError } from "@sockeye/protocol";
import type { ContractEnd } from "@sockeye/socket";
import { isThenable, reasonOf } from "@sockeye/socket";
import { CallError } from "../call-error.js";
import { Pace } from "./pace.js";
import { bytesOf, type Pieces, type Source, sourceOf } from "./upload-source.js";
import type { Uploadable, UploadRequestOptions } from "./upload-types.js";

/** The socket of an upload. */
export interface OutgoingHost {
  readonly contract: ContractEnd | undefined;
  readonly clock: Clock;
  /** @throws CodecError */
  send(of: OutgoingUpload, event: string, ...args: readonly unknown[]): void;
  closed(of: OutgoingUpload): void;
  /** The app's code has failed. */
  reportError(error: unknown): void;
}

/** An upload at the client: bytes leave when the server has said that it takes them. */
export class OutgoingUpload {
  readonly name: string;
  readonly answer: Promise<unknown>;
  /** Its number on this connection; `undefined` while it waits for one. */
  n: number | undefined = undefined;
  readonly request: object;
  readonly #host: OutgoingHost;
  readonly #source: Source;
  /** What is read of it, on this connection; unset until the server has said from where. */
  #pieces: Pieces | undefined = undefined;
  readonly #options: UploadRequestOptions;
  /** Was read, and did not leave. */
  #rest: Uint8Array = new Uint8Array(0);
  #pace = new Pace();
  #at = 0;
  #read = 0;
  #upto = 0;
  /** The pieces that are being read. */
  #pumped: Pieces | undefined = undefined;
  #isRead = false;
  #isOpen = true;
  #settle!: { resolve(value: unknown): void; reject(error: unknown): void };
  readonly #unwatch: (() => void) | undefined;

  /** @throws TypeError for what holds no bytes */
  constructor(host: OutgoingHost, name: string, data: Uploadable, options: UploadRequestOptions = {}) {
    this.#host = host;
    this.name = name;
    this.#options = options;
    this.#source = sourceOf(data);
    const { id, input, signal } = options;
    const { name: file = this.#source.name, type = this.#source.type, size = this.#source.size } = options;
    this.request = { name, ...known({ id, input }), file: known({ name: file, type, size }) };
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    if (!signal) return;
    const abort = (): void => this.#giveUp(reasonOf(signal));
    signal.addEventListener("abort", abort, { once: true });
    this.#unwatch = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
  }

  /** Does it continue? */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Has the server said anything of it, on this connection? */
  get heard(): boolean {
    return this.#pieces !== undefined;
  }

  /** Or on another one? */
  wasHeard = false;

  // ---- from the server

  taken(read: unknown, upto: unknown): void {
    if (!this.#isOpen || !Number.isSafeInteger(read) || !Number.isSafeInteger(upto)) return;
    if (!this.#pieces) this.#start(read as number);
    this.#upto = Math.max(this.#upto, upto as number);
    this.#pace.taken(read as number, this.#host.clock.now());
    this.#tell(read as number);
    void this.#pump();
  }

  ended(outcome: unknown): void {
    const { value, error } = Object(outcome) as { readonly value?: unknown; readonly error?: unknown };
    if (error !== undefined) {
      const { code, message, data } = Object(error) as Readonly<Record<string, unknown>>;
      this.failed(new CallError(String(code), data, { message: String(message ?? code) }));
      return;
    }
    if (!this.#isOpen) return;
    if (this.#isRead) this.#tell(this.#at);
    this.#close();
    try {
      const { contract } = this.#host;
      const checked = contract ? contract.streamPart(this.name, "end", value) : value;
      if (isThenable(checked)) checked.then(this.#settle.resolve, this.#settle.reject);
      else this.#settle.resolve(checked);
    } catch (failure) {
      this.#settle.reject(failure);
    }
  }

  /** It cannot continue. */
  failed(error: unknown): void {
    if (!this.#isOpen) return;
    this.#close();
    this.#settle.reject(error);
  }

  /** The session is over. @returns whether it continues over the next one */
  lost(): boolean {
    if (this.#options.id === undefined || (this.#pieces && !this.#source.isLasting)) return false;
    this.n = this.#pieces = undefined;
    this.#upto = 0;
    return true;
  }

  // ---- inside

  #start(at: number): void {
    this.wasHeard = true;
    this.#at = at;
    this.#rest = new Uint8Array(0);
    this.#isRead = false;
    this.#pace = new Pace(at);
    this.#pieces = this.#source.from(at);
  }

  #giveUp(error: unknown): void {
    if (!this.#isOpen) return;
    this.#host.send(this, OWN_EVENTS.stop);
    this.failed(error);
  }

  #close(): void {
    this.#isOpen = false;
    this.#unwatch?.();
    this.#host.closed(this);
    if (this.#isRead) return;
    // Nobody waits for a source that is stuck.
    try {
      const left: unknown = (this.#pieces ?? this.#source.from(0)).return?.();
      if (isThenable(left)) left.then(undefined, () => {});
    } catch {
      // It is not wanted any more, whatever it says.
    }
  }

  #tell(read: number): void {
    if (read <= this.#read && read > 0) return;
    this.#read = read;
    try {
      this.#options.onProgress?.({ sent: read, total: this.#options.size ?? this.#source.size });
    } catch (error) {
      this.#host.reportError(error);
    }
  }

  /** Sends what may be sent. */
  async #pump(): Promise<void> {
    const pieces = this.#pieces;
    if (!pieces || this.#pumped === pieces) return;
    this.#pumped = pieces;
    try {
      while (this.#isOpen && !this.#isRead && this.#at < this.#upto) {
        if (this.#rest.byteLength > 0) {
          const now = this.#host.clock.now();
          const room = Math.min(this.#pace.room(now), this.#upto - this.#at);
          // What is under way calls again.
          if (room === 0) return;
          const piece = this.#rest.slice(0, room);
          this.#rest = this.#rest.subarray(piece.byteLength);
          this.#pace.sent(piece.byteLength, now);
          this.#host.send(this, OWN_EVENTS.item, this.#at, piece);
          this.#at += piece.byteLength;
          continue;
        }
        const next = await pieces.next();
        if (!this.#isOpen || this.#pieces !== pieces) return;
        if (!next.done) this.#rest = bytesOf(next.value);
        else {
          this.#isRead = true;
          this.#host.send(this, OWN_EVENTS.end, {});
        }
      }
    } catch (error) {
      if (this.#pieces === pieces) this.#giveUp(error);
    } finally {
      if (this.#pumped === pieces) this.#pumped = undefined;
    }
  }
}

/** What is undefined is not in the JSON; MessagePack would make it null. */
function known(parts: object): object {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

/** Why an upload fails at once. */
export function unsupported(): StreamError {
  return new StreamError("ERR_UNSUPPORTED_BY_PEER", "the server knows no uploads");
}
