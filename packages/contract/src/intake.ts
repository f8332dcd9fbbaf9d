import { ContractError } from "@sockeye/protocol";
import type { IntakeOwner } from "@sockeye/socket";
import { isThenable } from "@sockeye/socket";
import { refusalOfError } from "./wire.js";

type Event = readonly unknown[];
type Verdict = Event | ContractError;

/** Who checks. */
export interface Checks {
  incoming(event: Event): Verdict | PromiseLike<Verdict>;
  isCall(name: string): boolean;
}

/** Where the owner has no bound of its own. */
const MOST_HELD = 10_000;

interface Held {
  readonly event: Event;
  readonly release: () => void;
}

/**
 * The way of one socket's events through their checks. With synchronous schemas an event continues in the same stack; behind one that waits
 * for an asynchronous schema all later ones wait, so that the order stays.
 */
export class Intake {
  readonly #checks: Checks;
  readonly #owner: IntakeOwner;
  /** Set while an asynchronous schema has the event before these. */
  #held: Held[] | undefined = undefined;

  constructor(checks: Checks, owner: IntakeOwner) {
    this.#checks = checks;
    this.#owner = owner;
  }

  take(event: Event): void {
    if (this.#held === undefined) {
      this.#check(event);
      return;
    }
    const release = this.#held.length < MOST_HELD ? this.#owner.hold(event) : undefined;
    if (release) this.#held.push({ event, release });
    else this.#owner.refused(tooMany(), { name: String(event[0]), answered: false });
  }

  /** @returns false if it has to wait */
  #check(event: Event): boolean {
    const verdict = this.#checks.incoming(event);
    if (!isThenable(verdict)) {
      this.#settle(event, verdict);
      return true;
    }
    this.#held ??= [];
    const release = this.#owner.hold(event);
    verdict.then((settled) => {
      const goOn = (): void => {
        release?.();
        if (release) this.#settle(event, settled);
        this.#goOn();
      };
      if (this.#owner.delays?.(goOn) !== true) goOn();
    });
    return false;
  }

  readonly #goOn = (): void => {
    while (this.#held !== undefined && this.#held.length > 0) {
      if (this.#owner.delays?.(this.#goOn)) return;
      const next = this.#held.shift() as Held;
      next.release();
      if (!this.#check(next.event)) return;
    }
    this.#held = undefined;
  };

  #settle(event: Event, verdict: Verdict): void {
    const name = String(event[0]);
    const last = event.at(-1);
    const ack = typeof last === "function" ? (last as (...args: unknown[]) => void) : undefined;
    if (verdict instanceof ContractError) {
      ack?.(...refusalOfError(verdict));
      this.#owner.refused(verdict, { name, answered: ack !== undefined });
      return;
    }
    const isHeard = this.#owner.deliver(verdict);
    if (ack === undefined) return;
    // A handler of an event does not know that a client waits for its acknowledgement, as one with the option `retries` does.
    if (verdict.at(-1) !== ack) ack();
    else if (!isHeard && this.#checks.isCall(name)) {
      ack(...refusalOfError(new ContractError("ERR_UNHANDLED", `nothing handles "${name}"`)));
    }
  }
}

function tooMany(): ContractError {
  return new ContractError("ERR_TOO_MANY_EVENTS", "too much waits for an asynchronous schema");
}
