/**
 * What a connection knows of its namespaces, by name. Most connections have one, which costs no `Map`. The names come from
 * the wire.
 */
export class JoinedNamespaces<Lane> {
  #name: string | undefined = undefined;
  #lane: Lane | undefined = undefined;
  #others: Map<string, Lane> | undefined = undefined;

  get size(): number {
    return (this.#name === undefined ? 0 : 1) + (this.#others?.size ?? 0);
  }

  get(name: string): Lane | undefined {
    return name === this.#name ? this.#lane : this.#others?.get(name);
  }

  set(name: string, lane: Lane): void {
    if (this.#name === undefined && !this.#others?.has(name)) this.#name = name;
    if (name === this.#name) {
      this.#lane = lane;
      return;
    }
    this.#others ??= new Map();
    this.#others.set(name, lane);
  }

  delete(name: string): void {
    if (name === this.#name) {
      this.#name = undefined;
      this.#lane = undefined;
    } else this.#others?.delete(name);
  }

  all(): Lane[] {
    const others = this.#others ? [...this.#others.values()] : [];
    return this.#lane === undefined ? others : [this.#lane, ...others];
  }
}
