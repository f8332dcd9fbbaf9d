/** What a connection knows of a namespace: its socket; or that the namespace is still deciding; or that its socket has left. */
export type Lane<S extends object> = S | "joining" | "left";

/**
 * The namespaces of one connection, by name. Most connections have one, which costs no `Map`. The names come from the
 * wire.
 */
export class Lanes<S extends object> {
  #name: string | undefined = undefined;
  #lane: Lane<S> | undefined = undefined;
  #others: Map<string, Lane<S>> | undefined = undefined;

  get(name: string): Lane<S> | undefined {
    return name === this.#name ? this.#lane : this.#others?.get(name);
  }

  set(name: string, lane: Lane<S>): void {
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

  /** All of them. */
  all(): Lane<S>[] {
    const others = this.#others ? [...this.#others.values()] : [];
    return this.#lane === undefined ? others : [this.#lane, ...others];
  }

  sockets(): S[] {
    return this.all().filter((lane) => typeof lane !== "string");
  }
}
