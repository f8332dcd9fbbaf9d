import { Duplex } from "node:stream";
import type { Carrier } from "./carrier.js";
import { Inflow, Outflow } from "./flow.js";
import { LinkFrame, type ReadFrame, readCredit } from "./frames.js";

const NOTHING = new Uint8Array();

/** One end of a connection that goes over a link: bytes both ways, and no more of them under way than the other end has room for. */
export class Tunnel extends Duplex {
  readonly #carrier: Carrier;
  readonly #id: number;
  readonly #out: Outflow;
  readonly #in: Inflow;
  /** Bytes that wait to be read. */
  #waiting = 0;

  constructor(carrier: Carrier, id: number) {
    super({ allowHalfOpen: false });
    this.#carrier = carrier;
    this.#id = id;
    this.#out = new Outflow(carrier, id);
    this.#in = new Inflow(carrier, id);
  }

  /** @returns whether it is over @throws ClusterError `ERR_CLUSTER_INPUT` */
  frame({ type, body, isLast }: ReadFrame): boolean {
    switch (type) {
      case LinkFrame.DATA:
        this.#came(body, isLast);
        return false;
      case LinkFrame.CREDIT:
        this.#out.credited(readCredit(body));
        return false;
      case LinkFrame.RESET:
        this.cut();
        return true;
      default:
        return false;
    }
  }

  /** The other end has given up, or is gone. */
  fail(): void {
    this.cut();
  }

  cut(): void {
    this.destroy();
  }

  #came(bytes: Buffer, isLast: boolean): void {
    this.#in.came(bytes.length, isLast);
    if (this.destroyed) return;
    if (bytes.length > 0 && !this.push(bytes)) this.#waiting += bytes.length;
    else this.#in.taken(bytes.length);
    if (isLast) this.push(null);
  }

  override _read(): void {
    const taken = this.#waiting;
    this.#waiting = 0;
    if (taken > 0) this.#in.taken(taken);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#out.write(chunk, done)) done();
  }

  override _final(done: () => void): void {
    this.#out.end();
    done();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.writableFinished || !this.#in.isOver) this.#carrier.send(LinkFrame.RESET, this.#id, NOTHING);
    callback(error);
  }
}
