import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import { deferTask, type EncodedPacket, SessionError } from "@sockeye/protocol";

/** The share of the memory of the process that is for what waits. */
const SHARE = 1 / 4;

/** When too much is held, connections are ended until no more than this share of the budget is. */
const ENOUGH = 0.9;

/** Looks at most this often for the heaviest before the rest is left to the next crossing. */
const MAX_ROUNDS = 8;

/**
 * After so many changes for each connection what is shared is not known any more: what leaves and what comes between two looks at a
 * connection may be as much, and is not seen then.
 */
const CHANGES_EACH = 16;

/** A connection, as the budget sees it. */
export interface Holder {
  /** Bytes that are held for it now, counted again; what many share counts in full. */
  heldBytes(): number;
  /** Those among its packets that others may hold as well, with what each counts there. */
  eachPacket(visit: (packet: EncodedPacket, bytes: number) => void): void;
  /** Ends it at once, tells its client, and lets go of all that it holds. */
  shed(error: SessionError): void;
}

/**
 * What is held in memory for the clients of one process: all that waits, in either direction. When it is too much, the connection
 * that holds the most is ended, and then the next, until it is enough.
 *
 * A packet that waits for many receivers is in memory once, but counts for each, since nothing else can be kept up to date at
 * every step. So the sum is too high, never too low; when it reaches the limit all is counted again, exactly.
 */
export class MemoryBudget {
  readonly #accounts = new Set<Account>();
  /** The sum of all accounts. */
  #sum = 0;
  /** By so much was it too high when it was counted last. Less is left of that with everything that leaves. */
  #shared = 0;
  /** The lowest limit of those whose accounts there are. */
  #limit = Number.POSITIVE_INFINITY;
  /** Since it was counted last. */
  #changes = 0;
  #state: "watching" | "due" = "watching";

  /** Never less than what is held. */
  get bytes(): number {
    return this.#sum - this.#shared;
  }

  /** Connections that hold anything. */
  get size(): number {
    return this.#accounts.size;
  }

  /** From an account: it holds so much more, or less. */
  changed(account: Account, by: number): void {
    this.#sum += by;
    if (account.bytes === 0) {
      this.#accounts.delete(account);
    } else if (account.bytes === by) {
      this.#accounts.add(account);
      if (account.limit < this.#limit) this.#limit = account.limit;
    }
    if (this.#shared > 0 && ++this.#changes > CHANGES_EACH * (this.#accounts.size + 1)) this.#shared = 0;
    if (by < 0) this.#shared = Math.max(0, this.#shared + by);
    else if (this.bytes > this.#limit && this.#state === "watching") {
      this.#state = "due";
      // Not in the middle of other work on one of them.
      deferTask(() => this.#relieve());
    }
  }

  #relieve(): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const weights = this.#weigh();
      const enough = this.#limit * (round === 0 ? 1 : ENOUGH);
      if (this.bytes <= enough) break;
      this.#shed(weights);
    }
    this.#state = "watching";
  }

  /** Ends the heaviest, one after another. */
  #shed(weights: Map<Account, number>): void {
    let left = this.bytes;
    for (const [account, weight] of [...weights].sort(([, a], [, b]) => b - a)) {
      if (left <= this.#limit * ENOUGH) return;
      left -= weight;
      warnOnce(this.#limit);
      account.holder.shed(tooMuch());
      account.refresh();
    }
  }

  /** What each holds, counted again. A packet weighs on each that holds it by its share. */
  #weigh(): Map<Account, number> {
    const holders = new Map<EncodedPacket, number>();
    this.#limit = Number.POSITIVE_INFINITY;
    for (const account of [...this.#accounts]) {
      account.refresh();
      this.#limit = Math.min(this.#limit, account.limit);
      account.holder.eachPacket((packet) => holders.set(packet, (holders.get(packet) ?? 0) + 1));
    }
    const weights = new Map<Account, number>();
    let total = 0;
    for (const account of this.#accounts) {
      let weight = account.bytes;
      account.holder.eachPacket((packet, bytes) => {
        weight -= bytes * (1 - 1 / (holders.get(packet) ?? 1));
      });
      weights.set(account, weight);
      total += weight;
    }
    this.#shared = Math.max(0, this.#sum - total);
    this.#changes = 0;
    return weights;
  }
}

/** What one connection holds. */
export class Account {
  readonly holder: Holder;
  /** The limit of its server. */
  readonly limit: number;
  bytes = 0;
  readonly #budget: MemoryBudget;
  /** What the connection counts by itself. */
  #held = 0;

  constructor(holder: Holder, limit: number, budget: MemoryBudget = processBudget) {
    this.holder = holder;
    this.limit = limit;
    this.#budget = budget;
  }

  /** Something else is held for the connection, or no longer. */
  add(bytes: number): void {
    if (bytes === 0) return;
    this.bytes += bytes;
    this.#budget.changed(this, bytes);
  }

  /** What the connection counts by itself may have changed. */
  refresh(): void {
    const held = this.holder.heldBytes();
    const by = held - this.#held;
    if (by === 0) return;
    this.#held = held;
    this.add(by);
  }
}

/** The one budget of all servers in this process. */
export const processBudget: MemoryBudget = new MemoryBudget();

/** A quarter of what the process may have: of the heap, or of the memory of the machine or container if that is less. */
export function defaultBudgetBytes(): number {
  // Node.js says 0 or nothing where there is no such limit.
  const constrained = process.constrainedMemory?.() || Number.POSITIVE_INFINITY;
  return Math.floor(Math.min(getHeapStatistics().heap_size_limit, totalmem(), constrained) * SHARE);
}

function tooMuch(): SessionError {
  return new SessionError(
    "ERR_MEMORY_BUDGET",
    "all connections together hold too much, and this one the most",
  );
}

let hasWarned = false;

/** For who develops or tests; in production there are metrics. */
function warnOnce(limit: number): void {
  if (hasWarned || process.env["NODE_ENV"] === "production") return;
  hasWarned = true;
  process.emitWarning(`Sockeye: clients hold more than limits.maxProcessBytes (${limit}) in memory`, {
    code: "SOCKEYE_MEMORY_BUDGET",
    detail: "Those that hold the most are disconnected. See docs/limits.md.",
  });
}
