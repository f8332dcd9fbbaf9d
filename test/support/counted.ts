import { Agent, type IncomingMessage, request } from "node:http";
import { StringDecoder } from "node:string_decoder";
import { WebSocket } from "ws";
import { until, within } from "./wait.js";

// A client that counts, by PROTOCOL.md and without a line of Sockeye: it opens sessions, loses transports and claims.

export type RawTransport = "websocket" | "polling" | "stream" | "sse" | "iframe" | "jsonp";

export const RAW_TRANSPORTS: readonly RawTransport[] = [
  "websocket",
  "polling",
  "stream",
  "sse",
  "iframe",
  "jsonp",
];

/** How a claim went: 101 and 200 say that it was agreed to; `first` is the frame or body that says that it was not. */
export interface Verdict {
  readonly status: number;
  readonly first: string;
}

export interface Terms {
  readonly limits?: { readonly maxAttachments?: number };
  readonly sid: string;
  readonly upgrades: readonly string[];
  readonly pingInterval: number;
  readonly resume?: { secret: string; window: number; bytes: number; received?: number };
}

interface RawPipe {
  send(frames: readonly (string | Uint8Array)[]): Promise<number>;
  /** Asks for nothing more, and drops what still comes: the count was told. What is open stays open. */
  leave(): void;
  /** Breaks it, as a network does: nobody says goodbye. */
  cut(): void;
}

type OnFrame = (frame: string | Buffer) => void;

const RS = "\u001e";

/** Nobody's payload. */
export function claimOf(sid: string, secret: string, received: unknown): string {
  return `0${JSON.stringify({ sid, secret, received })}`;
}

/** One session of a client, over one pipe at a time. */
export class CountedClient {
  readonly port: number;
  terms: Terms | undefined;
  /** Messages that have come, over all pipes. */
  readonly messages: (string | Buffer)[] = [];
  /** Messages that were sent, over all pipes; what the server has not got is sent once more after a claim. */
  readonly sent: (string | Uint8Array)[] = [];
  /** Every frame that is no message. */
  readonly controls: string[] = [];
  readonly pings: string[] = [];
  answersPings = true;
  /** The highest number of a request that was used. */
  number = 0;
  #pipe: RawPipe | undefined;
  #opened: ((terms: Terms) => void) | undefined;
  /** Where the WebSocket was closed. */
  closeCode: number | undefined;

  constructor(port: number) {
    this.port = port;
  }

  static async open(
    port: number,
    transport: RawTransport = "websocket",
    query = "resume=offer",
  ): Promise<CountedClient> {
    const client = new CountedClient(port);
    const opened = client.#opening();
    client.#pipe = client.#dial(transport, query);
    await opened;
    return client;
  }

  get sid(): string {
    return this.terms?.sid ?? "";
  }

  get secret(): string {
    return this.terms?.resume?.secret ?? "";
  }

  get isOpen(): boolean {
    return this.#pipe !== undefined;
  }

  /** Sends messages: text gets its envelope. */
  async send(...messages: (string | Uint8Array)[]): Promise<void> {
    const frames = messages.map((message) => (typeof message === "string" ? `4${message}` : message));
    this.sent.push(...frames);
    await this.#pipe?.send(frames);
  }

  /** Sends frames as they are. @returns the status of the POST; 0 over a WebSocket */
  raw(...frames: (string | Uint8Array)[]): Promise<number> {
    return this.#pipe?.send(frames) ?? Promise.resolve(-1);
  }

  tellCount(): Promise<number> {
    return this.raw(`6${this.messages.length}`);
  }

  cut(): void {
    this.#pipe?.cut();
    this.#pipe = undefined;
  }

  /** The messages of a number, and all before. */
  async received(count: number): Promise<(string | Buffer)[]> {
    await until(() => this.messages.length >= count, `${count} messages; came: ${this.messages.length}`);
    return this.messages;
  }

  /** Claims the session over a new pipe; the old one may be alive. Goes on there if the server agrees. */
  async claim(
    transport: RawTransport,
    words: { secret?: string; received?: unknown; sid?: string; body?: string } = {},
  ): Promise<Verdict> {
    const sid = words.sid ?? this.sid;
    const received = words.received ?? this.messages.length;
    const body = words.body ?? claimOf(sid, words.secret ?? this.secret, received);
    const opened = this.#opening();
    // A claim may be refused.
    opened.catch(() => {});
    this.#pipe?.leave();
    if (transport === "websocket") {
      const verdict = await this.#claimByWebSocket(sid, body, opened);
      if (verdict.status === 101) await this.#goOn();
      return verdict;
    }
    const { query, form } = wire(transport);
    const after = this.number;
    const path = `${query}&sid=${encodeURIComponent(sid)}&resume=claim${after > 0 ? `&n=${after}` : ""}`;
    const agent = new Agent({ keepAlive: true });
    const answer = await ask({ port: this.port, path, body: form(body), agent });
    if (answer.status !== 200) {
      agent.destroy();
      return { status: answer.status, first: answer.body };
    }
    this.#pipe = new HttpPipe(this, { transport, agent, sid, after, onFrame: (frame) => this.#frame(frame) });
    await opened;
    await this.#goOn();
    return { status: 200, first: answer.body };
  }

  /** What a client does once the server has agreed. */
  async #goOn(): Promise<void> {
    await this.tellCount();
    const rest = this.sent.slice(this.terms?.resume?.received ?? 0);
    if (rest.length > 0) await this.#pipe?.send(rest);
  }

  async #claimByWebSocket(sid: string, body: string, opened: Promise<Terms>): Promise<Verdict> {
    const path = `EIO=4&transport=websocket&sid=${encodeURIComponent(sid)}&resume=claim`;
    let first: string | undefined;
    const pipe = new SocketPipe(this.port, path, {
      onFrame: (frame) => {
        first ??= String(frame);
        this.#frame(frame);
      },
      onClose: (code) => {
        this.closeCode = code;
      },
    });
    await pipe.send([body]);
    const refused = until(() => first !== undefined, "an answer to the claim").then(() => first);
    const answer = (await refused) ?? "";
    if (!answer.startsWith("0{")) {
      await pipe.closed;
      return { status: 400, first: answer };
    }
    await opened;
    this.#pipe = pipe;
    return { status: 101, first: answer };
  }

  #dial(transport: RawTransport, query: string): RawPipe {
    const onFrame: OnFrame = (frame) => this.#frame(frame);
    if (transport !== "websocket")
      return new HttpPipe(this, { transport, agent: new Agent({ keepAlive: true }), query, onFrame });
    return new SocketPipe(this.port, `EIO=4&transport=websocket&${query}`, {
      onFrame,
      onClose: (code) => {
        this.closeCode = code;
      },
    });
  }

  #opening(): Promise<Terms> {
    return within(
      new Promise<Terms>((resolve) => {
        this.#opened = resolve;
      }),
      "OPEN",
    );
  }

  #frame(frame: string | Buffer): void {
    if (typeof frame !== "string") this.messages.push(frame);
    else if (frame.startsWith("4")) this.messages.push(frame.slice(1));
    else if (frame.startsWith("b")) this.messages.push(Buffer.from(frame.slice(1), "base64"));
    else if (frame.startsWith("0")) {
      this.terms = JSON.parse(frame.slice(1)) as Terms;
      this.#opened?.(this.terms);
    } else if (frame.startsWith("2")) {
      this.pings.push(frame);
      if (this.answersPings) void this.raw(`3${this.messages.length}`);
    } else this.controls.push(frame);
  }
}

class SocketPipe implements RawPipe {
  readonly #ws: WebSocket;
  readonly #open: Promise<void>;
  readonly closed: Promise<void>;

  constructor(port: number, query: string, told: { onFrame: OnFrame; onClose: (code: number) => void }) {
    this.#ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?${query}`, { perMessageDeflate: false });
    this.#open = within(
      new Promise((resolve, reject) => {
        this.#ws.once("open", resolve);
        this.#ws.once("error", reject);
      }),
      "the WebSocket to open",
    );
    this.#open.catch(() => {});
    this.#ws.on("error", () => {});
    this.#ws.on("message", (data: Buffer, isBinary) => told.onFrame(isBinary ? data : data.toString()));
    this.closed = within(
      new Promise((resolve) =>
        this.#ws.once("close", (code) => {
          told.onClose(code);
          resolve();
        }),
      ),
      "the WebSocket to close",
      60_000,
    );
    this.closed.catch(() => {});
  }

  async send(frames: readonly (string | Uint8Array)[]): Promise<number> {
    await this.#open;
    for (const frame of frames) this.#ws.send(frame);
    return 0;
  }

  leave(): void {
    this.#ws.removeAllListeners("message");
  }

  cut(): void {
    this.#ws.terminate();
  }
}

interface HttpPipeOptions {
  readonly transport: Exclude<RawTransport, "websocket">;
  readonly agent: Agent;
  readonly onFrame: OnFrame;
  /** Of the session that was claimed; without it the pipe makes a handshake. */
  readonly sid?: string;
  /** Of a handshake. */
  readonly query?: string;
  readonly after?: number;
}

class HttpPipe implements RawPipe {
  readonly #client: CountedClient;
  readonly #options: HttpPipeOptions;
  #gets: number;
  #posts: number;
  #sending: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(client: CountedClient, options: HttpPipeOptions) {
    this.#client = client;
    this.#options = options;
    this.#gets = options.after ?? 0;
    this.#posts = options.after ?? 0;
    void this.#read();
  }

  send(frames: readonly (string | Uint8Array)[]): Promise<number> {
    const text = frames.map((frame) =>
      typeof frame === "string" ? frame : `b${Buffer.from(frame).toString("base64")}`,
    );
    const { port } = this.#client;
    const { agent, transport } = this.#options;
    const sent = this.#sending.then(async () => {
      const path = `${wire(transport).query}&sid=${this.#client.sid}&n=${this.#next("posts")}`;
      const { status } = await ask({ port, path, agent, body: wire(transport).form(text.join(RS)) });
      return status;
    });
    this.#sending = sent.catch(() => {});
    return sent;
  }

  leave(): void {
    this.#over = true;
  }

  cut(): void {
    this.#over = true;
    this.#options.agent.destroy();
  }

  #next(kind: "gets" | "posts"): number {
    const number = kind === "gets" ? ++this.#gets : ++this.#posts;
    this.#client.number = Math.max(this.#client.number, number);
    return number;
  }

  async #read(): Promise<void> {
    const { port } = this.#client;
    const { agent, transport, onFrame } = this.#options;
    const { query, reader } = wire(transport);
    let sid = this.#options.sid;
    while (!this.#over) {
      const begins = sid === undefined ? this.#options.query : `sid=${sid}&n=${this.#next("gets")}`;
      const read = reader((payload) => {
        for (const frame of payload.split(RS))
          if (frame !== "6proof" && frame !== "6end" && !this.#over) onFrame(frame);
      });
      try {
        const { status } = await ask({ port, path: `${query}&${begins}`, agent, read });
        if (status !== 200) return;
      } catch {
        return;
      }
      sid = this.#client.sid;
    }
  }
}

/** How a transport over HTTP is written. */
function wire(transport: RawTransport): {
  query: string;
  form: (payload: string) => string;
  reader: (payload: (text: string) => void) => (text: string) => void;
} {
  const plain = (payload: string): string => payload;
  const own = `EIO=4&transport=${transport}`;
  const unescaped = (text: string): string =>
    text.replace(/%(25|0D|0A|00)/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  switch (transport) {
    case "sse":
      return {
        query: own,
        form: plain,
        reader: (tell) =>
          pieces("\n\n", (text) => text.startsWith("data: ") && tell(unescaped(text.slice(6)))),
      };
    case "stream":
      return {
        query: `${own}&b64=1`,
        form: plain,
        reader: (tell) => pieces("\n", (line) => line.trim() !== "" && tell(unescaped(line))),
      };
    case "iframe":
      return {
        query: `${own}&c=1`,
        form: plain,
        reader: (tell) =>
          pieces("</script>\r\n", (text) => {
            const call = /m\((".*")\)$/.exec(text);
            if (call?.[1] !== undefined) tell(JSON.parse(call[1]) as string);
          }),
      };
    case "jsonp":
      return {
        query: "EIO=4&transport=polling&j=0",
        form: (payload) =>
          `d=${encodeURIComponent(payload.replaceAll("\\n", "\\\\n").replaceAll("\n", "\\n"))}`,
        reader: (tell) => pieces(");", (text) => tell(JSON.parse(text.slice("___eio[0](".length)) as string)),
      };
    default:
      return { query: own, form: plain, reader: (tell) => tell };
  }
}

function pieces(end: string, tell: (piece: string) => unknown): (text: string) => void {
  let rest = "";
  return (text) => {
    rest += text;
    for (let at = rest.indexOf(end); at !== -1; at = rest.indexOf(end)) {
      tell(rest.slice(0, at));
      rest = rest.slice(at + end.length);
    }
  };
}

export interface Asked {
  readonly port: number;
  /** The query. */
  readonly path: string;
  readonly agent?: Agent;
  /** With it the request is a POST. */
  readonly body?: string;
  readonly headers?: Record<string, string>;
  /** Gets the body piece by piece. */
  readonly read?: (text: string) => void;
}

/** One request of the engine. Fails if it breaks off. */
export function ask({
  port,
  path,
  agent,
  body,
  read,
  headers = {},
}: Asked): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const isForm = path.includes("&j=");
    const type = isForm ? "application/x-www-form-urlencoded" : "text/plain;charset=UTF-8";
    const req = request(
      {
        port,
        host: "127.0.0.1",
        path: `/socket.io/?${path}`,
        method: body === undefined ? "GET" : "POST",
        headers: body === undefined ? headers : { "content-type": type, ...headers },
        ...(agent ? { agent } : {}),
      },
      (res: IncomingMessage) => {
        const decoder = new StringDecoder("utf8");
        let text = "";
        const polls = read !== undefined && !path.includes("transport=polling");
        res.on("data", (chunk: Buffer) => {
          const piece = decoder.write(chunk);
          if (polls && res.statusCode === 200) read(piece);
          else text += piece;
        });
        res.on("end", () => {
          if (read && !polls && res.statusCode === 200) read(text);
          resolve({ status: res.statusCode ?? 0, body: text });
        });
        res.on("error", reject);
        res.on("close", () => reject(new Error("broken off")));
      },
    );
    req.on("error", reject);
    req.end(body);
  });
}
