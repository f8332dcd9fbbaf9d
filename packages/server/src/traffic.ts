import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/**
 * Bytes of the TCP connections that the server uses, headers and all, with TLS as its content: Node.js counts them anyhow, so that it costs one
 * look for each request and nothing for each message. What else a browser asks for over a connection that it shares counts from then on.
 */
export class Traffic {
  readonly #live = new Map<Socket, { readonly read: number; readonly written: number }>();
  #read = 0;
  #written = 0;

  /** A request of ours has come. */
  carries({ socket, httpVersionMajor }: IncomingMessage): void {
    // Those of HTTP/2 share one connection, and have an imitation of it each.
    if (httpVersionMajor > 1 || this.#live.has(socket) || socket.destroyed) return;
    // The request itself has been read, and nothing of the answer is written.
    this.#live.set(socket, { read: socket.bytesRead - requestBytes(socket), written: socket.bytesWritten });
    socket.once("close", () => {
      const { read, written } = this.#grown(socket);
      this.#read += read;
      this.#written += written;
      this.#live.delete(socket);
    });
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

  #grown(socket: Socket): { read: number; written: number } {
    const { read, written } = this.#live.get(socket) ?? { read: 0, written: 0 };
    return { read: socket.bytesRead - read, written: socket.bytesWritten - written };
  }
}

/** Of a connection's first request: all that was read so far. Later ones cannot be told from what came before. */
function requestBytes(socket: Socket): number {
  return socket.bytesWritten === 0 ? socket.bytesRead : 0;
}
