import { connect, type Socket as NetSocket } from "node:net";
import { WebSocket } from "ws";
import { within } from "./wait.js";

// Peers that know nothing of Socket.IO: bytes go out as the test writes them, and come in as they are.

/** A WebSocket whose frames are read one by one. */
export class Wire {
  readonly #arrived: (string | Buffer)[] = [];
  readonly #waiting: ((frame: string | Buffer) => void)[] = [];
  /** The close code; 1005 when the peer gave none, 1006 when it just went. */
  readonly closed: Promise<number>;

  constructor(readonly ws: WebSocket) {
    this.closed = within(
      new Promise((resolve) => ws.once("close", resolve)),
      "the WebSocket to close",
      15_000,
    );
    // Nobody has to wait for it.
    this.closed.catch(() => {});
    ws.on("error", () => {});
    ws.on("message", (data: Buffer, isBinary) => {
      const frame = isBinary ? data : data.toString();
      const reader = this.#waiting.shift();
      if (reader === undefined) this.#arrived.push(frame);
      else reader(frame);
    });
  }

  /** The next frame. */
  next(what = "a frame"): Promise<string | Buffer> {
    const frame = this.#arrived.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return within(new Promise((resolve) => this.#waiting.push(resolve)), what);
  }

  /** The next frame that is no engine PING. */
  async nextMessage(): Promise<string | Buffer> {
    for (;;) {
      const frame = await this.next("a message");
      if (frame !== "2") return frame;
    }
  }

  send(...frames: readonly (string | Uint8Array)[]): void {
    for (const frame of frames) this.ws.send(frame);
  }

  get open(): boolean {
    return this.ws.readyState === WebSocket.OPEN;
  }

  end(): void {
    this.ws.terminate();
  }
}

export interface OpenData {
  readonly sid: string;
  readonly upgrades: readonly string[];
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly maxPayload: number;
}

/** Opens a WebSocket to `port` and reads nothing yet. */
export async function openWire(
  port: number,
  query = "EIO=4&transport=websocket",
  options: { path?: string; headers?: Record<string, string> } = {},
): Promise<Wire> {
  const url = `ws://127.0.0.1:${port}${options.path ?? "/socket.io/"}?${query}`;
  const ws = new WebSocket(url, { headers: options.headers ?? {}, perMessageDeflate: false });
  // Made before it opens: the first frame may come together with the handshake.
  const wire = new Wire(ws);
  await within(
    new Promise<void>((resolve, reject) => {
      ws.once("open", () => resolve());
      ws.once("error", reject);
    }),
    "the WebSocket to open",
  );
  return wire;
}

/** Opens a WebSocket session and reads its OPEN packet. */
export async function openSession(
  port: number,
  revision: 3 | 4 = 4,
): Promise<{ readonly wire: Wire; readonly open: OpenData }> {
  const wire = await openWire(port, `EIO=${revision}&transport=websocket`);
  return { wire, open: parseOpen(await wire.next("OPEN")) };
}

/** Opens a WebSocket session and joins the main namespace. */
export async function joinMain(port: number): Promise<{ readonly wire: Wire; readonly sid: string }> {
  const { wire } = await openSession(port);
  wire.send("40");
  const answer = String(await wire.nextMessage());
  return { wire, sid: (JSON.parse(answer.slice(2)) as { sid: string }).sid };
}

export function parseOpen(frame: string | Buffer): OpenData {
  if (typeof frame !== "string" || frame[0] !== "0") throw new Error(`no OPEN packet: ${frame}`);
  return JSON.parse(frame.slice(1)) as OpenData;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** All that came, head included. */
  readonly text: string;
}

/** A TCP connection on which the test writes HTTP by hand. */
export class Line {
  readonly socket: NetSocket;
  #text = "";
  #ended = false;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.setNoDelay(true);
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString("latin1");
      this.#wake();
    });
    this.socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Ends at once, with a TCP reset: the rudest way. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  end(): void {
    this.socket.destroy();
  }

  /** Everything until the peer ends the connection. */
  async rest(): Promise<string> {
    return within(
      this.#until(() => this.#ended && this.#text),
      "the connection to end",
    );
  }

  /** The next complete response. A connection that ends without one answers with status 0. */
  async answer(): Promise<Answer> {
    return within(
      this.#until(() => this.#takeAnswer()),
      "an HTTP response",
    );
  }

  async #until<T>(take: () => T | false | undefined): Promise<T> {
    for (;;) {
      const taken = take();
      if (taken !== false && taken !== undefined) return taken;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #takeAnswer(): Answer | undefined {
    const headEnd = this.#text.indexOf("\r\n\r\n");
    if (headEnd < 0) {
      return this.#ended ? { status: 0, headers: {}, body: "", text: this.#text } : undefined;
    }
    const [statusLine = "", ...lines] = this.#text.slice(0, headEnd).split("\r\n");
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const body = this.#takeBody(headers, headEnd + 4);
    if (body === undefined) return undefined;
    const text = this.#text.slice(0, body.end);
    this.#text = this.#text.slice(body.end);
    return { status: Number(statusLine.split(" ")[1]), headers, body: utf8(body.text), text };
  }

  #takeBody(headers: Record<string, string>, start: number): { text: string; end: number } | undefined {
    const length = headers["content-length"];
    if (length !== undefined) {
      const end = start + Number(length);
      if (this.#text.length >= end) return { text: this.#text.slice(start, end), end };
    } else if (headers["transfer-encoding"] === "chunked") {
      return this.#takeChunks(start);
    } else if (this.#text.startsWith("HTTP/1.1 1")) {
      return { text: "", end: start };
    }
    // Without a length the end of the connection is the end of the body.
    return this.#ended ? { text: this.#text.slice(start), end: this.#text.length } : undefined;
  }

  #takeChunks(start: number): { text: string; end: number } | undefined {
    let at = start;
    let text = "";
    for (;;) {
      const lineEnd = this.#text.indexOf("\r\n", at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(this.#text.slice(at, lineEnd), 16);
      const next = lineEnd + 2 + size + 2;
      if (this.#text.length < next) return undefined;
      if (size === 0) return { text, end: next };
      text += this.#text.slice(lineEnd + 2, next - 2);
      at = next;
    }
  }
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}

export interface HttpRequest {
  readonly method?: string;
  /** Path and query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly version?: "1.0" | "1.1";
}

/** The bytes of a request, correct unless the headers given make it incorrect. */
export function requestBytes(request: HttpRequest): Buffer {
  const { method = "GET", target, headers = {}, body, version = "1.1" } = request;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const lines = [`${method} ${target} HTTP/${version}`, "Host: 127.0.0.1"];
  if (bytes !== undefined && !named.has("content-length") && !named.has("transfer-encoding")) {
    lines.push(`Content-Length: ${bytes.length}`);
  }
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes ?? Buffer.alloc(0)]);
}

/** One request on a connection of its own; resolves with the response once that is complete. */
export async function http(port: number, request: HttpRequest): Promise<Answer> {
  const line = new Line(port);
  line.write(requestBytes({ ...request, headers: { Connection: "close", ...request.headers } }));
  const answer = await line.answer();
  line.end();
  return answer;
}

/** A long-polling session, request by request. */
export class Poller {
  constructor(
    readonly port: number,
    readonly open: OpenData,
  ) {}

  get target(): string {
    return `/socket.io/?EIO=4&transport=polling&sid=${this.open.sid}`;
  }

  poll(): Promise<Answer> {
    return http(this.port, { target: this.target });
  }

  /** The packets of the next poll that carries one which is no PING or NOOP. */
  async packets(): Promise<string[]> {
    for (;;) {
      const { status, body } = await this.poll();
      if (status !== 200) throw new Error(`poll answered ${status} ${body}`);
      const packets = body.split("\u001e").filter((packet) => packet !== "2" && packet !== "6");
      if (packets.length > 0) return packets;
    }
  }

  post(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return http(this.port, {
      method: "POST",
      target: this.target,
      headers: { "Content-Type": "text/plain;charset=UTF-8", ...headers },
      body,
    });
  }
}

export async function openPoller(port: number, query = "EIO=4&transport=polling"): Promise<Poller> {
  const { body, status } = await http(port, { target: `/socket.io/?${query}` });
  if (status !== 200) throw new Error(`handshake answered ${status} ${body}`);
  return new Poller(port, parseOpen(body));
}

/** A polling session that has joined the main namespace. */
export async function joinByPolling(
  port: number,
): Promise<{ readonly poller: Poller; readonly sid: string }> {
  const poller = await openPoller(port);
  await poller.post("40");
  const [connected = ""] = await poller.packets();
  return { poller, sid: (JSON.parse(connected.slice(2)) as { sid: string }).sid };
}
