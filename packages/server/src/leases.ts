import { randomId } from "@sockeye/engine/server";
import type { Clock } from "@sockeye/protocol";

/** How many buckets are kept for clients that have left. Beyond that the oldest go. */
const MAX_KEPT = 100_000;
/** The fewest at which it is worth looking for those that are full again. */
const SWEEP_FROM = 1024;

/** What a bucket's keeper has to know of the store. */
export interface LeaseTerms {
  readonly clock: Pick<Clock, "now">;
  /** In how many milliseconds the bucket of a key is full, if nothing is taken meanwhile. */
  fullInMs(key: string): number;
  /** Nobody will ever ask for this key again. */
  forget(key: string): void;
}

interface Lease {
  readonly key: string;
  /** Where the client is. */
  readonly group: string;
  /** Sockets of the client that use it. */
  holders: number;
}

interface Kept {
  readonly key: string;
  /** When the bucket will be full. */
  readonly until: number;
}

/**
 * Which bucket a client has. Its sockets share one, in whatever namespaces they are. When the last of them has left, the bucket is
 * kept until it is full again, and the next client from the same address gets it in place of a new one: neither joining again
 * nor connecting again gives a client more than it had. Clients that are connected at the same time have a bucket each.
 */
export class Leases<Client extends object> {
  readonly #terms: LeaseTerms;
  readonly #leases = new WeakMap<Client, Lease>();
  /** By address, the latest last. */
  readonly #kept = new Map<string, Kept[]>();
  #size = 0;
  #sweepAt = SWEEP_FROM;

  constructor(terms: LeaseTerms) {
    this.#terms = terms;
  }

  /** Buckets that wait for a client of their address. */
  get kept(): number {
    return this.#size;
  }

  /** One more socket of the client. @returns the key of its bucket */
  enter(client: Client, group: string): string {
    const known = this.#leases.get(client);
    if (known) {
      known.holders++;
      return known.key;
    }
    const key = this.#take(group) ?? randomId();
    this.#leases.set(client, { key, group, holders: 1 });
    return key;
  }

  /** One socket less. */
  leave(client: Client): void {
    const lease = this.#leases.get(client);
    if (!lease) return;
    lease.holders--;
    if (lease.holders > 0) return;
    this.#leases.delete(client);
    this.#keep(lease);
  }

  #take(group: string): string | undefined {
    const kept = this.#kept.get(group);
    const last = kept?.pop();
    if (!kept || !last) return undefined;
    this.#size--;
    if (kept.length === 0) this.#kept.delete(group);
    if (last.until > this.#terms.clock.now()) return last.key;
    // Full: as good as a new one. Those below it may not be, but the client is owed nothing by them.
    this.#terms.forget(last.key);
    return last.key;
  }

  #keep({ key, group }: Lease): void {
    const { clock } = this.#terms;
    const fullInMs = this.#terms.fullInMs(key);
    if (!(fullInMs > 0)) {
      this.#terms.forget(key);
      return;
    }
    const now = clock.now();
    if (this.#size >= this.#sweepAt) this.#sweep(now);
    const kept = this.#kept.get(group);
    if (kept) kept.push({ key, until: now + fullInMs });
    else this.#kept.set(group, [{ key, until: now + fullInMs }]);
    this.#size++;
  }

  /** As with the buckets themselves: the next sweep comes at twice what is left, so each costs one look. */
  #sweep(now: number): void {
    for (const [group, list] of this.#kept) {
      const left = list.filter(({ key, until }) => {
        if (until <= now) this.#terms.forget(key);
        return until > now;
      });
      this.#size -= list.length - left.length;
      if (left.length > 0) this.#kept.set(group, left);
      else this.#kept.delete(group);
    }
    for (const [group, list] of this.#kept) {
      if (this.#size <= MAX_KEPT / 2) break;
      for (const { key } of list) this.#terms.forget(key);
      this.#size -= list.length;
      this.#kept.delete(group);
    }
    this.#sweepAt = Math.min(MAX_KEPT, Math.max(SWEEP_FROM, 2 * this.#size));
  }
}
