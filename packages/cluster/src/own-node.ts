import { randomBytes } from "node:crypto";
import { type Introduction, packIntroduction, type TopicNumbers } from "./introduction.js";
import type { Member, NodeFacts } from "./membership.js";
import type { ClusterTerms } from "./terms.js";

const VERSIONS = [1, 1] as const;

/** What a node says of itself, and whom it can be of one cluster with. */
export class OwnNode {
  /** New at each start. */
  readonly id: string = randomBytes(6).toString("base64url");
  /** The last four characters of the ids of its sessions and sockets. */
  tag: string;
  /** Where its internal listener is. */
  address: string | undefined = undefined;
  readonly #terms: ClusterTerms;

  constructor(terms: ClusterTerms) {
    this.#terms = terms;
    this.tag = terms.tag ?? drawTag();
  }

  /** As the others see it. */
  get member(): Member {
    const load = this.#terms.load();
    return { ...this.#facts, ...load, state: load.draining ? "draining" : "up" };
  }

  /** @param settled does it keep its tag? @param numbers of what the other hears of it */
  introduction(settled: boolean, numbers?: TopicNumbers): Uint8Array {
    const { codec, load } = this.#terms;
    return packIntroduction({
      facts: this.#facts,
      load: load(),
      versions: this.#versions,
      codec,
      settled,
      numbers,
    });
  }

  /**
   * If two nodes have the same tag, the newcomer chooses again. Sessions that have the tag by then stay where they are, and are not found from
   * elsewhere.
   *
   * @returns whether this node has chosen again
   */
  givesWayTo({ settled, facts }: Introduction, isSettled: boolean): boolean {
    const gives = facts.tag === this.tag && (settled === isSettled ? facts.id < this.id : settled);
    if (gives) this.tag = drawTag();
    return gives;
  }

  /** What keeps two nodes from being of one cluster. */
  mismatch({ versions: [oldest, newest], codec }: Introduction): string | undefined {
    const [ownOldest, ownNewest] = this.#versions;
    if (oldest > ownNewest || newest < ownOldest)
      return `speaks versions ${oldest} to ${newest} of the bus protocol`;
    return codec === this.#terms.codec ? undefined : "writes packets by another parser";
  }

  get #versions(): readonly [number, number] {
    return this.#terms.versions ?? VERSIONS;
  }

  get #facts(): NodeFacts {
    const { node: name, key } = this.#terms;
    return { id: this.id, tag: this.tag, name, address: this.address, key };
  }
}

function drawTag(): string {
  return randomBytes(3).toString("base64url");
}
