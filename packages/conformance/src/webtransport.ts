import type {
  DialledSession,
  SessionCloseInfo,
  WebTransportSession,
  WebTransportStream,
} from "@sockeye/transport/server";

/*
 * WebTransport sessions in memory, by W3C's interface: for our two ends and for those of others. They are as harsh as the
 * standard allows: closing a session loses what was not read yet.
 */

/** One end of a session. */
export interface MemorySession extends WebTransportSession, DialledSession {
  /** As when the network dies: both ends of the session break, with this error. */
  cut(error: Error): void;
  /** Has it ended? */
  readonly over: boolean;
}

export interface MemorySessions {
  readonly client: MemorySession;
  readonly server: MemorySession;
}

export interface MemorySessionOptions {
  /**
   * What becomes of the streams of a session that is closed: `break`, as the standard says, or `stay`, for the ends of npm,
   * which catch no such rejection. Default `break`.
   */
  readonly streams?: "break" | "stay" | undefined;
}

/** A session between two ends that both are ready. */
export function webTransportPair({ streams = "break" }: MemorySessionOptions = {}): MemorySessions {
  const client = new SessionEnd(streams);
  const server = new SessionEnd(streams);
  client.peer = server;
  server.peer = client;
  return { client, server };
}

/** What stands for the class of the platform: `new` dials, and `accept` gets the other end, or throws to refuse. */
export function memoryWebTransport(
  accept: (session: MemorySession, url: string, options: unknown) => void,
  sessions?: MemorySessionOptions,
): new (
  url: string,
  options?: unknown,
) => MemorySession {
  return function dial(url: string, options?: unknown): MemorySession {
    const { client, server } = webTransportPair(sessions);
    accept(server, url, options);
    return client;
  } as unknown as new (
    url: string,
    options?: unknown,
  ) => MemorySession;
}

/** As `WebTransportError` is. */
class SessionError extends Error {
  readonly source = "session";
}

class SessionEnd implements MemorySession {
  readonly ready: Promise<void> = Promise.resolve();
  readonly closed: Promise<SessionCloseInfo>;
  readonly incomingBidirectionalStreams: ReadableStream<WebTransportStream>;
  peer: SessionEnd | undefined;
  over = false;
  #incoming: ReadableStreamDefaultController<WebTransportStream> | undefined;
  #settle: { resolve(info: SessionCloseInfo): void; reject(error: Error): void } | undefined;
  readonly #streams: "break" | "stay";
  /** Break the directions of the streams. */
  readonly #breaks: ((error: Error) => void)[] = [];

  constructor(streams: "break" | "stay") {
    this.#streams = streams;
    this.closed = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // An end that nobody watches is no unhandled rejection, as in browsers.
    this.closed.catch(() => {});
    this.incomingBidirectionalStreams = new ReadableStream({
      start: (controller) => {
        this.#incoming = controller;
      },
    });
  }

  async createBidirectionalStream(): Promise<WebTransportStream> {
    if (this.over) throw new SessionError("the session has ended");
    const [up, down] = [this.#direction(), this.#direction()];
    this.peer?.arrive({ readable: up.readable, writable: down.writable });
    return { readable: down.readable, writable: up.writable };
  }

  close(info: SessionCloseInfo = { closeCode: 0, reason: "" }): void {
    for (const end of [this, this.peer]) end?.finish({ info });
  }

  cut(error: Error): void {
    for (const end of [this, this.peer]) end?.finish({ error });
  }

  arrive(stream: WebTransportStream): void {
    this.#incoming?.enqueue(stream);
  }

  finish(how: { readonly info: SessionCloseInfo } | { readonly error: Error }): void {
    if (this.over) return;
    this.over = true;
    if (this.#streams === "break" || "error" in how) {
      for (const stop of this.#breaks) stop(new SessionError("the session has ended"));
    }
    if ("info" in how) {
      this.#incoming?.close();
      this.#settle?.resolve(how.info);
    } else {
      this.#incoming?.error(how.error);
      this.#settle?.reject(how.error);
    }
  }

  #direction(): { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> } {
    const direction = {
      start: (controller: TransformStreamDefaultController<Uint8Array>): void => {
        this.#breaks.push((error) => controller.error(error));
      },
      // The bytes are the writer's: a network has copied them.
      transform: (chunk: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>): void =>
        controller.enqueue(chunk.slice()),
    };
    // One chunk is on its way, one has arrived; then the writer must wait for the reader.
    return new TransformStream(direction, { highWaterMark: 1 }, { highWaterMark: 1 });
  }
}
