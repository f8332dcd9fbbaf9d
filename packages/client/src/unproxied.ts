/** The object itself, as a function: no Proxy puts another one around that. */
const SELF: unique symbol = Symbol("self");

/** Called by the constructor of such a class, before all else. */
export function knowSelf(object: object): void {
  Object.defineProperty(object, SELF, { value: () => object });
}

type Method = (this: object, ...args: unknown[]) => unknown;

/**
 * Makes the members of a class, inherited ones included, work through a Proxy around its objects. Vue, Alpine and others put one around
 * whatever is in their state. Private fields belong to the object and not to the Proxy, so methods and accessors are led to the object.
 * Vue leaves an object with a tag alone, so its views see no difference between a socket and one in their state.
 *
 * @returns the prototype
 */
export function unproxied({ prototype }: { readonly prototype: object }, tag: string): object {
  for (let owner = prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object) {
    // Nothing newer than ECMAScript 5: the build for old browsers starts with this.
    for (const name of Object.getOwnPropertyNames(owner)) {
      const isDone = owner !== prototype && Object.getOwnPropertyDescriptor(prototype, name);
      const member = Object.getOwnPropertyDescriptor(owner, name);
      if (isDone || !member || name === "constructor") continue;
      for (const kind of ["value", "get", "set"] as const) {
        const method: unknown = member[kind];
        if (typeof method === "function") member[kind] = led(method as Method);
      }
      Object.defineProperty(prototype, name, member);
    }
  }
  return Object.defineProperty(prototype, Symbol.toStringTag, { value: tag });
}

function led(method: Method): Method {
  return function (...args) {
    const { [SELF]: self } = this as { [SELF]?: () => object };
    return method.apply(self ? self() : this, args);
  };
}
