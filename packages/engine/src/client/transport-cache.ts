import type { Clock } from "@sockeye/protocol";

/** What has worked, and how long it took. */
export interface Known {
  /** Name of the transport. */
  readonly transport: string;
  /** Milliseconds from dialling to the server's first packet. */
  readonly ms: number;
}

/** What is known stays so for so many milliseconds, unless the app says otherwise. */
const TTL_MS = 1_800_000;

/** For where there is no other place, or none that takes it. */
const ofThisProcess = new Map<string, string>();

/**
 * Which transport worked last with a server, and how fast. In a page all tabs of its origin know it; elsewhere the process does. Never
 * throws: a place that cannot be read, or holds something else, knows nothing.
 */
export class TransportCache {
  readonly #key: string;
  readonly #clock: Pick<Clock, "wall">;
  readonly #ttlMs: number;

  /** @param address of the server, with its path */
  constructor(address: string, clock: Pick<Clock, "wall">, ttlMs: number = TTL_MS) {
    this.#key = `sockeye:${address}`;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  recall(): Known | undefined {
    try {
      const text = attempt((place) => place.getItem(this.#key)) ?? ofThisProcess.get(this.#key) ?? "0";
      const { transport, ms, until } = Object(JSON.parse(text)) as { [Key in string]?: unknown };
      // It must not last because the clock was set back.
      const leftMs = Number(until) - this.#clock.wall();
      const isFresh = leftMs > 0 && leftMs <= this.#ttlMs;
      if (isFresh && typeof transport === "string" && typeof ms === "number") return { transport, ms };
    } catch {}
    return undefined;
  }

  learn({ transport, ms }: Known): void {
    const text = JSON.stringify({ transport, ms: Math.round(ms), until: this.#clock.wall() + this.#ttlMs });
    const isKept = attempt((place) => {
      place.setItem(this.#key, text);
      return true;
    });
    if (!isKept) ofThisProcess.set(this.#key, text);
  }

  /** It was wrong, or the network is another one. */
  forget(): void {
    ofThisProcess.delete(this.#key);
    attempt((place) => place.removeItem(this.#key));
  }
}

/** Pages have a place, unless it is forbidden or full. Node.js only warns about the one that it has. */
function attempt<Result>(act: (place: Storage) => Result): Result | undefined {
  try {
    return typeof document === "undefined" ? undefined : act(localStorage);
  } catch {
    return undefined;
  }
}
