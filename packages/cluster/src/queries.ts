import type { Clock } from "@sockeye/protocol";
import { isCount, listOf, pack, unpack } from "./introduction.js";
import type { Outcome, RequestTerms } from "./requests.js";
import { Requests } from "./requests.js";
import { badInput } from "./wire.js";

/** Answers one query. The first `last`, `none` or `failed` ends it. */
export interface Reply {
  /** The node that asks. */
  readonly to: string;
  part(value: unknown): void;
  last(value?: unknown): void;
  /** There is nothing to say. */
  none(): void;
  failed(): void;
}

/** What a node wants to know of a namespace. */
export interface Question {
  readonly op: string;
  readonly args: readonly unknown[];
}

export interface QueriesTerms {
  readonly clock: Clock;
  /** Sends an answer to a node. */
  send(to: string, body: Uint8Array): void;
  /** Whom a query about the namespace of this group reaches here. */
  asked(group: string, question: Question, reply: Reply): void;
  failed(error: unknown): void;
}

const ANSWER = { part: 0, last: 1, none: 2, failed: 3 } as const;

/** Questions and answers as they travel. */
export class Queries {
  readonly #terms: QueriesTerms;
  readonly #requests: Requests;

  constructor(terms: QueriesTerms) {
    this.#terms = terms;
    this.#requests = new Requests(terms.clock);
  }

  /** @throws CodecError `ERR_UNENCODABLE` */
  ask(
    nodes: readonly string[],
    { group, op, args }: Question & { readonly group: string },
    terms: RequestTerms & { send(body: Uint8Array): void },
  ): Promise<Outcome> {
    const question = pack([group, op, args]);
    return this.#requests.ask(nodes, terms, (id) => terms.send(pack([id, question])));
  }

  /** @throws ClusterError `ERR_CLUSTER_INPUT` */
  question(from: string, body: Uint8Array): void {
    const [id, question] = listOf(unpack(body));
    if (!isCount(id) || !(question instanceof Uint8Array)) throw badInput("no question");
    const reply = this.#reply(from, id);
    const [group, op, args] = listOf(unpack(question));
    if (typeof group !== "string" || typeof op !== "string") {
      reply.none();
      return;
    }
    try {
      this.#terms.asked(group, { op, args: listOf(args) }, reply);
    } catch (error) {
      reply.failed();
      this.#terms.failed(error);
    }
  }

  /** @throws ClusterError `ERR_CLUSTER_INPUT` */
  answer(from: string, body: Uint8Array): void {
    const [id, status, value] = listOf(unpack(body));
    if (!isCount(id)) throw badInput("no answer");
    if (status === ANSWER.part) this.#requests.part(id, from, value);
    else if (status === ANSWER.last) this.#requests.answered(id, from, { value });
    else if (status === ANSWER.none) this.#requests.answered(id, from, undefined);
    else this.#requests.failed(id, from);
  }

  gone(node: string, missed: boolean): void {
    this.#requests.gone(node, missed);
  }

  close(): void {
    this.#requests.close();
  }

  #reply(to: string, id: number): Reply {
    let over = false;
    const answer = (status: number, value?: unknown): void => {
      if (over) return;
      over = status !== ANSWER.part;
      let body: Uint8Array;
      try {
        body = pack([id, status, value]);
      } catch (error) {
        over = true;
        this.#terms.failed(error);
        body = pack([id, ANSWER.failed]);
      }
      this.#terms.send(to, body);
    };
    return {
      to,
      part: (value) => answer(ANSWER.part, value),
      last: (value) => answer(ANSWER.last, value),
      none: () => answer(ANSWER.none),
      failed: () => answer(ANSWER.failed),
    };
  }
}
