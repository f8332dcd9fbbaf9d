import type { Clock, Timer } from "@sockeye/protocol";

/** How a query has ended. */
export interface Outcome {
  /** One for each node that had something to say, in the order in which they came. */
  readonly answers: unknown[];
  /** Ids of the nodes that were asked and have not answered: suspected, failed, or too slow. */
  readonly missing: string[];
}

/** How a query continues. */
export interface RequestTerms {
  readonly timeoutMs: number;
  /** An answer comes in pieces; this is one. */
  part?(node: string, value: unknown): void;
  /** A node is through, or will not answer any more. */
  ended?(node: string, answered: boolean): void;
}

interface Request extends RequestTerms {
  readonly waiting: Set<string>;
  readonly answers: unknown[];
  readonly missing: string[];
  readonly timer: Timer;
  readonly settle: (outcome: Outcome) => void;
}

/** Queries that are under way. Each waits for named nodes and settles as soon as none of them is waited for any more. */
export class Requests {
  readonly #clock: Clock;
  readonly #open = new Map<number, Request>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @param send told the query's id, unless nobody is asked */
  ask(nodes: readonly string[], terms: RequestTerms, send: (id: number) => void): Promise<Outcome> {
    if (nodes.length === 0) return Promise.resolve({ answers: [], missing: [] });
    return new Promise((settle) => {
      const id = ++this.#lastId;
      const timer = this.#clock.setTimer(() => this.#timeOut(id), terms.timeoutMs);
      const fresh = { waiting: new Set(nodes), answers: [], missing: [], timer, settle };
      this.#open.set(id, { ...terms, ...fresh });
      send(id);
    });
  }

  /** A piece of a node's answer. */
  part(id: number, node: string, value: unknown): void {
    const request = this.#open.get(id);
    if (request?.waiting.has(node)) request.part?.(node, value);
  }

  /** A node has answered, or has nothing to say. */
  answered(id: number, node: string, value: { readonly value: unknown } | undefined): void {
    const request = this.#open.get(id);
    if (!request?.waiting.delete(node)) return;
    if (value) request.answers.push(value.value);
    request.ended?.(node, true);
    this.#check(id, request);
  }

  /** A node could not answer. */
  failed(id: number, node: string): void {
    const request = this.#open.get(id);
    if (request) this.#miss(id, request, node);
  }

  /** A node is gone. @param missed false: it has said goodbye, and so there is nothing of it to be missed */
  gone(node: string, missed: boolean): void {
    for (const [id, request] of [...this.#open]) {
      if (missed) this.#miss(id, request, node);
      else this.answered(id, node, undefined);
    }
  }

  /** Settles all that is under way. */
  close(): void {
    for (const id of [...this.#open.keys()]) this.#timeOut(id);
  }

  #miss(id: number, request: Request, node: string): void {
    if (!request.waiting.delete(node)) return;
    request.missing.push(node);
    request.ended?.(node, false);
    this.#check(id, request);
  }

  #timeOut(id: number): void {
    const request = this.#open.get(id);
    if (!request) return;
    for (const node of [...request.waiting]) this.#miss(id, request, node);
  }

  #check(id: number, { waiting, answers, missing, timer, settle }: Request): void {
    if (waiting.size > 0) return;
    this.#open.delete(id);
    this.#clock.clearTimer(timer);
    settle({ answers, missing });
  }
}
