import type { BusLog, Clock, LogBatch, LogEntry } from "@sockeye/protocol";

/** Bytes of one batch. */
const MAX_BATCH_BYTES = 1_048_576;
/** After an answer that was none. */
const RETRY_MS = 200;

/** What this node has said, and has not heard back yet. */
export interface Said extends LogEntry {
  readonly seq: number;
  readonly kind: number;
  readonly body: Uint8Array;
  /** Will this node hear it, too? Otherwise it is done once it is kept. */
  echoes: boolean;
  readonly at: number;
}

export interface LogWriterTerms {
  readonly log: BusLog;
  readonly clock: Clock;
  readonly group: string;
  /** Of the node. */
  readonly writer: string;
  readonly keep: LogBatch["keep"];
  failed(error: unknown): void;
}

interface Batch {
  readonly number: number;
  readonly said: readonly Said[];
}

/**
 * Adds to one log what a node says: of a turn together, in order, each once. What the engine has not confirmed when the connection breaks is
 * said again under the same number.
 */
export class LogWriter {
  readonly #terms: LogWriterTerms;
  readonly #open = new Map<number, Said>();
  #turn: Said[] = [];
  #unconfirmed: Batch[] = [];
  #number = 0;
  /** A new one begins with new numbers. */
  #generation = 0;
  #isUp = false;
  #retry: unknown;
  #whenKept: () => void = () => {};

  constructor(terms: LogWriterTerms) {
    this.#terms = terms;
  }

  /** All that is not done, in order. */
  get unheard(): readonly Said[] {
    return [...this.#open.values()];
  }

  /** When the oldest was said that is not done. */
  get oldestAt(): number | undefined {
    for (const { at } of this.#open.values()) return at;
    return undefined;
  }

  put(said: Said): void {
    this.#open.set(said.seq, said);
    if (this.#turn.push(said) === 1) this.#terms.clock.defer(() => this.#flush());
  }

  /** This node has heard what it said. */
  heard(seq: number): void {
    this.#open.delete(seq);
  }

  /** This node does not hear these topics any more: nobody here is meant. */
  unsubscribed(topics: ReadonlySet<string>): void {
    const unconfirmed = new Set([...this.#turn, ...this.#unconfirmed.flatMap(({ said }) => said)]);
    for (const said of this.#open.values()) {
      if (!said.topics.every((topic) => topics.has(topic))) continue;
      said.echoes = false;
      if (!unconfirmed.has(said)) this.#open.delete(said.seq);
    }
  }

  up(): void {
    this.#isUp = true;
    for (const batch of this.#unconfirmed) this.#send(batch);
    this.#flush();
  }

  down(): void {
    this.#isUp = false;
    this.#terms.clock.clearTimer(this.#retry);
  }

  /** Resolves once all that was said is kept, or never if the bus goes down. */
  kept(): Promise<void> {
    this.#flush();
    return new Promise((resolve) => {
      this.#whenKept = resolve;
      this.#check();
    });
  }

  /** Gives up. @returns what was not heard, and how much of it may be in no log */
  giveUp(): { readonly said: readonly Said[]; readonly lost: number } {
    const said = [...this.#open.values()];
    const lost = this.#turn.length + this.#unconfirmed.reduce((sum, batch) => sum + batch.said.length, 0);
    this.#open.clear();
    this.#turn = [];
    this.#unconfirmed = [];
    this.#begin();
    return { said, lost };
  }

  #begin(): void {
    this.#generation += 1;
    this.#number = 0;
  }

  #flush(): void {
    if (!this.#isUp) return;
    const turn = this.#turn;
    this.#turn = [];
    let said: Said[] = [];
    let bytes = 0;
    turn.forEach((one, index) => {
      said.push(one);
      bytes += one.bytes.length;
      const next = turn[index + 1];
      if (next && bytes + next.bytes.length <= MAX_BATCH_BYTES) return;
      this.#number += 1;
      const batch = { number: this.#number, said };
      this.#unconfirmed.push(batch);
      this.#send(batch);
      said = [];
      bytes = 0;
    });
  }

  #send(batch: Batch): void {
    const { log, group, writer, keep } = this.#terms;
    const generation = this.#generation;
    const isCurrent = (): boolean => generation === this.#generation && this.#unconfirmed.includes(batch);
    log
      .append(group, {
        writer: `${writer}.${generation}`,
        number: batch.number,
        entries: batch.said,
        keep,
      })
      .then(
        (answer) => {
          if (!isCurrent()) return;
          if (answer === "unexpected") this.#again();
          else this.#confirmed(batch);
        },
        (error: unknown) => {
          if (!isCurrent() || !this.#isUp) return;
          this.#terms.failed(error);
          this.#terms.clock.clearTimer(this.#retry);
          this.#retry = this.#terms.clock.setTimer(() => {
            if (this.#isUp) for (const waiting of this.#unconfirmed) this.#send(waiting);
          }, RETRY_MS);
        },
      );
  }

  #confirmed(batch: Batch): void {
    this.#unconfirmed = this.#unconfirmed.filter((one) => one !== batch);
    for (const { seq, echoes } of batch.said) if (!echoes) this.#open.delete(seq);
    this.#check();
  }

  #check(): void {
    if (this.#unconfirmed.length + this.#turn.length === 0) this.#whenKept();
  }

  /** The engine has lost what came before, or has never got it: all that is not confirmed is said again. */
  #again(): void {
    this.#begin();
    this.#unconfirmed = this.#unconfirmed.map(({ said }, index) => ({ number: index + 1, said }));
    this.#number = this.#unconfirmed.length;
    for (const batch of this.#unconfirmed) this.#send(batch);
  }
}
