import { OWN_EVENTS, StreamError } from "@sockeye/protocol";
import type { ContractEnd, EventsMap, Extension, ExtensionHost } from "@sockeye/socket";
import { Additions } from "@sockeye/socket";
import type { ConsumerHost } from "./consumer.js";
import { Consumer } from "./consumer.js";
import { nextNumber } from "./numbers.js";
import type {
  Stream,
  StreamEnd,
  StreamInput,
  StreamItemOf,
  StreamNames,
  StreamRequestOptions,
} from "./stream-types.js";

/** The arguments of `stream`, behind the name. */
export type StreamArgs<Input> = undefined extends Input
  ? [input?: Input, options?: StreamRequestOptions]
  : [input: Input, options?: StreamRequestOptions];

/** What {@link streams} gives to a socket. */
export interface StreamMethods<Emit extends EventsMap> {
  /**
   * Asks the server for a stream, and reads it by `for await`. While there is no connection it waits for one. A stream outlives its transports with the
   * session; one that the server keeps outlives the session too.
   *
   * The loop throws a `CallError` with the code of the server's error; StreamError `ERR_UNSUPPORTED_BY_PEER`, `ERR_STREAM_DISCONNECTED`;
   * ContractError for an item that does not keep to the contract.
   */
  stream<Name extends StreamNames<Emit>>(
    name: Name,
    ...args: StreamArgs<StreamInput<Emit, Name>>
  ): Stream<StreamItemOf<Emit, Name>, StreamEnd<Emit, Name>>;
}

export interface StreamsExtension extends Extension {
  readonly methods?: this["emit"] extends EventsMap ? StreamMethods<this["emit"]> : never;
}

/** Gives sockets of a client `stream`: `io(url, { extend: [streams] })`. */
export const streams: StreamsExtension = {
  additions: Additions,
  install(host) {
    const lanes = new Lanes(host);
    return {
      stream: (name: string, ...args: [input?: unknown, options?: StreamRequestOptions]) =>
        lanes.ask(name, args),
    };
  },
};

/** The streams of one socket, by number. */
class Lanes implements ConsumerHost {
  readonly #host: ExtensionHost;
  readonly #open = new Map<number, Consumer>();
  /** They wait for a connection. */
  readonly #waiting = new Set<Consumer>();
  /** Kept streams that were cancelled while there was no connection. */
  #cancelled: object[] = [];

  constructor(host: ExtensionHost) {
    this.#host = host;
    const of = (n: unknown): Consumer | undefined => this.#open.get(n as number);
    host.onOwn("connect", () => this.#connected());
    host.onOwn("disconnect", () => this.#lost());
    host.onOwn(OWN_EVENTS.opened, (n, about) => of(n)?.opened(about));
    host.onOwn(OWN_EVENTS.item, (n, seq, value, marked) => of(n)?.item(seq, value, marked));
    host.onOwn(OWN_EVENTS.end, (n, outcome) => of(n)?.ended(outcome));
  }

  get contract(): ContractEnd | undefined {
    return this.#host.contract;
  }

  ask(name: string, args: readonly [input?: unknown, options?: StreamRequestOptions]): Consumer {
    const consumer = new Consumer(this, name, args);
    if (!consumer.isOpen) return consumer;
    if (this.#host.connected) this.#begin(consumer);
    else this.#waiting.add(consumer);
    return consumer;
  }

  send({ n, kept, request }: Consumer, event: string, value?: unknown): void {
    if (n !== undefined) this.#send(event, value === undefined ? [n] : [n, value]);
    else if (kept && event === OWN_EVENTS.stop) this.#cancelled.push(request);
  }

  closed(consumer: Consumer): void {
    this.#waiting.delete(consumer);
    this.#open.delete(consumer.n as number);
  }

  /** @param answered is told of the acknowledgement, or of an error if there is none: a peer that knows streams answers at once */
  #send(event: string, args: readonly unknown[], answered?: (error: unknown) => void): void {
    const flags = answered ? { timeout: 10_000 } : {};
    if (this.#host.connected)
      this.#host.sendNow({ event, args, ack: answered, ackTakesError: answered !== undefined, flags });
  }

  #connected(): void {
    for (const consumer of [...this.#waiting]) this.#begin(consumer);
    for (const request of this.#cancelled.splice(0)) {
      const n = nextNumber(this.#host.socket);
      this.#send(OWN_EVENTS.open, [n, request]);
      this.#send(OWN_EVENTS.stop, [n]);
    }
  }

  #begin(consumer: Consumer): void {
    const host = this.#host;
    this.#waiting.delete(consumer);
    const unsupported = (): void =>
      consumer.failed(new StreamError("ERR_UNSUPPORTED_BY_PEER", "the server knows no streams"));
    if (host.knowsOwnEvents === false) {
      unsupported();
      return;
    }
    const n = nextNumber(host.socket);
    consumer.n = n;
    this.#open.set(n, consumer);
    // Where nobody could be asked, the acknowledgement says it.
    const answered = (error: unknown): void => {
      if (error && this.#open.has(n) && !consumer.heard) unsupported();
    };
    try {
      this.#send(OWN_EVENTS.open, [n, consumer.request], host.knowsOwnEvents ? undefined : answered);
    } catch (error) {
      consumer.failed(error);
    }
  }

  /** The session is over, and its streams with it, but those that the server keeps. */
  #lost(): void {
    const lost = [...this.#open.values()];
    this.#open.clear();
    for (const consumer of lost) {
      consumer.n = undefined;
      if (consumer.kept) this.#waiting.add(consumer);
      else consumer.failed(new StreamError("ERR_STREAM_DISCONNECTED", "the connection ended"));
    }
  }
}
