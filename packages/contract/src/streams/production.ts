import type { Credit } from "./credit.js";
import type { KeptWork } from "./kept.js";
import type { Outcome, RunSink } from "./run.js";
import { failure, internal, Run } from "./run.js";

/** What a production needs of its owner. */
export interface ProductionHost {
  /** About as many bytes as the value has on the wire. */
  weigh(value: unknown): number;
  /** Continues in another turn, so that a producer that never waits keeps nobody else from the turn. */
  later(goOn: () => void): void;
  /** The app's code has failed. Must not throw. */
  reportError(error: unknown): void;
  /** It keeps so many bytes more. @returns whether there is room for them */
  grew(bytes: number): boolean;
  /** It has ended. */
  ended(): void;
}

/** Items that one turn may make for a log. */
const BURST = 64;

/** Bytes around an item that is kept. */
const ITEM = 64;

/** Where a watcher's items go. */
export interface Outlet {
  /** @throws CodecError for what cannot be encoded */
  item(seq: number, value: unknown, marked: boolean): void;
  /** Once, and last. Must not throw. */
  end(outcome: Outcome): void;
}

/**
 * A stream as it is made: one run of a producer, and its watchers. Unkept it makes an item when its watcher may be sent one. Kept it
 * makes them all, numbered from 1, watched or not, and each watcher gets them at its own pace.
 */
export class Production implements RunSink, KeptWork {
  readonly run: Run = new Run(this);
  readonly watchers: Set<Watcher> = new Set();
  outcome: Outcome | undefined = undefined;
  bytes = 0;
  readonly #host: ProductionHost;
  readonly #keeps: { readonly items: number; readonly bytes: number } | undefined;
  #items: { readonly value: unknown; readonly weight: number }[] = [];
  /** The number of the item before the first of {@link #items}. */
  #before = 0;
  #burst = 0;

  constructor(host: ProductionHost, keeps?: { readonly items: number; readonly bytes: number }) {
    this.#host = host;
    this.#keeps = keeps;
  }

  /** @returns whether there is room for what is kept beside the items */
  grow(bytes: number): boolean {
    if (!this.#host.grew(bytes)) return false;
    this.bytes += bytes;
    return true;
  }

  get isWatched(): boolean {
    return this.watchers.size > 0;
  }

  giveUp(): void {
    this.run.stop(failure("ERR_STREAM_CANCELLED", "nobody watched"));
  }

  close(): void {
    this.run.stop(failure("ERR_STREAM_CANCELLED", "the server closes"));
  }

  get keeps(): boolean {
    return this.#keeps !== undefined;
  }

  /** The number of the last item. */
  get last(): number {
    return this.#before + this.#items.length;
  }

  at(seq: number): { readonly value: unknown; readonly weight: number } | undefined {
    return this.#items[seq - this.#before - 1];
  }

  begin(produce: () => unknown): void {
    this.run.begin(produce);
    this.pull();
  }

  /** Asks the producer for an item, if one may be made. */
  pull(): void {
    if (this.#keeps || [...this.watchers].some(({ credit }) => credit.open)) this.run.ask();
  }

  watch(watcher: Watcher): void {
    this.watchers.add(watcher);
    watcher.pump();
    this.pull();
  }

  item(value: unknown): void {
    let weight: number;
    try {
      weight = this.#host.weigh(value) + (this.#keeps ? ITEM : 0);
    } catch (error) {
      // It has a cycle, or what reads it throws.
      this.#host.reportError(error);
      this.run.stop(internal());
      return;
    }
    this.#items.push({ value, weight });
    this.bytes += weight;
    const keeps = this.#keeps;
    if (keeps && (this.#items.length > keeps.items || this.bytes > keeps.bytes || !this.#host.grew(weight))) {
      this.#items.pop();
      this.bytes -= weight;
      this.run.stop(tooLong());
      return;
    }
    this.#pump();
    if (!keeps) {
      this.#before = this.last;
      this.#items = [];
      this.bytes = 0;
    }
    if (keeps && ++this.#burst % BURST === 0) this.#host.later(() => this.pull());
    else this.pull();
  }

  ended(outcome: Outcome): void {
    this.outcome = this.#keeps && "value" in outcome ? this.#keptEnd(outcome) : outcome;
    this.#pump();
    this.#host.ended();
  }

  reportError(error: unknown): void {
    this.#host.reportError(error);
  }

  /** The value at the end takes room as items do. */
  #keptEnd(outcome: { readonly value?: unknown }): Outcome {
    try {
      return this.grow(this.#host.weigh(outcome.value)) ? outcome : tooLong();
    } catch (error) {
      this.#host.reportError(error);
      return internal();
    }
  }

  #pump(): void {
    for (const watcher of [...this.watchers]) watcher.pump();
  }
}

/** One who watches a production, at its own pace. */
export class Watcher {
  readonly credit: Credit;
  readonly #production: Production;
  readonly #outlet: Outlet;

  /** @param credit after the item that it has seen last */
  constructor(production: Production, credit: Credit, outlet: Outlet) {
    this.#production = production;
    this.credit = credit;
    this.#outlet = outlet;
  }

  /** Sends what may be sent. */
  pump(): void {
    const { credit } = this;
    const production = this.#production;
    while (production.watchers.has(this) && credit.open) {
      const item = production.at(credit.last + 1);
      if (!item) break;
      const marked = credit.sent(item.weight);
      try {
        this.#outlet.item(credit.last, item.value, marked);
      } catch (error) {
        production.reportError(error);
        this.#end(internal());
        // Nobody else can be sent it either.
        production.run.stop(internal());
        return;
      }
    }
    if (production.outcome && credit.last === production.last) this.#end(production.outcome);
  }

  /** @returns false if what it says cannot be */
  taken(seq: number): boolean {
    if (!this.credit.taken(seq)) return false;
    this.pump();
    this.#production.pull();
    return true;
  }

  /** Goes away. What nobody watches and nobody keeps is stopped. */
  leave(): void {
    const production = this.#production;
    production.watchers.delete(this);
    if (!production.keeps) production.run.stop(cancelled());
  }

  /** Nobody gets more of it. */
  stop(): void {
    this.#production.watchers.delete(this);
    this.#production.run.stop(cancelled());
  }

  #end(outcome: Outcome): void {
    if (this.#production.watchers.delete(this)) this.#outlet.end(outcome);
  }
}

function tooLong(): Outcome {
  return failure("ERR_STREAM_LIMIT", "the stream is longer than what may be kept");
}

function cancelled(): Outcome {
  return failure("ERR_STREAM_CANCELLED", "cancelled");
}
