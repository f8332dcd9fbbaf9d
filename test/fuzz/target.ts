import type { Random } from "./random.js";

/** Something that takes input from strangers. */
export interface Target<Input = unknown> {
  readonly name: string;
  /** How many cases a usual run plays, so that all targets together take some 20 seconds. */
  readonly cases: number;
  /** An input, which must survive JSON. */
  generate(random: Random): Input;
  /**
   * Plays it. Whatever this throws is a finding: the code's own mistakes as well as the broken promises that {@link check}
   * reports.
   */
  run(input: Input, meter: Meter): void | Promise<void>;
  /** Before the first and after the last case of a run. */
  begin?(): Promise<void>;
  end?(): Promise<void>;
}

/** So that targets of different inputs stand in one list. */
export function target<Input>(described: Target<Input>): Target {
  return described as Target<unknown>;
}

/** Something does not hold that must hold for every input. */
export class Finding extends Error {
  override readonly name = "Finding";
}

export function check(holds: boolean, what: string, details?: () => unknown): asserts holds {
  if (!holds) throw new Finding(details === undefined ? what : `${what}: ${shown(details())}`);
}

export function shown(input: unknown): string {
  const json = JSON.stringify(input) ?? String(input);
  return json.length > 2000 ? `${json.slice(0, 2000)}… (${json.length} characters)` : json;
}

/** Measures the processor's time of our own code, which a busy machine does not prolong. */
export class Meter {
  /** The longest call since this was made, in milliseconds. */
  longest = 0;

  time<T>(call: () => T): T {
    const before = process.cpuUsage();
    try {
      return call();
    } finally {
      const { user, system } = process.cpuUsage(before);
      this.longest = Math.max(this.longest, (user + system) / 1000);
    }
  }

  /** What the call returns, or its error if it is of an expected kind. */
  outcome<T>(call: () => T, isExpected: (error: unknown) => boolean): { ok: T } | { error: unknown } {
    try {
      return { ok: this.time(call) };
    } catch (error) {
      if (!isExpected(error)) throw error;
      return { error };
    }
  }
}
