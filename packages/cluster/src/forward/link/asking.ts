import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { badInput } from "../../wire.js";
import type { ForwardableRequest, ForwardTerms } from "../terms.js";
import { Carrier } from "./carrier.js";
import { Inflow, Outflow } from "./flow.js";
import { LAST, LinkFrame, type ReadFrame, readCredit } from "./frames.js";
import { readResponseHead, writeRequestHead } from "./heads.js";
import { Tunnel } from "./tunnel.js";

const NOTHING = Buffer.alloc(0);
/** The last piece of an answer that is written as text. */
const AS_TEXT_BYTES = 4_096;

/** The end of a link that passes requests on: one of them. */
class Passing {
  readonly #carrier: Carrier;
  readonly #id: number;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #failed: ForwardTerms["failed"];
  readonly #out: Outflow;
  readonly #in: Inflow;
  /** Bytes that wait for the client to take them. */
  #waiting = 0;
  /** Bytes that the answer still has to have, if it has said how many. */
  #missing: number | undefined = undefined;
  #isAnswered = false;
  #hasBody: boolean;

  constructor(
    carrier: Carrier,
    id: number,
    { req, res, failed }: ForwardableRequest & Pick<ForwardTerms, "failed">,
  ) {
    this.#carrier = carrier;
    this.#id = id;
    this.#req = req;
    this.#res = res;
    this.#failed = failed;
    this.#out = new Outflow(carrier, id);
    this.#in = new Inflow(carrier, id);
    this.#hasBody =
      req.headers["content-length"] !== undefined ||
      req.headers["transfer-encoding"] !== undefined ||
      req.httpVersionMajor >= 2;
  }

  begin(head: Uint8Array): void {
    const [req, carrier, id] = [this.#req, this.#carrier, this.#id];
    carrier.send(this.#hasBody ? LinkFrame.REQUEST : LinkFrame.REQUEST | LAST, id, head);
    if (!this.#hasBody) return;
    const isOpen = (): boolean => this.#hasBody;
    req.on("error", () => {});
    req.on("data", (chunk: Buffer) => {
      if (!isOpen()) return;
      if (!this.#out.write(chunk, () => req.resume())) req.pause();
    });
    req.on("end", () => {
      if (isOpen()) this.#out.end();
      this.#hasBody = false;
    });
  }

  /** @returns whether it is over @throws ClusterError `ERR_CLUSTER_INPUT` */
  frame({ type, body, isLast }: ReadFrame): boolean {
    switch (type) {
      case LinkFrame.RESPONSE:
        this.#answer(body);
        if (isLast) this.#came(NOTHING, true);
        return isLast;
      case LinkFrame.DATA:
        if (!this.#isAnswered) throw badInput("a body before its head");
        this.#came(body, isLast);
        return isLast;
      case LinkFrame.CREDIT:
        this.#out.credited(readCredit(body));
        return false;
      case LinkFrame.RESET:
        this.fail();
        return true;
      default:
        return false;
    }
  }

  /** What came together is told: what is still to come is not waited for. */
  turn(): void {
    if (this.#isAnswered && !this.#res.writableEnded) this.#res.flushHeaders();
  }

  /** The other end has given up, or is gone. */
  fail(): void {
    this.#hasBody = false;
    const [res, isAnswered] = [this.#res, this.#isAnswered];
    if (isAnswered) res.destroy();
    else if (!res.destroyed) this.#failed(false);
  }

  cut(): void {
    this.#res.destroy();
  }

  #answer(body: Buffer): void {
    if (this.#isAnswered) throw badInput("two heads");
    const { status, headers } = readResponseHead(body);
    const res = this.#res;
    for (const [name, value] of headers) {
      res.setHeader(name, value);
      if (name.toLowerCase() === "content-length") this.#missing = Number(value);
    }
    res.writeHead(status);
    this.#isAnswered = true;
  }

  #came(bytes: Buffer, isLast: boolean): void {
    this.#in.came(bytes.length, isLast);
    // A body that is longer or shorter than its length would be part of the next answer.
    if (this.#missing !== undefined) {
      this.#missing -= bytes.length;
      if (this.#missing < 0 || Number.isNaN(this.#missing) || (isLast && this.#missing > 0))
        throw badInput("a body of another length");
    }
    const res = this.#res;
    if (!isLast) {
      if (res.write(bytes)) this.#in.taken(bytes.length);
      else this.#wait(bytes.length);
      return;
    }
    if (this.#hasBody) {
      // It has an answer already, and nobody reads the rest.
      this.#hasBody = false;
      this.#carrier.send(LinkFrame.RESET, this.#id, NOTHING);
      this.#req.resume();
    }
    if (bytes.length === 0) res.end();
    // A character for each byte: Node writes a text together with the head, and bytes apart.
    else if (bytes.length <= AS_TEXT_BYTES) res.end(bytes.toString("latin1"), "latin1");
    else res.end(bytes);
  }

  /** One listener, however many pieces wait. */
  #wait(bytes: number): void {
    if (this.#waiting === 0)
      this.#res.once("drain", () => {
        this.#in.taken(this.#waiting);
        this.#waiting = 0;
      });
    this.#waiting += bytes;
  }
}

/** The end of a link that passes requests on: all of them over one connection, and none waits for another. */
export class AskingEnd {
  readonly #carrier: Carrier;
  readonly #streams = new Map<number, Passing | Tunnel>();
  /** Of answers that came in this turn. */
  #answered: Passing[] = [];
  #id = 0;

  constructor(socket: Duplex, head: Buffer, closed: () => void) {
    this.#carrier = new Carrier(socket, head, {
      frame: (frame) => this.#frame(frame),
      turn: () => this.#turn(),
      closed: () => {
        for (const stream of this.#streams.values()) stream.fail();
        this.#streams.clear();
        closed();
      },
    });
  }

  /** @returns false if a link does not take it, and nothing was done */
  request({ req, res }: ForwardableRequest, { facts, failed }: ForwardTerms): boolean {
    const head = writeRequestHead(req, facts);
    if (head === undefined) return false;
    const id = this.#next();
    const passing = new Passing(this.#carrier, id, { req, res, failed });
    this.#streams.set(id, passing);
    res.once("close", () => {
      if (this.#streams.get(id) !== passing) return;
      this.#streams.delete(id);
      this.#carrier.send(LinkFrame.RESET, id, NOTHING);
    });
    passing.begin(head);
    return true;
  }

  /** Opens a connection to the other node's internal listener. Only where the other end takes them. */
  connect(): Duplex {
    const id = this.#next();
    const tunnel = new Tunnel(this.#carrier, id);
    this.#streams.set(id, tunnel);
    tunnel.once("close", () => this.#streams.delete(id));
    this.#carrier.send(LinkFrame.CONNECT, id, NOTHING);
    return tunnel;
  }

  /** Cuts those that are under way. */
  close(): void {
    for (const stream of this.#streams.values()) stream.cut();
    this.#carrier.close();
  }

  #frame(frame: ReadFrame): void {
    // What was under way still comes for a stream that was given up here.
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return;
    try {
      if (frame.type === LinkFrame.RESPONSE && stream instanceof Passing) this.#answered.push(stream);
      if (stream.frame(frame)) this.#streams.delete(frame.stream);
    } catch (error) {
      stream.cut();
      throw error;
    }
  }

  #next(): number {
    do this.#id = (this.#id + 1) >>> 0;
    while (this.#streams.has(this.#id));
    return this.#id;
  }

  #turn(): void {
    if (this.#answered.length === 0) return;
    for (const passing of this.#answered) passing.turn();
    this.#answered = [];
  }
}
