import { startTimer, stopTimer } from "@sockeye/protocol";
import type { HeadersLike } from "./jet-stream.js";

/** A message of NATS. */
export interface MessageLike {
  readonly data: Uint8Array;
  readonly headers?: { get(name: string): string } | undefined;
}

/** A connection of `@nats-io/transport-node` or another transport of NATS, version 3. */
export interface NatsConnectionLike {
  readonly info?: { readonly max_payload: number } | undefined;
  publish(subject: string, payload: Uint8Array): void;
  subscribe(
    subject: string,
    options: { callback(error: unknown, message: MessageLike): void },
  ): { unsubscribe(): void };
  /** For JetStream alone. */
  request?(
    subject: string,
    payload: Uint8Array,
    options?: { timeout: number; headers?: HeadersLike },
  ): Promise<{ readonly data: Uint8Array }>;
  flush(): Promise<unknown>;
  /** Resolves once it has ended, with the error if there is one. */
  closed(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Bytes that NATS has not confirmed. Beyond, it is taken for gone. */
const MAX_UNCONFIRMED_BYTES = 67_108_864;
const GOODBYE_MS = 1_000;
const ANSWER_MS = 5_000;

export interface LinkTerms {
  heard(topic: string, message: MessageLike): void;
  /** In force. */
  subscribed(topics: readonly string[]): void;
  /** Told once, and never after {@link Link.cut}. */
  lost(cause: unknown): void;
  /** The subject of a topic. */
  subject(topic: string): string;
}

/** One connection to NATS. It does not come back. */
export class Link {
  readonly #nats: NatsConnectionLike;
  readonly #terms: LinkTerms;
  readonly #subscriptions = new Map<string, { unsubscribe(): void }>();
  #isOver = false;
  #unconfirmed = 0;
  #isConfirming = false;

  constructor(nats: NatsConnectionLike, terms: LinkTerms) {
    this.#nats = nats;
    this.#terms = terms;
    const ended = (cause: unknown): void => this.#lost(cause ?? new Error("NATS has closed the connection"));
    nats.closed().then(ended, ended);
  }

  publish(topic: string, bytes: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#nats.publish(this.#terms.subject(topic), bytes);
    } catch (error) {
      this.#lost(error);
      return;
    }
    this.#unconfirmed += bytes.length;
    if (this.#unconfirmed > MAX_UNCONFIRMED_BYTES) this.#lost(new Error("NATS takes nothing any more"));
    else this.#confirm();
  }

  /** Resolves with the answer; rejects if there is none. */
  async request(subject: string, payload: Uint8Array, headers?: HeadersLike): Promise<Uint8Array> {
    if (!this.#nats.request) throw new TypeError("a connection to NATS without requests");
    const terms = { timeout: ANSWER_MS, ...(headers && { headers }) };
    const { data } = await this.#nats.request(subject, payload, terms);
    return data;
  }

  /** Resolves once all of it is in force; never if the connection is lost before. */
  async subscribe(topics: readonly string[]): Promise<void> {
    try {
      for (const topic of topics) if (!this.#subscriptions.has(topic)) this.#listen(topic);
      await this.#nats.flush();
    } catch (error) {
      this.#lost(error);
      return;
    }
    if (!this.#isOver) this.#terms.subscribed(topics);
  }

  /** Was it asked for? */
  has(topic: string): boolean {
    return this.#subscriptions.has(topic);
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) {
      this.#subscriptions.get(topic)?.unsubscribe();
      this.#subscriptions.delete(topic);
    }
  }

  cut(): void {
    this.#isOver = true;
    this.#nats.close().catch(() => {});
  }

  /** Resolves once what was published has left, if NATS answers. */
  async close(): Promise<void> {
    this.#isOver = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = startTimer(resolve, GOODBYE_MS);
    });
    await Promise.race([this.#nats.flush(), late]).catch(() => {});
    stopTimer(timer);
    this.#nats.close().catch(() => {});
  }

  #listen(topic: string): void {
    const callback = (error: unknown, message: MessageLike): void => {
      if (this.#isOver) return;
      if (error) this.#lost(error);
      else this.#terms.heard(topic, message);
    };
    this.#subscriptions.set(topic, this.#nats.subscribe(this.#terms.subject(topic), { callback }));
  }

  /** An answer to a ping says that all before it has arrived. */
  #confirm(): void {
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    const bytes = this.#unconfirmed;
    this.#nats.flush().then(
      () => {
        this.#isConfirming = false;
        this.#unconfirmed -= bytes;
        if (this.#unconfirmed > 0 && !this.#isOver) this.#confirm();
      },
      (error: unknown) => this.#lost(error),
    );
  }

  #lost(cause: unknown): void {
    if (this.#isOver) return;
    this.cut();
    this.#terms.lost(cause);
  }
}
