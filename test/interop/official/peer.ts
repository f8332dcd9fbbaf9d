import type { CloseEvent, MessageEvent } from "ws";
import { WebSocket } from "ws";
import { within } from "../../support/wait.js";
import type { Host } from "./host.js";

/** Long enough for every deadline of the suites; a case that waits longer has failed. */
const PATIENCE_MS = 4_000;

const PING = "2";

interface Heard {
  readonly open: unknown;
  readonly message: MessageEvent;
  readonly close: CloseEvent;
}

/** A WebSocket whose owner listens to nothing but what it waits for at the moment: what comes earlier is missed. */
export class LateSocket {
  readonly #ws: WebSocket;

  constructor(url: string) {
    this.#ws = new WebSocket(url);
    this.#ws.binaryType = "arraybuffer";
    this.#ws.on("error", () => {});
  }

  /** The next event of that name from now on. */
  next<Name extends keyof Heard>(name: Name): Promise<Heard[Name]> {
    const heard = new Promise<Heard[Name]>((resolve) => {
      const ws: { addEventListener(name: string, listener: (event: Heard[Name]) => void, o: object): void } =
        this.#ws;
      ws.addEventListener(name, resolve, { once: true });
    });
    return within(heard, `"${name}" of a WebSocket`, PATIENCE_MS);
  }

  /** The data of the next message that is no PING of revision 4. */
  async message(): Promise<unknown> {
    return (await this.messages(1))[0];
  }

  /**
   * The data of the next messages that are no PING of revision 4. The suites have one every 300 ms, so that on a busy machine it
   * may come between a question and its answer.
   */
  messages(count: number): Promise<unknown[]> {
    const all: unknown[] = [];
    const full = new Promise<unknown[]>((resolve) => {
      const hear = ({ data }: MessageEvent): void => {
        if (data === PING) return;
        all.push(data instanceof ArrayBuffer ? new Uint8Array(data) : data);
        if (all.length < count) return;
        this.#ws.removeEventListener("message", hear);
        resolve(all);
      };
      this.#ws.addEventListener("message", hear);
    });
    return within(full, `${count} messages`, PATIENCE_MS);
  }

  /** Waits for the next PING of revision 4. */
  ping(): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      const hear = ({ data }: MessageEvent): void => {
        if (data !== PING) return;
        this.#ws.removeEventListener("message", hear);
        resolve();
      };
      this.#ws.addEventListener("message", hear);
    });
    return within(heard, "a PING", PATIENCE_MS);
  }

  send(...frames: readonly (string | Uint8Array)[]): void {
    for (const frame of frames) this.#ws.send(frame);
  }

  close(): void {
    this.#ws.close();
  }

  end(): void {
    this.#ws.terminate();
  }
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly bytes: Uint8Array;
}

/** One way to talk to one server: the path and revision that all requests of a case have in common. */
export class Peer {
  readonly #host: Pick<Host, "port">;
  readonly #path: string;
  readonly #sockets: LateSocket[] = [];

  constructor(
    host: Pick<Host, "port">,
    path: string,
    readonly revision: 3 | 4,
  ) {
    this.#host = host;
    this.#path = path;
  }

  #url(scheme: "http" | "ws", query: string): string {
    return `${scheme}://127.0.0.1:${this.#host.port}${this.#path}?${query}`;
  }

  /** A request with any query. */
  async ask(query: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(this.#url("http", query), init);
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, body: Buffer.from(bytes).toString(), bytes };
  }

  poll(sid: string, init: RequestInit = {}): Promise<Reply> {
    return this.ask(`EIO=${this.revision}&transport=polling&sid=${sid}`, init);
  }

  push(sid: string, body: string): Promise<Reply> {
    return this.poll(sid, { method: "POST", body });
  }

  /** The id of a new polling session. */
  async session(query = ""): Promise<string> {
    const { body } = await this.ask(`EIO=${this.revision}&transport=polling${query}`);
    return JSON.parse(body.slice(body.indexOf("{"))).sid;
  }

  /** A WebSocket with any query. */
  dial(query: string): LateSocket {
    const socket = new LateSocket(this.#url("ws", query));
    this.#sockets.push(socket);
    return socket;
  }

  /** A WebSocket that begins a session, or is to take over that of `sid`. */
  socket(sid?: string): LateSocket {
    return this.dial(`EIO=${this.revision}&transport=websocket${sid === undefined ? "" : `&sid=${sid}`}`);
  }

  /** A WebSocket on which a session has begun. */
  async opened(): Promise<LateSocket> {
    const socket = this.socket();
    await socket.message();
    return socket;
  }

  end(): void {
    for (const socket of this.#sockets) socket.end();
  }
}
