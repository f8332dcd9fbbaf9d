import type { Clock, SockeyeError } from "@sockeye/protocol";

/** A node that has not heard itself for so long since it began continues alone. */
const READY_MS = 2_000;

/** Does a node know the others? Settles once: when it does, when it has waited long enough, or when they are of another kind. */
export class Readiness {
  readonly settled: Promise<void>;
  #isSettled = false;
  #settle: { resolve(): void; reject(error: SockeyeError): void } = { resolve() {}, reject() {} };

  constructor() {
    this.settled = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // An app that does not wait for it hears of a mismatch through the sink.
    this.settled.catch(() => {});
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** It does not wait forever. */
  start(clock: Clock): void {
    const timer = clock.setTimer(() => this.reached(), READY_MS);
    const stop = (): void => clock.clearTimer(timer);
    this.settled.then(stop, stop);
  }

  reached(): void {
    this.#isSettled = true;
    this.#settle.resolve();
  }

  refused(error: SockeyeError): void {
    this.#isSettled = true;
    this.#settle.reject(error);
  }
}
