import type { Stream, StreamRequestOptions } from "./streams/stream-types.js";

/** A socket with `streams`, as far as it is needed here. */
export interface StreamingSocket {
  stream(name: never, input?: never, options?: StreamRequestOptions): unknown;
}

/** Where the ids of running answers are kept, by chat: `localStorage`, `sessionStorage`, or something of the app's. */
export interface RunStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface SocketChatOptions {
  /** The name of the stream at the server. Default `chat`. */
  readonly stream?: string;
  /** Default: `localStorage`, so that other tabs and a reloaded page find a running answer; without one, memory. */
  readonly storage?: RunStorage;
}

interface SendOptions<Message> {
  readonly trigger: "submit-message" | "regenerate-message";
  readonly chatId: string;
  readonly messageId: string | undefined;
  readonly messages: Message[];
  readonly abortSignal: AbortSignal | undefined;
  readonly body?: object | undefined;
  readonly metadata?: unknown;
}

/** What the handler of the stream at the server gets as its input. */
export type ChatRequest<Message> = Omit<SendOptions<Message>, "abortSignal">;

const GONE: ReadonlySet<unknown> = new Set(["ERR_STREAM_GONE", "ERR_STREAM_LOST", "ERR_STREAM_CANCELLED"]);

/**
 * `ChatTransport` of the AI SDK (npm `ai`, version 6) over a stream: `useChat({ transport: new SocketChatTransport(socket) })`. `stop()` stops the producer. With `keep` at the
 * server, `resumeStream()` after a reload goes on with an answer from its beginning, from another tab as well.
 *
 * Headers are not sent: a socket has its own.
 */
export class SocketChatTransport<Message = unknown, Chunk = unknown> {
  /** What is resumed comes from its beginning. */
  readonly resumeStreamIsReplay: true = true;
  readonly #socket: StreamingSocket;
  readonly #name: string;
  readonly #storage: RunStorage;

  constructor(
    socket: StreamingSocket,
    { stream = "chat", storage = defaultStorage() }: SocketChatOptions = {},
  ) {
    this.#socket = socket;
    this.#name = stream;
    this.#storage = storage;
  }

  /** Asks for an answer. A second one of the same chat is another run. */
  sendMessages({ abortSignal, ...options }: SendOptions<Message>): Promise<ReadableStream<Chunk>> {
    const { trigger, chatId, messageId, messages, body, metadata } = options;
    const request = { trigger, chatId, messageId, messages, body, metadata };
    const answer = this.#ask(withoutUndefined(request), { signal: abortSignal });
    return this.#read(chatId, answer, answer.next());
  }

  /** The answer that is running in this chat, from its beginning; nothing if none is. */
  async reconnectToStream({
    chatId,
    abortSignal,
  }: {
    readonly chatId: string;
    readonly abortSignal?: AbortSignal | undefined;
  }): Promise<ReadableStream<Chunk> | null> {
    const id = this.#storage.getItem(keyOf(chatId));
    if (id === null) return null;
    const answer = this.#ask(undefined, { id, signal: abortSignal });
    try {
      const first = await answer.next();
      return await this.#read(chatId, answer, Promise.resolve(first));
    } catch (error) {
      if (!GONE.has((error as { readonly code?: unknown }).code)) throw error;
      this.#storage.removeItem(keyOf(chatId));
      return null;
    }
  }

  #ask(input: unknown, options: StreamRequestOptions): Stream<Chunk> {
    return this.#socket.stream(this.#name as never, input as never, options) as Stream<Chunk>;
  }

  /** Rejects where the first item does. */
  async #read(
    chatId: string,
    answer: Stream<Chunk>,
    first: Promise<IteratorResult<Chunk, undefined>>,
  ): Promise<ReadableStream<Chunk>> {
    const key = keyOf(chatId);
    let next: Promise<IteratorResult<Chunk, undefined>> | undefined = first;
    await first;
    if (answer.id !== undefined) this.#storage.setItem(key, answer.id);
    const over = (): void => {
      if (this.#storage.getItem(key) === answer.id) this.#storage.removeItem(key);
    };
    return new ReadableStream<Chunk>({
      pull: async (controller) => {
        try {
          const { done, value } = await (next ?? answer.next());
          next = undefined;
          if (!done) controller.enqueue(value);
          else {
            over();
            controller.close();
          }
        } catch (error) {
          over();
          controller.error(error);
        }
      },
      // A client that stops reading has left; it has not stopped the stream.
      cancel: () => answer.detach(),
    });
  }
}

function keyOf(chatId: string): string {
  return `sockeye:chat:${chatId}`;
}

function withoutUndefined(parts: object): object {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

function defaultStorage(): RunStorage {
  const { localStorage } = globalThis as { readonly localStorage?: RunStorage };
  if (localStorage) return localStorage;
  const runs = new Map<string, string>();
  return {
    getItem: (key) => runs.get(key) ?? null,
    setItem: (key, value) => void runs.set(key, value),
    removeItem: (key) => void runs.delete(key),
  };
}
