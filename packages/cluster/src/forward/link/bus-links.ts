import type { Cluster } from "../../cluster.js";
import { isCount } from "../../introduction.js";
import { badInput } from "../../wire.js";
import type { ForwardableRequest, ForwardTarget, ForwardTerms } from "../terms.js";
import { AnsweringEnd } from "./answering.js";
import { AskingEnd } from "./asking.js";
import { BusPipe } from "./bus-pipe.js";

/** What nodes tell each other of links over the bus. */
export const BUS_LINK = "link";

/** So long the other node may take to open a link. */
const OPEN_MS = 2_000;
/** Requests that wait for that. */
const MAX_WAITING = 1_000;
const NOTHING = Buffer.alloc(0);

type Said = "open" | "opened" | "asks" | "answers" | "asker closed" | "answerer closed";

interface Visit {
  readonly visit: ForwardableRequest;
  readonly terms: ForwardTerms;
}

interface Asking {
  readonly id: number;
  readonly waiting: Visit[];
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
 * when a message may be lost, the link ends, with all that is under way.
 */
export class BusLinks {
  readonly #cluster: Cluster;
  readonly #target: ForwardTarget;
  readonly #asking = new Map<string, Asking>();
  readonly #answering = new Map<string, Answering>();

  constructor(cluster: Cluster, target: ForwardTarget) {
    this.#cluster = cluster;
    this.#target = target;
  }

  /** Passes a request on. It waits until the other node has answered. While the bus is down it is cut: that says nothing of its session. */
  request(visit: ForwardableRequest, to: string, terms: ForwardTerms): void {
    if (!this.#cluster.isUp) {
      visit.res.destroy();
      return;
    }
    const asking = this.#asking.get(to) ?? this.#dial(to);
    if (asking.end) pass(asking.end, { visit, terms });
    else if (asking.waiting.length < MAX_WAITING) asking.waiting.push({ visit, terms });
    else visit.res.destroy();
  }

  /** What another node says. @throws ClusterError `ERR_CLUSTER_INPUT` */
  told([said, id, number, bytes]: readonly unknown[], from: string): void {
    if (!isCount(id)) throw badInput("no link");
    if (!this.#cluster.members.get(from)) return;
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
      send: (number, bytes) => this.#say(to, "asks", id, number, bytes),
      closed: () => this.#say(to, "asker closed", id),
    });
    const end = new AskingEnd(pipe, NOTHING, () => {
      if (this.#asking.get(to) === asking) this.#asking.delete(to);
    });
    Object.assign(asking, { pipe, end });
    for (const waiting of asking.waiting.splice(0)) pass(end, waiting);
  }

  #answer(from: string, id: number): void {
    // One that is opened again takes the place of another: the other end has given that up.
    this.#answering.get(from)?.pipe.destroy();
    const pipe = new BusPipe({
      send: (number, bytes) => this.#say(from, "answers", id, number, bytes),
      closed: () => {
        if (this.#answering.get(from) === answering) this.#answering.delete(from);
        this.#say(from, "answerer closed", id);
      },
    });
    const answering: Answering = { id, pipe };
    this.#answering.set(from, answering);
    const isMember = (): boolean => this.#cluster.members.get(from) !== undefined;
    new AnsweringEnd(pipe, NOTHING, { target: this.#target, isMember, closed: () => {} });
    this.#say(from, "opened", id);
  }

  /** It is one of before there were such links. */
  #unanswered(to: string, asking: Asking): void {
    for (const { visit, terms } of asking.waiting.splice(0)) if (!visit.res.destroyed) terms.failed(true);
    this.#cut(to, asking);
  }

  /** Clients of ours ask again. */
  #cut(to: string, asking: Asking): void {
    if (this.#asking.get(to) === asking) this.#asking.delete(to);
    this.#cluster.clock.clearTimer(asking.timer);
    for (const { visit } of asking.waiting.splice(0)) visit.res.destroy();
    asking.pipe?.destroy();
  }
}

function pass(end: AskingEnd, { visit, terms }: Visit): void {
  const failed = (): void => void visit.res.destroy();
  if (!visit.res.destroyed && !end.request(visit, { ...terms, failed })) terms.failed(true);
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
function came(pipe: BusPipe, number: unknown, bytes: unknown): void {
  if (!isCount(number) || !(bytes instanceof Uint8Array)) throw badInput("no part of a link");
  pipe.came(number, bytes);
}
