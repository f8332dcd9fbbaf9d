import type { Clock } from "@sockeye/protocol";
import { OWN_EVENTS, StreamError } from "@sockeye/protocol";
import type { ContractEnd, EventsMap, Extension, ExtensionHost } from "@sockeye/socket";
import { Additions } from "@sockeye/socket";
import { nextNumber } from "./numbers.js";
import type { OutgoingHost } from "./outgoing-upload.js";
import { OutgoingUpload, unsupported } from "./outgoing-upload.js";
import type {
  UploadAnswer,
  Uploadable,
  UploadInput,
  UploadNames,
  UploadRequestOptions,
} from "./upload-types.js";

/** The arguments of `upload`, behind the name. */
export type UploadArgs<Input> = undefined extends Input
  ? [data: Uploadable, options?: UploadRequestOptions<Input>]
  : [data: Uploadable, options: UploadRequestOptions<Input> & { readonly input: Input }];

/** What {@link uploads} gives to a socket. */
export interface UploadMethods<Emit extends EventsMap> {
  /**
   * Uploads bytes, and resolves with the server's answer. While there is no connection it waits for one. An upload outlives its transports with the session;
   * with an `id`, and where the server keeps it, it outlives the session too.
   *
   * @throws CallError (as a rejection) with the code of the server's error; StreamError `ERR_UNSUPPORTED_BY_PEER`, `ERR_STREAM_DISCONNECTED`; the
   * signal's reason; what the source has thrown
   */
  upload<Name extends UploadNames<Emit>>(
    name: Name,
    ...args: UploadArgs<UploadInput<Emit, Name>>
  ): Promise<UploadAnswer<Emit, Name>>;
}

export interface UploadsExtension extends Extension {
  readonly methods?: this["emit"] extends EventsMap ? UploadMethods<this["emit"]> : never;
}

/** Gives sockets of a client `upload`: `io(url, { extend: [uploads] })`. */
export const uploads: UploadsExtension = {
  additions: Additions,
  install(host) {
    const all = new Uploads(host);
    return {
      upload: async (name: string, data: Uploadable, options?: UploadRequestOptions) =>
        all.begin(name, data, options),
    };
  },
};

/** The uploads of one socket, by number. */
class Uploads implements OutgoingHost {
  readonly #host: ExtensionHost;
  readonly #open = new Map<number, OutgoingUpload>();
  /** They wait for a connection. */
  readonly #waiting = new Set<OutgoingUpload>();
  /** Uploads with ids that were stopped while there was no connection. */
  #stopped: object[] = [];

  constructor(host: ExtensionHost) {
    this.#host = host;
    const of = (n: unknown): OutgoingUpload | undefined => this.#open.get(n as number);
    host.onOwn("connect", () => {
      for (const upload of [...this.#waiting]) this.#begin(upload);
      for (const request of this.#stopped.splice(0)) {
        const n = nextNumber(host.socket);
        this.#send(OWN_EVENTS.open, [n, request]);
        this.#send(OWN_EVENTS.stop, [n]);
      }
    });
    host.onOwn("disconnect", () => {
      const open = [...this.#open.values()];
      this.#open.clear();
      for (const upload of open) {
        if (upload.lost()) this.#waiting.add(upload);
        else upload.failed(new StreamError("ERR_STREAM_DISCONNECTED", "the connection ended"));
      }
    });
    host.onOwn(OWN_EVENTS.taken, (n, read, upto) => of(n)?.taken(read, upto));
    host.onOwn(OWN_EVENTS.end, (n, outcome) => of(n)?.ended(outcome));
  }

  get clock(): Clock {
    return this.#host.clock;
  }

  get contract(): ContractEnd | undefined {
    return this.#host.contract;
  }

  begin(name: string, data: Uploadable, options: UploadRequestOptions | undefined): Promise<unknown> {
    const upload = new OutgoingUpload(this, name, data, options);
    if (upload.isOpen) {
      if (this.#host.connected) this.#begin(upload);
      else this.#waiting.add(upload);
    }
    return upload.answer;
  }

  send({ n, wasHeard, request }: OutgoingUpload, event: string, ...args: readonly unknown[]): void {
    if (n !== undefined) this.#send(event, [n, ...args]);
    else if (wasHeard && event === OWN_EVENTS.stop) this.#stopped.push(request);
  }

  closed(upload: OutgoingUpload): void {
    this.#waiting.delete(upload);
    this.#open.delete(upload.n as number);
  }

  reportError(error: unknown): void {
    this.#host.reportError(error);
  }

  #send(event: string, args: readonly unknown[], ack?: (error: unknown) => void): void {
    const flags = ack ? { timeout: 10_000 } : {};
    if (this.#host.connected)
      this.#host.sendNow({ event, args, ack, ackTakesError: ack !== undefined, flags });
  }

  #begin(upload: OutgoingUpload): void {
    const host = this.#host;
    this.#waiting.delete(upload);
    if (host.knowsOwnEvents === false) {
      upload.failed(unsupported());
      return;
    }
    const n = nextNumber(host.socket);
    upload.n = n;
    this.#open.set(n, upload);
    // Where nobody could be asked, the acknowledgement says it.
    const answered = (error: unknown): void => {
      if (error && this.#open.get(n) === upload && !upload.heard) upload.failed(unsupported());
    };
    try {
      this.#send(OWN_EVENTS.open, [n, upload.request], host.knowsOwnEvents ? undefined : answered);
    } catch (error) {
      upload.failed(error);
    }
  }
}
