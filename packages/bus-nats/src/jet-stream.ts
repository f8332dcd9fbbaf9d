/** Headers of a message: `headers()` of `@nats-io/transport-node` makes them. */
export interface HeadersLike {
  set(name: string, value: string): void;
}

/** Sends a request and resolves with the answer. Rejects with `ERR_BUS_DOWN` if there is none. */
export type Ask = (subject: string, payload: Uint8Array, headers?: HeadersLike) => Promise<Uint8Array>;

/** A message in a stream. */
export interface Stored {
  readonly seq: number;
  readonly bytes: Uint8Array;
  /** When it was stored, by the server's clock, in ms. */
  readonly at: number;
}

export interface StreamTerms {
  readonly name: string;
  readonly subject: string;
  readonly replicas: number;
  readonly storage: "file" | "memory";
  readonly maxAgeMs: number;
  /** How many messages are kept of each subject. Default: all. */
  readonly perSubject?: number | undefined;
  /** Under which subject what is stored is told. Default: it is not told. */
  readonly told?: string | undefined;
}

const NOT_FOUND = 10037;
const NO_SUCH_SEQUENCE = 10057;
const OTHER_CONFIG = 10058;
const WRONG_LAST = 10071;
/** How long names are remembered. */
const NAMED_MS = 3_600_000;
const NO_BYTES = new Uint8Array();

/** What JetStream, from NATS 2.9 on, can do with one stream, by its API of JSON. */
export class JetStream {
  readonly #ask: Ask;
  readonly #headers: () => HeadersLike;

  constructor(ask: Ask, headers: () => HeadersLike) {
    this.#ask = ask;
    this.#headers = headers;
  }

  /** One that is there stays as it is: its administrator may have tuned it. */
  async create(terms: StreamTerms): Promise<void> {
    const { name, subject, replicas, storage, maxAgeMs, perSubject = -1, told } = terms;
    const config = {
      name,
      subjects: [subject],
      retention: "limits",
      discard: "old",
      storage,
      num_replicas: replicas,
      max_age: maxAgeMs * 1e6,
      duplicate_window: NAMED_MS * 1e6,
      max_msgs_per_subject: perSubject,
      ...(told === undefined ? {} : { republish: { src: subject, dest: told } }),
    };
    const answer = await this.#call(`STREAM.CREATE.${name}`, config);
    if (answer.failure !== undefined && answer.failure.code !== OTHER_CONFIG) throw answer.failure.error;
  }

  last(stream: string, subject: string): Promise<Stored | undefined> {
    return this.#get(stream, { last_by_subj: subject });
  }

  /** The first message of a subject with this number or a higher one. */
  next(stream: string, subject: string, seq: number): Promise<Stored | undefined> {
    return this.#get(stream, { seq, next_by_subj: subject });
  }

  /**
   * Stores a message if the last one of its subject has this number; 0: if there is none.
   *
   * @param id a name: what was stored lately under the same one is `known`, and is not stored again
   * @returns its number; `undefined` if the last one has another number, and nothing was stored
   */
  async put(
    subject: string,
    bytes: Uint8Array,
    last: number,
    id?: string,
  ): Promise<number | "known" | undefined> {
    const headers = this.#headers();
    headers.set("Nats-Expected-Last-Subject-Sequence", `${last}`);
    if (id !== undefined) headers.set("Nats-Msg-Id", id);
    const { fields, failure } = readAnswer(await this.#ask(subject, bytes, headers));
    if (failure?.code === WRONG_LAST) return undefined;
    if (failure) throw failure.error;
    return fields["duplicate"] === true ? "known" : numberOf(fields["seq"]);
  }

  /** @returns whether it was there */
  async remove(stream: string, seq: number): Promise<boolean> {
    const { failure } = await this.#call(`STREAM.MSG.DELETE.${stream}`, { seq, no_erase: true });
    if (failure && ![NOT_FOUND, NO_SUCH_SEQUENCE].includes(failure.code)) throw failure.error;
    return failure === undefined;
  }

  /** Forgets all of a subject that is older than this number. */
  async purge(stream: string, subject: string, seq: number): Promise<void> {
    const { failure } = await this.#call(`STREAM.PURGE.${stream}`, { filter: subject, seq });
    if (failure) throw failure.error;
  }

  // ---- inside

  async #get(stream: string, which: object): Promise<Stored | undefined> {
    const { fields, failure } = await this.#call(`STREAM.MSG.GET.${stream}`, which);
    if (failure?.code === NOT_FOUND) return undefined;
    if (failure) throw failure.error;
    const { seq, data, time } = Object(fields["message"]) as Readonly<Record<string, unknown>>;
    const bytes = typeof data === "string" ? Buffer.from(data, "base64") : NO_BYTES;
    return { seq: numberOf(seq), bytes, at: Date.parse(`${time}`) };
  }

  async #call(what: string, terms: object): Promise<Answer> {
    return readAnswer(await this.#ask(`$JS.API.${what}`, Buffer.from(JSON.stringify(terms))));
  }
}

interface Answer {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly failure: { readonly code: number; readonly error: Error } | undefined;
}

/** @throws TypeError if it is none */
function readAnswer(bytes: Uint8Array): Answer {
  const fields = Object(JSON.parse(Buffer.from(bytes).toString())) as Readonly<Record<string, unknown>>;
  const { error } = fields;
  if (error === undefined) return { fields, failure: undefined };
  const { err_code: code, description } = Object(error) as Readonly<Record<string, unknown>>;
  return { fields, failure: { code: Number(code), error: new Error(`JetStream: ${description}`) } };
}

/** @throws TypeError */
function numberOf(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new TypeError("JetStream has answered no number");
}
