import type { Clock, Timer } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";

/** How a server leaves. All times in milliseconds. */
export interface DrainOptions {
  /** After so long it ends, whatever is still under way. Default 10,000. */
  readonly deadlineMs?: number | undefined;
  /**
   * The clients are sent away at random moments of this span, so that they do not all come to the next server at once.
   * Default: 1 ms for each of them, at most half of the deadline.
   */
  readonly spreadMs?: number | undefined;
}

/** How {@link Server.close} goes about it. */
export interface CloseOptions {
  /** Lets the clients go one by one, with their acknowledgements; `true` takes the defaults. Default: ends them at once. */
  readonly drain?: boolean | DrainOptions | undefined;
  /** Leaves the HTTP servers as they were before they were attached to: they keep serving everything else. Default false. */
  readonly detach?: boolean | undefined;
}

/** A connection that is to go. */
export interface Leaving {
  /** Does it wait for an acknowledgement, or owe one? */
  readonly busy: boolean;
  /** Is it waiting for its client to come back? */
  readonly suspended: boolean;
  /** Ends it, so that its client reconnects. What is queued is still written. */
  sendAway(): void;
}

const DEFAULT_DEADLINE_MS = 10_000;
const MS_PER_CONNECTION = 1;
/** How often it looks who is to go now. */
const LOOK_MS = 50;

/**
 * The end of a server that gives its clients time: each is sent away at a moment of its own, or as soon after it as no
 * acknowledgement is under way. What is left at the deadline is for others to end.
 */
export class Drain {
  readonly #clock: Clock;
  readonly #present: () => Iterable<Leaving>;
  readonly #deadline: number;
  readonly #spreadMs: number;
  /** When each is to go. Those who come while it runs get their moment when they are first seen. */
  readonly #moments = new Map<Leaving, number>();
  readonly #begin: number;
  #timer: Timer | undefined = undefined;
  readonly #finished: Promise<void>;
  #finish: () => void = () => {};

  /**
   * @param present all connections that there are, as often as it is called
   * @throws UsageError `ERR_BAD_OPTION`
   */
  constructor(clock: Clock, present: () => Iterable<Leaving>, options: DrainOptions) {
    const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    requireSpan("deadlineMs", deadlineMs);
    if (options.spreadMs !== undefined) requireSpan("spreadMs", options.spreadMs);
    this.#clock = clock;
    this.#present = present;
    this.#begin = clock.now();
    this.#deadline = this.#begin + deadlineMs;
    this.#spreadMs = options.spreadMs ?? Math.min(deadlineMs / 2, MS_PER_CONNECTION * [...present()].length);
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** @returns resolves when nobody is there any more, at the deadline, or when it is hurried */
  run(): Promise<void> {
    this.#look();
    return this.#finished;
  }

  /** It is over now. Harmless if it is over. */
  hurry(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#moments.clear();
    this.#finish();
  }

  /** The last acknowledgement of a connection has come or gone. */
  rested(connection: Leaving): void {
    if (!this.#isDue(connection)) return;
    // What came in the same piece is still handled.
    this.#clock.defer(() => {
      if (this.#isDue(connection) && !connection.busy) connection.sendAway();
    });
  }

  #isDue(connection: Leaving): boolean {
    const moment = this.#moments.get(connection);
    return moment !== undefined && moment <= this.#clock.now();
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    let there = 0;
    for (const connection of [...this.#present()]) {
      there++;
      if (!this.#moments.has(connection)) this.#moments.set(connection, this.#anyMoment());
      // One that is away cannot do anything with the time.
      if (connection.suspended || (this.#isDue(connection) && !connection.busy)) connection.sendAway();
    }
    if (there === 0 || now >= this.#deadline) this.hurry();
    else this.#timer = this.#clock.setTimer(() => this.#look(), Math.min(LOOK_MS, this.#deadline - now));
  }

  #anyMoment(): number {
    return this.#begin + Math.random() * this.#spreadMs;
  }
}

function requireSpan(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY) return;
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option ${name} must be a number of milliseconds, not ${String(value)}.`,
  );
}
