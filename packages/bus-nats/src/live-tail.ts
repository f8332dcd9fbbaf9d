import { type Added, Assembly, type Part } from "./parts.js";

/** Bytes of what was heard lately that stay here for those who come back. */
const MAX_BYTES = 1_048_576;
/** About, of each step beside its entries. */
const STEP_BYTES = 200;

/** What was heard of one log since the connection began: its last steps, without a hole. */
export class LiveTail {
  #assembly = new Assembly();
  #ends: { readonly epoch: string; readonly number: number } | undefined;
  #steps: Added[] = [];
  #bytes = 0;

  get steps(): readonly Added[] {
    return this.#steps;
  }

  /** @returns what is complete with it; `gap`: it does not follow what was heard before */
  take(part: Part, seq: number): Added | "gap" | undefined {
    const { epoch, before, count } = part;
    const ends = this.#ends;
    if (ends && before !== ends.number) {
      // It has come once more.
      if (epoch === ends.epoch && before + count <= ends.number) return undefined;
      return "gap";
    }
    const added = this.#assembly.take(part, seq);
    if (!added) return undefined;
    this.#ends = { epoch, number: before + count };
    this.#steps.push(added);
    this.#bytes += sizeOf(added);
    let gone = 0;
    while (this.#bytes > MAX_BYTES && gone < this.#steps.length) this.#bytes -= sizeOf(this.#steps[gone++]);
    this.#steps.splice(0, gone);
    return added;
  }

  /** What comes before what is here was read. */
  prepend(steps: readonly Added[]): void {
    const bytes = steps.reduce((sum, step) => sum + sizeOf(step), 0);
    const [first] = this.#steps;
    const last = steps.at(-1);
    if (!first || !last || last.before + last.count !== first.before || last.seq >= first.first) return;
    if (this.#bytes + bytes > MAX_BYTES) return;
    this.#bytes += bytes;
    this.#steps = [...steps, ...this.#steps];
  }

  clear(): void {
    this.#assembly = new Assembly();
    this.#ends = undefined;
    this.#steps = [];
    this.#bytes = 0;
  }
}

function sizeOf(step: Added | undefined): number {
  return (step?.size ?? 0) + STEP_BYTES;
}
