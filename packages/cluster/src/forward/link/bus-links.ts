import type { Duplex } from "node:stream";
import type { Cluster } from "../../cluster.js";
import { isCount } from "../../introduction.js";
import { badInput } from "../../wire.js";
import type { ForwardableRequest, ForwardTerms, LinkTarget } from "../terms.js";
import { AnsweringEnd } from "./answering.js";
import { AskingEnd } from "./asking.js";
import { BusPipe } from "./bus-pipe.js";

/** What nodes tell each other of links over the bus. */
export const BUS_LINK = "link";

/** How long the other node may take to open a link. */
const OPEN_MS = 2_000;
/** How many clients may wait for that. */
const MAX_WAITING = 1_000;
const NOTHING = Buffer.alloc(0);

type Said =
  | "open"
  | "opened"
  | "asks"
  | "answers"
  | "asker had"
  | "answerer had"
  | "asker closed"
  | "answerer closed";

/** What a link is wanted for. */
export interface Errand<T> {
  readonly run: (way: T) => void;
  /** Its client is cut: that says nothing of its session. Those of ours ask again. */
  readonly cut: () => void;
  /** The other node does not answer. Left out: it is cut. */
  readonly unanswered?: (() => void) | undefined;
}

interface Asking {
  readonly id: number;
  readonly waiting: Errand<AskingEnd>[];
  pipe: BusPipe | undefined;
  end: AskingEnd | undefined;
  timer: unknown;
}

interface Answering {
  readonly id: number;
  readonly pipe: BusPipe;
}

/**
 * Links as {@link Links} has them, with the bus in place of a connection: for nodes that cannot reach each other. It is dearer than a connection, and
 * when a message may be lost, the link ends, with all that is under way. WebSockets go the same way.
 */
export class BusLinks {
  readonly #cluster: Cluster;
  readonly #target: LinkTarget;
  readonly #asking = new Map<string, Asking>();
  readonly #answering = new Map<string, Answering>();

  constructor(cluster: Cluster, target: LinkTarget) {
    this.#cluster = cluster;
    this.#target = target;
  }

  /** Passes a request on. It waits until the other node has answered. While the bus is down it is cut. */
  request(visit: ForwardableRequest, to: string, terms: ForwardTerms, unanswered?: () => void): void {
    const { res } = visit;
    const cut = (): void => void res.destroy();
    const run = (end: AskingEnd): void => {
      if (!res.destroyed && !end.request(visit, { ...terms, failed: cut })) terms.failed(true);
    };
    this.#go(to, { run, cut, unanswered: unanswered && (() => res.destroyed || unanswered()) });
  }

  /** Makes a connection to the internal listener of a node. It waits and is cut like a request. */
  connect(to: string, errand: Errand<Duplex>): void {
    this.#go(to, { ...errand, run: (end) => errand.run(end.connect()) });
  }

  /** What another node says. @throws ClusterError `ERR_CLUSTER_INPUT` */
  told([said, id, number, bytes]: readonly unknown[], from: string): void {
    if (!isCount(id)) throw badInput("no link");
    if (!this.#cluster.members.has(from)) return;
    const asking = this.#asking.get(from)?.id === id ? this.#asking.get(from) : undefined;
    const answering = this.#answering.get(from)?.id === id ? this.#answering.get(from) : undefined;
    switch (said as Said) {
      case "open":
        this.#answer(from, id);
        return;
      case "opened":
        if (asking && !asking.end) this.#opened(from, asking);
        return;
      case "asks":
        if (answering) came(answering.pipe, number, bytes);
        else this.#say(from, "answerer closed", id);
        return;
      case "answers":
        if (asking?.pipe) came(asking.pipe, number, bytes);
        else this.#say(from, "asker closed", id);
        return;
      case "asker had":
        if (!isCount(number)) throw badInput("no credit");
        answering?.pipe.credited(number);
        return;
      case "answerer had":
        if (!isCount(number)) throw badInput("no credit");
        asking?.pipe?.credited(number);
        return;
      case "asker closed":
        answering?.pipe.destroy();
        return;
      case "answerer closed":
        if (asking) this.#cut(from, asking);
        return;
      default:
        throw badInput("no word of a link");
    }
  }

  /** Something that a node has said may be lost, or the node is gone. @param node left out: of all */
  broken(node?: string): void {
    for (const [id, asking] of [...this.#asking]) if ((node ?? id) === id) this.#cut(id, asking);
    for (const [id, { pipe }] of [...this.#answering]) if ((node ?? id) === id) pipe.destroy();
  }

  /** Passes nothing on any more; what is passed on to here is still answered. */
  stop(): void {
    for (const [id, asking] of [...this.#asking]) {
      asking.end?.close();
      this.#cut(id, asking);
    }
  }

  // ---- inside

  #go(to: string, errand: Errand<AskingEnd>): void {
    const asking = this.#cluster.isUp ? (this.#asking.get(to) ?? this.#dial(to)) : undefined;
    if (asking?.end) errand.run(asking.end);
    else if (asking && asking.waiting.length < MAX_WAITING) asking.waiting.push(errand);
    else errand.cut();
  }

  #say(to: string, said: Said, ...rest: readonly unknown[]): void {
    this.#cluster.tell(to, BUS_LINK, [said, ...rest]);
  }

  #dial(to: string): Asking {
    const { clock } = this.#cluster;
    const asking: Asking = {
      id: this.#cluster.nextSeq(),
      waiting: [],
      pipe: undefined,
      end: undefined,
      timer: clock.setTimer(() => this.#unanswered(to, asking), OPEN_MS),
    };
    this.#asking.set(to, asking);
    this.#say(to, "open", asking.id);
    return asking;
  }

  #opened(to: string, asking: Asking): void {
    this.#cluster.clock.clearTimer(asking.timer);
    const { id } = asking;
    const pipe = new BusPipe({
      clock: this.#cluster.clock,
      send: (number, bytes) => this.#say(to, "asks", id, number, bytes),
      had: (bytes) => this.#say(to, "asker had", id, bytes),
      closed: () => this.#say(to, "asker closed", id),
    });
    const end = new AskingEnd(pipe, NOTHING, () => {
      if (this.#asking.get(to) === asking) this.#asking.delete(to);
    });
    Object.assign(asking, { pipe, end });
    for (const { run } of asking.waiting.splice(0)) run(end);
  }

  #answer(from: string, id: number): void {
    // One that is opened again takes the place of another: the other end has given that up.
    this.#answering.get(from)?.pipe.destroy();
    const pipe = new BusPipe({
      clock: this.#cluster.clock,
      send: (number, bytes) => this.#say(from, "answers", id, number, bytes),
      had: (bytes) => this.#say(from, "answerer had", id, bytes),
      closed: () => {
        if (this.#answering.get(from) === answering) this.#answering.delete(from);
        this.#say(from, "answerer closed", id);
      },
    });
    const answering: Answering = { id, pipe };
    this.#answering.set(from, answering);
    const isMember = (): boolean => this.#cluster.members.has(from);
    new AnsweringEnd(pipe, NOTHING, { target: this.#target, isMember, closed: () => {} });
    this.#say(from, "opened", id);
  }

  #unanswered(to: string, asking: Asking): void {
    for (const { unanswered, cut } of asking.waiting.splice(0)) (unanswered ?? cut)();
    this.#cut(to, asking);
  }

  #cut(to: string, asking: Asking): void {
    if (this.#asking.get(to) === asking) this.#asking.delete(to);
    this.#cluster.clock.clearTimer(asking.timer);
    for (const { cut } of asking.waiting.splice(0)) cut();
    asking.pipe?.destroy();
  }
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
function came(pipe: BusPipe, number: unknown, bytes: unknown): void {
  if (!isCount(number) || !(bytes instanceof Uint8Array)) throw badInput("no part of a link");
  pipe.came(number, bytes);
}
