/** Stands for a set that holds its own key and nothing else. */
const SELF: Set<string> = new Set();

/**
 * A map of sets in which the commonest set costs nothing: nearly every socket is in the room of its own id, alone, and
 * most in no other. Such a set is made when code looks at it; everything that reads the map sees no difference.
 */
export class SelfSets extends Map<string, Set<string>> {
  /** Sets the set of `key` to `{ key }`. */
  setSelf(key: string): void {
    super.set(key, SELF);
  }

  /** Is the set of `key` known to be `{ key }`? */
  isSelf(key: string): boolean {
    return super.get(key) === SELF;
  }

  override get(key: string): Set<string> | undefined {
    const set = super.get(key);
    if (set !== SELF) return set;
    const made = new Set([key]);
    super.set(key, made);
    return made;
  }

  override *entries(): MapIterator<[string, Set<string>]> {
    for (const key of this.keys()) yield [key, this.get(key) as Set<string>];
  }

  override *values(): MapIterator<Set<string>> {
    for (const [, set] of this.entries()) yield set;
  }

  override [Symbol.iterator](): MapIterator<[string, Set<string>]> {
    return this.entries();
  }

  override forEach(
    callback: (set: Set<string>, key: string, map: Map<string, Set<string>>) => void,
    self?: unknown,
  ): void {
    for (const [key, set] of this.entries()) callback.call(self, set, key, this);
  }
}
