import { AwayBytes } from "./away-bytes.js";
import type { Place } from "./between-nodes.js";
import { badInput, frameOf, SAY } from "./between-nodes.js";
import type { Lane } from "./lane.js";
import type { OpenRequest } from "./requests.js";
import { isNumber } from "./requests.js";
import type { Outcome } from "./run.js";
import { failure } from "./run.js";
import type { StreamPeer } from "./stream-peer.js";

/** The socket of what another node runs. */
export interface AwayHost {
  readonly peer: StreamPeer;
  /** Its number there. */
  readonly n: number;
  /** Streams and uploads that are open. */
  readonly size: number;
  /** It is over. @param outcome left out: the client was told */
  over(outcome?: Outcome): void;
  /** Nothing of it is under way any more: after a stop that takes an answer. */
  ended(): void;
}

/** The other nodes. */
export interface AwayLink {
  /** @returns false: it is too large for the bus */
  say(to: string, value: readonly unknown[]): boolean;
  /** Gives it a new number; its old one means nothing any more. */
  renumber(away: Away): number;
  forget(away: Away): void;
  /** @returns calls it off */
  later(goOn: () => void, ms: number): () => void;
}

/** How long an answer is waited for, and how often it is asked for. */
const RETRY_MS = 2_000;
const ATTEMPTS = 5;

/**
 * A stream, or an upload, that another node runs. What its client says goes there, and what that node has encoded for the client comes back: so credit
 * is counted between the two ends, and nothing waits here but the bytes of an upload that were not read. Where something was lost, it is
 * asked for again, behind what has come.
 */
export class Away {
  /** Its number among those of this node. */
  lane = 0;
  readonly place: Place;
  readonly #link: AwayLink;
  readonly #host: AwayHost;
  readonly #request: OpenRequest;
  readonly #bytes: AwayBytes | undefined;
  /** What the other node compares, until it has. */
  #input: readonly unknown[];
  #last: number;
  #taken: number;
  #attempts = 0;
  #callOff = (): void => {};
  /** Its client has stopped it, and hears no more of it. */
  #isStopped = false;
  #isOpened = false;

  constructor(link: AwayLink, host: AwayHost, place: Place, request: OpenRequest) {
    this.#link = link;
    this.#host = host;
    this.place = place;
    this.#request = request;
    this.#input = request.file || request.input !== undefined ? request.raw : [];
    this.#last = this.#taken = request.after;
    if (request.file) this.#bytes = new AwayBytes(host.peer, (op, ...args) => this.#say(op, ...args));
  }

  /** As its socket sees it. */
  get frames(): Lane {
    const bytes = this.#bytes;
    return {
      taken: (seq) => {
        if (seq > this.#last) return false;
        this.#taken = Math.max(this.#taken, seq);
        this.#say(SAY.taken, seq);
        return true;
      },
      stop: () => this.stop(),
      detach: () => {
        this.#say(SAY.detach);
        this.#forget();
      },
      ...(bytes && {
        take: (event: unknown, value: unknown, piece: unknown) => {
          if (bytes.take(event, value, piece)) return;
          this.#host.over(failure("ERR_STREAM_FRAME", "this is not the next piece"));
          this.stop();
        },
      }),
    };
  }

  /** Asks for it, from what has come on. */
  ask(): void {
    this.#attempts = 0;
    this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    this.#bytes?.forget();
    this.ask();
  }

  /** The other node has gone. */
  lost(): void {
    if (!this.#isStopped) this.#host.over(failure("ERR_STREAM_LOST", "the node that ran it has gone"));
    this.#forget();
  }

  /** The other node says something. @throws ClusterError `ERR_CLUSTER_INPUT` */
  told(op: unknown, args: readonly unknown[]): void {
    if (op === SAY.again) this.ask();
    else if (op === SAY.end) this.#ended(args);
    else if (this.#isStopped) return;
    else if (op === SAY.opened) this.#opened(args);
    else if (op === SAY.item) this.#item(args);
    else if (op === SAY.granted && this.#bytes) this.#granted(this.#bytes, args);
    else throw badInput();
  }

  // ---- inside

  #opened([head, attachments]: readonly unknown[]): void {
    this.#answered();
    if (!this.#isOpened) this.#host.peer.forward(frameOf(head, attachments));
    this.#isOpened = true;
  }

  #item([seq, head, attachments]: readonly unknown[]): void {
    if (!isNumber(seq) || seq > this.#taken + this.#request.items) throw badInput();
    if (seq <= this.#last) return;
    if (seq > this.#last + 1) {
      this.ask();
      return;
    }
    const frame = frameOf(head, attachments);
    this.#answered();
    this.#last = seq;
    this.#host.peer.forward(frame);
  }

  #granted(bytes: AwayBytes, [read, upto, head, attachments]: readonly unknown[]): void {
    const frame = frameOf(head, attachments);
    this.#answered();
    const isNews = bytes.granted(read, upto);
    if (isNews === undefined) this.lost();
    else if (isNews) this.#host.peer.forward(frame);
  }

  #ended([last, head, attachments]: readonly unknown[]): void {
    if (!this.#isStopped) {
      const frame = frameOf(head, attachments);
      if (isNumber(last) && last > this.#last) {
        this.ask();
        return;
      }
      this.#host.over();
      this.#host.peer.forward(frame);
    }
    this.#forget();
  }

  #ask(): void {
    this.#callOff();
    if (this.#attempts++ === ATTEMPTS) {
      this.lost();
      return;
    }
    const before = this.lane;
    this.lane = this.#link.renumber(this);
    const { key } = this.place;
    const { items, bytes } = this.#request;
    const { n, size } = this.#host;
    this.#callOff = this.#link.later(() => this.#ask(), RETRY_MS);
    if (this.#isStopped) this.#say(SAY.stop, before, key);
    else {
      const window = this.#bytes ? [size, 0] : [items, bytes];
      const about = [before, key, n, this.#last, this.#taken, ...window, this.#input];
      if (this.#say(SAY.open, ...about)) this.#bytes?.asked();
      else {
        this.#host.over(failure("ERR_STREAM_LIMIT", "the input is too large for the cluster"));
        this.#forget();
      }
    }
  }

  #answered(): void {
    this.#callOff();
    this.#input = [];
  }

  #say(op: number, ...args: readonly unknown[]): boolean {
    return this.#link.say(this.place.node, [op, this.lane, ...args]);
  }

  #forget(): void {
    this.#callOff();
    this.#bytes?.forget();
    this.#link.forget(this);
    this.#host.ended();
  }
}
