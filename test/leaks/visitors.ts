import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { webTransportPair } from "@sockeye/conformance";
import type { Server, ServerOptions } from "@sockeye/server";
import { WebSocket, WebSocketServer } from "ws";
import { until } from "./real-time.js";

// Clients that set no timer of their own and do nothing by themselves but to fetch what there is: not even a PING is answered.

/** A client on one transport. */
export interface Visitor {
  /** All that came, put together. */
  readonly heard: string;
  /** Sends one engine packet. */
  send(packet: string): void;
  /** The goodbye of the transport. */
  leave(): void;
  /** From now on it reads and sends nothing, and its connection stays: as a machine that sleeps. */
  freeze(): void;
  /** As when the network breaks. */
  cut(): void;
}

export interface Place {
  readonly io: Server;
  readonly port: number;
}

export interface Kind {
  /** Begins; resolved once it has heard OPEN. */
  visit(place: Place): Promise<Visitor>;
  /** Just dials, and hears nothing. @returns hangs up */
  dial(place: Place): () => void;
  /** What the server needs for it. */
  readonly options?: Partial<ServerOptions>;
  /** Clients of Socket.IO 2 are in the main namespace without asking. */
  readonly joinsByItself?: boolean;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  websocket: byWebSocket("EIO=4"),
  "websocket, compressed": {
    ...byWebSocket("EIO=4", true),
    options: { perMessageDeflate: { threshold: 0 } },
  },
  "websocket of the package ws": {
    ...byWebSocket("EIO=4", true),
    options: { perMessageDeflate: { threshold: 0 }, wsEngine: WebSocketServer as never },
  },
  "websocket, revision 3": { ...byWebSocket("EIO=3"), joinsByItself: true },
  polling: byHttp({ transport: "polling" }),
  "polling, revision 3": {
    ...byHttp({ transport: "polling", revision: 3, body: (packet) => `${packet.length}:${packet}` }),
    joinsByItself: true,
  },
  jsonp: byHttp({
    transport: "polling",
    more: "&j=0",
    body: (packet) => `d=${encodeURIComponent(packet)}`,
    type: "application/x-www-form-urlencoded",
  }),
  sse: byHttp({ transport: "sse" }),
  stream: byHttp({ transport: "stream" }),
  iframe: byHttp({ transport: "iframe", more: "&c=0" }),
  webtransport: { visit: visitByWebTransport, dial: dialWebTransport },
};

function byWebSocket(query: string, perMessageDeflate = false): Kind {
  const open = ({ port }: Place): WebSocket => {
    const url = `ws://127.0.0.1:${port}/socket.io/?${query}&transport=websocket`;
    // As a browser: for others the first frames wait for a moment of the time that stands still here.
    const ws = new WebSocket(url, { perMessageDeflate, origin: `http://127.0.0.1:${port}` });
    ws.on("error", () => {});
    return ws;
  };
  const dial = (place: Place): (() => void) => {
    const ws = open(place);
    return () => ws.terminate();
  };
  const visit = async (place: Place): Promise<Visitor> => {
    const ws = open(place);
    let heard = "";
    ws.on("message", (data) => {
      heard += String(data);
    });
    await until(() => heard.includes("sid"), "OPEN");
    return {
      get heard() {
        return heard;
      },
      send: (packet) => ws.send(packet),
      leave: () => ws.close(),
      freeze: () => ws.pause(),
      cut: () => ws.terminate(),
    };
  };
  return { visit, dial };
}

interface HttpWay {
  readonly transport: string;
  readonly revision?: 3 | 4;
  /** More of the query. */
  readonly more?: string;
  /** A packet as the body of a POST, and its type. */
  readonly body?: (packet: string) => string;
  readonly type?: string;
}

function byHttp(way: HttpWay): Kind {
  const dial = ({ port }: Place): (() => void) => {
    const visitor = new HttpVisitor(port, way);
    return () => visitor.cut();
  };
  const visit = async ({ port }: Place): Promise<Visitor> => {
    const visitor = new HttpVisitor(port, way);
    await until(() => visitor.heard.includes("sid"), "OPEN");
    return visitor;
  };
  return { visit, dial };
}

/** One GET after the other, whether they end at once or go on; beside them one POST after the other. A connection for each. */
class HttpVisitor implements Visitor {
  heard = "";
  readonly #port: number;
  readonly #way: HttpWay;
  readonly #path: string;
  #sid = "";
  #frozen = false;
  readonly #requests = new Set<ClientRequest>();
  readonly #responses = new Set<IncomingMessage>();
  #posted: Promise<unknown> = Promise.resolve();

  constructor(port: number, way: HttpWay) {
    this.#port = port;
    this.#way = way;
    this.#path = `/socket.io/?EIO=${way.revision ?? 4}&transport=${way.transport}${way.more ?? ""}`;
    this.#get();
  }

  send(packet: string): void {
    const { body = (same) => same, type = "text/plain" } = this.#way;
    this.#posted = this.#posted.then(
      () =>
        new Promise<void>((resolve) => {
          if (this.#frozen) return;
          const req = this.#request("POST", (res) => res.resume());
          req.on("close", resolve);
          req.setHeader("content-type", type);
          req.end(body(packet));
        }),
    );
  }

  leave(): void {
    this.send("1");
  }

  freeze(): void {
    this.#frozen = true;
    for (const req of this.#requests) req.socket?.pause();
    for (const res of this.#responses) res.pause();
  }

  cut(): void {
    this.#frozen = true;
    for (const req of this.#requests) req.destroy();
  }

  #get(): void {
    const req = this.#request("GET", (res) => {
      this.#responses.add(res);
      res.on("close", () => this.#responses.delete(res));
      res.on("data", (chunk) => {
        this.heard += String(chunk);
        this.#sid ||= /sid[^\w-]+([\w-]{10,})/.exec(this.heard)?.[1] ?? "";
      });
      res.on("end", () => {
        // Whatever else is answered, the session is over.
        if (res.statusCode === 200 && !this.#frozen) this.#get();
      });
    });
    req.end();
  }

  #request(method: string, onResponse: (res: IncomingMessage) => void): ClientRequest {
    const path = this.#sid === "" ? this.#path : `${this.#path}&sid=${this.#sid}`;
    const options = { host: "127.0.0.1", port: this.#port, path, method, agent: false };
    const req = request(options, (res) => {
      res.on("error", () => {});
      onResponse(res);
    });
    req.on("error", () => {});
    this.#requests.add(req);
    req.on("close", () => this.#requests.delete(req));
    return req;
  }
}

/** What an HTTP/3 server would tell. */
const HERE = { remoteAddress: "127.0.0.1" };

function dialWebTransport({ io }: Place): () => void {
  const { client, server } = webTransportPair();
  io.engine.onWebTransportSession(server, HERE);
  const open = async (): Promise<void> => {
    const { writable } = await client.createBidirectionalStream();
    await writable.getWriter().write(framed("0"));
  };
  open().catch(() => {});
  return () => client.cut(new Error("cut"));
}

/** As a frame of text. */
function framed(packet: string): Uint8Array {
  const bytes = Buffer.from(packet);
  const head = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from(head), bytes]);
}

async function visitByWebTransport({ io }: Place): Promise<Visitor> {
  const { client, server } = webTransportPair();
  io.engine.onWebTransportSession(server, HERE);
  const { readable, writable } = await client.createBidirectionalStream();
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  const send = (packet: string): void => {
    writer.write(framed(packet)).catch(() => {});
  };
  let heard = "";
  let frozen = false;
  const read = async (): Promise<void> => {
    const reader = readable.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      heard += value === undefined ? "" : Buffer.from(value);
      if (frozen) return;
      // The server has said all.
      if (done) break;
    }
    client.close();
  };
  read().catch(() => {});
  send("0");
  await until(() => heard.includes("sid"), "OPEN");
  return {
    get heard() {
      return heard;
    },
    send,
    leave: () => client.close(),
    freeze: () => {
      frozen = true;
    },
    cut: () => client.cut(new Error("cut")),
  };
}
