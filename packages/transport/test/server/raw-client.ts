import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { connect, type Socket } from "node:net";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Question {
  readonly method?: string;
  /** Path and query. */
  readonly target: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** Asks over a connection of its own and waits for the whole answer. */
export function ask(port: number, { method = "GET", target, headers = {}, body }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    const req = request({ port, host: "127.0.0.1", method, path: target, headers, agent }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("error", reject);
      res.on("end", () =>
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: Buffer.concat(chunks).toString("latin1"),
        }),
      );
    });
    req.on("error", reject);
    req.end(body);
  });
}

/** A connection to which bytes are written by hand, and which keeps what comes back. */
export class RawConnection {
  readonly socket: Socket;
  received = "";
  /** Resolves once the connection is over, whoever ended it and however. */
  readonly over: Promise<void>;
  readonly #waiting = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.setEncoding("latin1");
    this.socket.on("error", () => {});
    this.over = new Promise((resolve) => this.socket.once("close", () => resolve()));
    this.socket.on("data", (text: string) => {
      this.received += text;
      for (const check of this.#waiting) check();
    });
  }

  static to(port: number): RawConnection {
    return new RawConnection(port);
  }

  write(text: string | Uint8Array): this {
    this.socket.write(text);
    return this;
  }

  /** Waits until the received text contains `text`, or fails when the connection ends first. */
  until(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!this.received.includes(text)) return;
        this.#waiting.delete(check);
        resolve(this.received);
      };
      this.#waiting.add(check);
      check();
      void this.over.then(() => reject(new Error(`ended after: ${this.received}`)));
    });
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The text of an upgrade request. `undefined` leaves a header out. */
export function upgradeRequest(target: string, headers: Record<string, string | undefined> = {}): string {
  const all = {
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    // One that may be far away is not asked for a pong, which this one would not give.
    Via: "1.1 test",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return `${[`GET ${target} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`;
}

/** All bytes that come back for an upgrade request that is refused. */
export async function askUpgrade(port: number, target: string, headers = {}): Promise<string> {
  const connection = RawConnection.to(port).write(upgradeRequest(target, headers));
  await connection.over;
  return connection.received;
}

/** A masked client frame with a short payload. */
export function clientFrame(first: number, payload: Uint8Array = new Uint8Array()): Buffer {
  if (payload.length > 125) throw new Error("for short payloads only");
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
