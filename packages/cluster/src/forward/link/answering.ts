import { IncomingMessage, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import { type Duplex, Writable } from "node:stream";
import type { LinkTarget } from "../terms.js";
import { Carrier } from "./carrier.js";
import { Inflow, Outflow } from "./flow.js";
import { LinkFrame, type ReadFrame, readCredit } from "./frames.js";
import { type HeaderValue, type RequestHead, readRequestHead, writeResponseHead } from "./heads.js";
import { Tunnel } from "./tunnel.js";

const NOTHING = new Uint8Array();
/** More at once of one node are refused. */
const MAX_STREAMS = 65_536;

/** A request that came over a link. It looks like any other, but has no connection of its own. */
class LinkRequest extends IncomingMessage {
  static {
    // Few ask for them. Node's own constructor sets them.
    Object.defineProperty(LinkRequest.prototype, "rawHeaders", {
      get: function (this: LinkRequest): string[] {
        return Object.entries(this.headers).flatMap(([name, values]) =>
          [values ?? []].flat().flatMap((value) => [name, value]),
        );
      },
      set: () => {},
    });
  }

  readonly #in: Inflow;
  #waiting = 0;

  constructor(link: Socket, inflow: Inflow, { method, url, headers }: RequestHead) {
    super(link);
    this.#in = inflow;
    this.method = method;
    this.url = url;
    this.httpVersionMajor = 1;
    this.httpVersionMinor = 1;
    this.httpVersion = "1.1";
    this.headers = headers;
  }

  came(bytes: Buffer, isLast: boolean): void {
    this.#in.came(bytes.length, isLast);
    if (this.destroyed) return;
    if (bytes.length > 0 && !this.push(bytes)) this.#waiting += bytes.length;
    else this.#in.taken(bytes.length);
    if (!isLast) return;
    this.complete = true;
    this.push(null);
  }

  override _read(): void {
    const taken = this.#waiting;
    this.#waiting = 0;
    if (taken > 0) this.#in.taken(taken);
  }

  /** Node's own would end the connection, which is that of all others. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.complete) this.aborted = true;
    callback(error);
  }
}

/** The answer to it: as much of a response as those need who answer sessions. */
class LinkResponse extends Writable {
  statusCode = 200;
  readonly socket: null = null;
  readonly #carrier: Carrier;
  readonly #id: number;
  readonly #out: Outflow;
  readonly #headers = new Map<string, readonly [name: string, value: HeaderValue]>();
  #head: "open" | "written" | "sent" = "open";
  #isEnded = false;

  constructor(
    carrier: Carrier,
    id: number,
    readonly req: IncomingMessage,
  ) {
    super({ highWaterMark: 16_384 });
    this.#carrier = carrier;
    this.#id = id;
    this.#out = new Outflow(carrier, id);
  }

  get headersSent(): boolean {
    return this.#head !== "open";
  }

  getHeader(name: string): HeaderValue | undefined {
    return this.#headers.get(name.toLowerCase())?.[1];
  }

  setHeader(name: string, value: HeaderValue | number): this {
    this.#headers.set(name.toLowerCase(), [name, typeof value === "number" ? `${value}` : value]);
    return this;
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase());
  }

  writeHead(status: number, headers: Readonly<Record<string, HeaderValue | number>> = {}): this {
    this.statusCode = status;
    for (const name in headers) this.setHeader(name, headers[name] ?? "");
    this.#head = "written";
    return this;
  }

  flushHeaders(): void {
    if (this.#head === "sent") return;
    this.#head = "sent";
    const head = writeResponseHead({ status: this.statusCode, headers: [...this.#headers.values()] });
    this.#carrier.send(LinkFrame.RESPONSE, this.#id, head);
  }

  credited(bytes: number): void {
    this.#out.credited(bytes);
  }

  override end(...args: unknown[]): this {
    const [last] = args;
    if (this.writableEnded || this.destroyed) return this;
    this.flushHeaders();
    const bytes = typeof last === "string" ? Buffer.from(last) : last instanceof Uint8Array ? last : NOTHING;
    // What fits goes with the end, in one frame.
    this.#isEnded = this.writableLength === 0 && this.#out.takes(bytes.length);
    if (this.#isEnded) this.#out.end(bytes);
    if (this.#isEnded || bytes.length === 0) super.end();
    else super.end(bytes);
    return this;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.flushHeaders();
    if (this.#out.write(chunk, done)) done();
  }

  override _final(done: () => void): void {
    if (!this.#isEnded) this.#out.end();
    this.#isEnded = true;
    done();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isEnded) this.#carrier.send(LinkFrame.RESET, this.#id, NOTHING);
    callback(error);
  }
}

interface Answering {
  readonly req: LinkRequest;
  readonly res: LinkResponse;
}

/** The end of a link that answers requests which another node passes on. */
export class AnsweringEnd {
  readonly #carrier: Carrier;
  readonly #target: LinkTarget;
  readonly #isMember: () => boolean;
  readonly #streams = new Map<number, Answering | Tunnel>();
  /** Stands for the connection wherever a request is asked for its own. */
  readonly #stand = new Socket();

  /** @param isMember of the other node, of which nothing more is taken once it has left */
  constructor(
    socket: Duplex,
    head: Buffer,
    { target, isMember, closed }: { target: LinkTarget; isMember(): boolean; closed(): void },
  ) {
    this.#target = target;
    this.#isMember = isMember;
    this.#carrier = new Carrier(socket, head, {
      frame: (frame) => this.#frame(frame),
      closed: () => {
        for (const stream of this.#streams.values()) {
          if (stream instanceof Tunnel) stream.cut();
          else giveUp(stream);
        }
        this.#streams.clear();
        closed();
      },
    });
  }

  /** Ends it behind the last answers. */
  close(): void {
    this.#carrier.end();
  }

  #frame(frame: ReadFrame): void {
    const { type, stream, body, isLast } = frame;
    const known = this.#streams.get(stream);
    if (type === LinkFrame.REQUEST || type === LinkFrame.CONNECT) {
      if (known || !this.#isMember()) this.#carrier.close();
      else if (this.#streams.size >= MAX_STREAMS) this.#carrier.send(LinkFrame.RESET, stream, NOTHING);
      else if (type === LinkFrame.CONNECT) this.#connect(stream);
      else this.#begin(stream, readRequestHead(body), isLast);
    } else if (known instanceof Tunnel) known.frame(frame);
    else if (known) this.#answering(known, frame);
  }

  #answering(known: Answering, { type, stream, body, isLast }: ReadFrame): void {
    if (type === LinkFrame.DATA) known.req.came(body, isLast);
    else if (type === LinkFrame.CREDIT) known.res.credited(readCredit(body));
    else if (type === LinkFrame.RESET) {
      this.#streams.delete(stream);
      giveUp(known);
    }
  }

  #connect(id: number): void {
    const { connected } = this.#target;
    if (!connected) {
      this.#carrier.send(LinkFrame.RESET, id, NOTHING);
      return;
    }
    const tunnel = new Tunnel(this.#carrier, id);
    this.#streams.set(id, tunnel);
    tunnel.once("close", () => this.#streams.delete(id));
    connected(tunnel);
  }

  #begin(id: number, head: RequestHead, isLast: boolean): void {
    const req = new LinkRequest(this.#stand, new Inflow(this.#carrier, id), head);
    const res = new LinkResponse(this.#carrier, id, req);
    const stream = { req, res };
    this.#streams.set(id, stream);
    const forget = (): void => {
      if (res.closed && (req.complete || req.destroyed) && this.#streams.get(id) === stream)
        this.#streams.delete(id);
    };
    res.once("close", () => {
      if (!res.writableFinished) req.destroy();
      forget();
    });
    if (isLast) req.came(Buffer.alloc(0), true);
    else req.once("end", forget);
    this.#target.request(req, res as unknown as ServerResponse, head.facts);
  }
}

/** The client is gone, or the node that it came over. */
function giveUp({ req, res }: Answering): void {
  res.destroy();
  req.destroy();
}
