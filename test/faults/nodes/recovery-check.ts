/** A place where numbers of one sender are missing in what a client got. */
export interface Hole {
  readonly text: string;
  /** Where the client was before it, and where it is now. */
  readonly nodes: readonly string[];
  /** When the numbers before and behind it were said. */
  readonly from: number;
  readonly until: number;
  /** The client was away meanwhile, and was told `recovered`. */
  readonly isLie: boolean;
}

/** What one client got, event by event: within a conversation each number of a sender comes once, in order, and none is left out. */
export class Heard {
  readonly label: string;
  readonly #last = new Map<string, { readonly n: number; readonly at: number; readonly returns: number }>();
  #conversation: string | undefined;
  #returns = 0;
  #nodes: string[] = [];
  readonly violations: string[] = [];
  readonly holes: Hole[] = [];
  readonly totals = { events: 0, returns: 0, recovered: 0 };

  constructor(label: string) {
    this.label = label;
  }

  /** Once the client is connected; what it had missed may have come before that. */
  connected(id: string, recovered: boolean): void {
    if (this.#conversation !== undefined) this.totals.returns += 1;
    if (recovered) this.totals.recovered += 1;
    if (recovered && id !== this.#conversation)
      this.violations.push(`${this.label} is recovered as ${id} and was ${this.#conversation}`);
    this.#begin(id);
    this.#returns += 1;
  }

  at(node: string): void {
    this.#nodes = [...this.#nodes.slice(-1), node];
  }

  got(id: string, key: string, { n, at }: { readonly n: number; readonly at: number }): void {
    this.#begin(id);
    this.totals.events += 1;
    const last = this.#last.get(key);
    this.#last.set(key, { n, at, returns: this.#returns });
    if (last === undefined || n === last.n + 1) return;
    const text = `${this.label} at ${this.#nodes.at(-1)}: ${n} after ${last.n} of ${key}`;
    if (n <= last.n) this.violations.push(text);
    else {
      const isLie = this.#returns > last.returns;
      this.holes.push({ text, nodes: [...this.#nodes], from: last.at, until: at, isLie });
    }
  }

  #begin(id: string): void {
    if (id !== this.#conversation) this.#last.clear();
    this.#conversation = id;
  }
}

/** What nodes were told of what is missing, and when. */
export interface Gap {
  readonly node: string;
  readonly at: number;
}

/** A node tells of a gap once it knows of it. */
const SLACK_MS = 15_000;

/** Holes of which the client's node was not told. @returns texts */
export function untold(holes: readonly Hole[], gaps: readonly Gap[]): string[] {
  return holes
    .filter(
      ({ nodes, from, until }) =>
        !gaps.some(({ node, at }) => nodes.includes(node) && at >= from - SLACK_MS && at <= until + SLACK_MS),
    )
    .map(({ text, isLie }) => (isLie ? `${text}, and it was told \`recovered\`` : text));
}
