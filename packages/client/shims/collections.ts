/** `Map`, as far as the client uses it. Lookups of strings and numbers take constant time, of objects linear time. */
export class LegacyMap<K, V> {
  size = 0;
  #slots: Record<string, [K, V]> = {};
  #objects: [K, V][] = [];

  constructor(entries?: readonly (readonly [K, V])[]) {
    if (entries) for (let i = 0; i < entries.length; i++) this.set(...(entries[i] as [K, V]));
  }

  get(key: K): V | undefined {
    return this.#find(key)?.[1];
  }

  has(key: K): boolean {
    return this.#find(key) !== undefined;
  }

  set(key: K, value: V): this {
    const entry = this.#find(key);
    if (entry) {
      entry[1] = value;
    } else {
      this.size++;
      if (isObject(key)) this.#objects.push([key, value]);
      else this.#slots[slotOf(key)] = [key, value];
    }
    return this;
  }

  delete(key: K): boolean {
    const entry = this.#find(key);
    if (!entry) return false;
    this.size--;
    if (isObject(key)) this.#objects.splice(this.#objects.indexOf(entry), 1);
    else delete this.#slots[slotOf(key)];
    return true;
  }

  clear(): void {
    this.size = 0;
    this.#slots = {};
    this.#objects = [];
  }

  forEach(call: (value: V, key: K, map: this) => void): void {
    this.toArray().forEach(([key, value]) => {
      call(value, key, this);
    });
  }

  keys(): K[] {
    return this.toArray().map(([key]) => key);
  }

  values(): V[] {
    return this.toArray().map(([, value]) => value);
  }

  entries(): [K, V][] {
    return this.toArray();
  }

  /** The entries, objects last, else in the order in which they came. A copy: the map may be changed meanwhile. */
  toArray(): [K, V][] {
    return Object.keys(this.#slots)
      .map((slot) => this.#slots[slot] as [K, V])
      .concat(this.#objects)
      .map(([key, value]) => [key, value]);
  }

  #find(key: K): [K, V] | undefined {
    if (!isObject(key)) return this.#slots[slotOf(key)];
    for (let i = 0; i < this.#objects.length; i++) {
      if (this.#objects[i]?.[0] === key) return this.#objects[i];
    }
    return undefined;
  }
}

/** `Set`, as far as the client uses it. */
export class LegacySet<T> {
  readonly #map = new LegacyMap<T, T>();

  constructor(items?: readonly T[]) {
    if (items) for (let i = 0; i < items.length; i++) this.add(items[i] as T);
  }

  get size(): number {
    return this.#map.size;
  }

  has(item: T): boolean {
    return this.#map.has(item);
  }

  add(item: T): this {
    this.#map.set(item, item);
    return this;
  }

  delete(item: T): boolean {
    return this.#map.delete(item);
  }

  clear(): void {
    this.#map.clear();
  }

  forEach(call: (item: T) => void): void {
    this.toArray().forEach(call);
  }

  /** A copy: the set may be changed meanwhile. */
  toArray(): T[] {
    return this.#map.keys();
  }
}

function isObject(key: unknown): boolean {
  return (typeof key === "object" && key !== null) || typeof key === "function";
}

/** The type stands before the value, so that `1` and `"1"` are two, `__proto__` is one like any other, and order is kept. */
function slotOf(key: unknown): string {
  return `${typeof key} ${String(key)}`;
}
