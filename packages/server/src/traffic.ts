import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** Bytes of one connection. */
interface Carried {
  readonly read: number;
  readonly written: number;
}

const NOTHING: Carried = { read: 0, written: 0 };

/**
 * Bytes of the TCP connections that the server uses, headers and all, with TLS as its content: Node.js counts them anyhow, so that it costs one
 * look for each request and nothing for each message. What else a browser asks for over a connection that it shares counts from then on.
 */
export class Traffic {
  /** With what each had carried before. */
  readonly #live = new Map<Socket, Carried>();
  #read = 0;
  #written = 0;
  /** One for all connections: a closure of their own would cost each of them a quarter of a kilobyte. */
  readonly #closed: (this: Socket) => void;

  constructor() {
    const close = (socket: Socket): void => this.#close(socket);
    this.#closed = function () {
      close(this);
    };
  }

  /** A request of ours has come. */
  carries({ socket, httpVersionMajor }: IncomingMessage): void {
    // Those of HTTP/2 share one connection, and have an imitation of it each.
    if (httpVersionMajor > 1 || this.#live.has(socket) || socket.destroyed) return;
    // The request itself has been read, and nothing of the answer is written.
    this.#live.set(socket, carriedBefore(socket));
    socket.on("close", this.#closed);
  }

  get bytes(): { readonly received: number; readonly sent: number } {
    let received = this.#read;
    let sent = this.#written;
    for (const socket of this.#live.keys()) {
      const { read, written } = this.#grown(socket);
      received += read;
      sent += written;
    }
    return { received, sent };
  }

  #close(socket: Socket): void {
    const { read, written } = this.#grown(socket);
    this.#read += read;
    this.#written += written;
    this.#live.delete(socket);
  }

  #grown(socket: Socket): Carried {
    const { read, written } = this.#live.get(socket) ?? NOTHING;
    return { read: socket.bytesRead - read, written: socket.bytesWritten - written };
  }
}

/** All that was read with a connection's first request is of that. Later requests cannot be told from what came before. */
function carriedBefore({ bytesRead: read, bytesWritten: written }: Socket): Carried {
  return written === 0 ? NOTHING : { read, written };
}
