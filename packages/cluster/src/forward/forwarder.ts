import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "@sockeye/protocol";
import type { Member } from "../membership.js";
import { isHopByHop } from "./hop-by-hop.js";
import type { LinksTerms } from "./link/links.js";
import { placeOf } from "./place.js";
import { type ForwardFacts, forwardKey, SIGNATURE_HEADER, Signer } from "./signature.js";
import type { ForwardableRequest, ForwardableUpgrade } from "./terms.js";

/** A node that does not answer a connection within so long cannot be reached. */
const CONNECT_MS = 2_000;

/** Why nothing was answered. `refused`: nobody listens there. `unreachable`: there was no connection. `begun`: there was one, and the request was sent. */
export type Failure = "refused" | "unreachable" | "begun";

/** What follows from passing something on. */
export interface PassTerms {
  readonly facts: ForwardFacts;
  /** There is a connection to the node. */
  reached(): void;
  failed(why: Failure): void;
}

/** Passes requests on to the internal listeners of other nodes, each over a connection of HTTP that is kept: to upgrade, and where there is no link. */
export class Forwarder {
  readonly #signer: Signer;
  readonly #secret: string | undefined;
  readonly #clock: Clock;
  readonly #agent = new Agent({ keepAlive: true });
  /** Clients that are passed on now: their connections would keep this node's HTTP server from ending. */
  readonly #passing = new Set<ServerResponse | Duplex>();
  #closed = false;

  constructor({ id, secret, clock }: Pick<LinksTerms, "id" | "secret" | "clock">) {
    this.#signer = new Signer(id);
    this.#secret = secret;
    this.#clock = clock;
  }

  /** Passes a request on, and its answer back. */
  request({ req, res }: ForwardableRequest, to: Member, terms: PassTerms): void {
    const { framing, hasBody } = framingOf(req);
    const out = this.#dial(req, to, { facts: terms.facts, more: framing });
    this.#note(res);
    out.on("response", (answer) => {
      if (res.destroyed) {
        answer.destroy();
        return;
      }
      for (const [name, values] of headersOf(answer))
        res.setHeader(name, values.length === 1 ? `${values[0]}` : values);
      res.writeHead(answer.statusCode ?? 502);
      res.flushHeaders();
      answer.on("error", () => res.destroy());
      answer.pipe(res);
    });
    const failure = this.#connect(out, terms, () => {
      if (hasBody) req.pipe(out);
      else out.end();
    });
    out.on("error", (error) => {
      if (res.headersSent) res.destroy();
      else if (!res.destroyed) terms.failed(failure(error));
    });
    res.on("close", () => {
      if (!res.writableFinished) out.destroy();
    });
  }

  /**
   * Passes a request to upgrade on, and joins both sockets.
   *
   * @param over a connection to the other node. Left out: one is made
   */
  upgrade(visit: ForwardableUpgrade, to: Member, terms: PassTerms, over?: Duplex): void {
    const { req, socket, head, headers } = visit;
    const upgrade = ["Connection", "Upgrade", "Upgrade", `${req.headers.upgrade}`];
    const out = this.#dial(req, to, { facts: terms.facts, more: upgrade, over });
    this.#note(socket);
    const failure = this.#connect(out, terms, () => out.end());
    let answered = false;
    out.on("upgrade", (answer, link, linkHead) => {
      answered = true;
      socket.write(headOf(answer, headers));
      if (linkHead.length > 0) socket.write(linkHead);
      if (head.length > 0) link.write(head);
      join(socket, link);
    });
    out.on("response", (answer) => {
      answered = true;
      socket.write(headOf(answer, { connection: "close" }));
      answer.on("error", () => socket.destroy());
      answer.pipe(socket);
    });
    out.on("error", (error) => {
      if (answered) socket.destroy();
      else if (!socket.destroyed) terms.failed(failure(error));
    });
    socket.once("close", () => out.destroy());
  }

  /** Cuts what is passed on: those clients continue over another node. */
  close(): void {
    this.#closed = true;
    for (const passing of this.#passing) passing.destroy();
    this.#agent.destroy();
  }

  /** Waits for the connection: until there is one, the client may be answered another way. @returns says why it failed */
  #connect(
    out: ClientRequest,
    { reached }: Pick<PassTerms, "reached">,
    then: () => void,
  ): (error: NodeJS.ErrnoException) => Failure {
    let isBegun = false;
    const begin = (): void => {
      isBegun = true;
      reached();
      then();
    };
    out.on("socket", (link) => {
      if (!link.connecting) {
        begin();
        return;
      }
      const clock = this.#clock;
      const timer = clock.setTimer(() => out.destroy(new Error("the node does not answer")), CONNECT_MS);
      out.once("close", () => clock.clearTimer(timer));
      link.once("connect", () => {
        clock.clearTimer(timer);
        begin();
      });
    });
    return ({ code }) => (isBegun ? "begun" : code === "ECONNREFUSED" ? "refused" : "unreachable");
  }

  #note(client: ServerResponse | Duplex): void {
    this.#passing.add(client);
    client.once("close", () => this.#passing.delete(client));
    if (this.#closed) client.destroy();
  }

  #dial(
    req: IncomingMessage,
    to: Member,
    { facts, more, over }: { facts: ForwardFacts; more: readonly string[]; over?: Duplex | undefined },
  ): ClientRequest {
    const { method, url } = req;
    const signature = this.#signer.sign(forwardKey(to.key, this.#secret), { method, url }, facts);
    const headers = [...more, SIGNATURE_HEADER, signature];
    for (const [name, values] of headersOf(req)) for (const value of values) headers.push(name, value);
    const authority = req.headers[":authority"];
    if (req.headers.host === undefined && typeof authority === "string") headers.push("Host", authority);
    return request({
      ...(over ? { createConnection: () => over } : { agent: this.#agent, ...placeOf(to) }),
      method,
      path: url,
      headers,
      setHost: false,
    });
  }
}

/**
 * How the body is framed on the link. Node frames none by itself where a method is not meant to have one, as GET: the body would stand there as
 * the next request, and the one that comes next over the link, another client's, would be cut with it.
 */
function framingOf({ headers, httpVersionMajor }: IncomingMessage): {
  readonly framing: readonly string[];
  readonly hasBody: boolean;
} {
  if (headers["content-length"] !== undefined) return { framing: [], hasBody: true };
  const hasBody = headers["transfer-encoding"] !== undefined || httpVersionMajor >= 2;
  return { framing: hasBody ? ["Transfer-Encoding", "chunked"] : [], hasBody };
}

/** What is between the ends, by name. */
function headersOf({ rawHeaders }: IncomingMessage): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (name.startsWith(":") || isHopByHop(name.toLowerCase())) continue;
    const known = headers.get(name);
    if (known) known.push(value);
    else headers.set(name, [value]);
  }
  return headers;
}

/** The first lines of an answer to a request to upgrade. */
function headOf(answer: IncomingMessage, more: ForwardableUpgrade["headers"]): string {
  const { statusCode, statusMessage, rawHeaders } = answer;
  const isUpgrade = statusCode === 101;
  let head = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  const seen = new Set<string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = `${rawHeaders[at]}`.toLowerCase();
    if (!isUpgrade && isHopByHop(name)) continue;
    seen.add(name);
    head += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  }
  for (const [name, value] of Object.entries(more)) {
    if (value === undefined || seen.has(name.toLowerCase())) continue;
    for (const each of Array.isArray(value) ? value : [value]) head += `${name}: ${each}\r\n`;
  }
  return `${head}\r\n`;
}

/** Each gets what the other sends; the end of one is the end of both. */
function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy());
    from.once("close", () => to.destroy());
    from.pipe(to);
  }
}
