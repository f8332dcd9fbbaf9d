import { listOf, unpack } from "./introduction.js";
import type { Question, Reply } from "./queries.js";
import type { Party } from "./terms.js";
import { groupOf, type Topics } from "./topics.js";

/** How many nodes that are away are remembered. */
const MOST_AWAY = 1_000;

/** Who hears what comes over the bus, by group. */
export class Parties {
  readonly #byGroup = new Map<string, Party>();
  /** Nodes of which something was not taken: they are gone, or have not said yet who they are. */
  readonly #away = new Set<string>();

  join({ group }: Topics, party: Party): void {
    this.#byGroup.set(group, party);
  }

  leave({ group }: Topics, party: Party): void {
    if (this.#byGroup.get(group) === party) this.#byGroup.delete(group);
  }

  groups(): Iterable<string> {
    return this.#byGroup.keys();
  }

  /** Whom a message of this topic concerns. */
  of(topic: string): Party | undefined {
    return this.#byGroup.get(groupOf(topic));
  }

  /** @throws ClusterError `ERR_CLUSTER_INPUT` */
  act(topic: string, body: Uint8Array, origin: string): void {
    const [op, args, group = topic] = listOf(unpack(body));
    if (typeof op === "string" && typeof group === "string") this.of(group)?.act(op, listOf(args), origin);
  }

  asked(group: string, question: Question, reply: Reply): void {
    const party = this.#byGroup.get(group);
    if (party) party.asked(question, reply);
    else reply.none();
  }

  bus(state: "up" | "down"): void {
    for (const party of this.#byGroup.values()) party.bus?.(state);
  }

  /** @param node left out: of all */
  missed(node: string | undefined): void {
    for (const party of this.#byGroup.values()) party.missed?.(node);
  }

  /** What a node says is not taken until it is {@link back}. */
  away(node: string): void {
    this.#away.add(node);
    const [first] = this.#away;
    if (first !== undefined && this.#away.size > MOST_AWAY) this.#away.delete(first);
  }

  gone(node: string): void {
    this.away(node);
    for (const party of this.#byGroup.values()) party.gone?.(node);
  }

  back(node: string): void {
    if (this.#away.delete(node)) this.missed(node);
  }
}
