/** The object itself, as a function: no Proxy puts another one around that. */
export const SELF: unique symbol = Symbol("self");

type Method = (this: object, ...args: unknown[]) => unknown;

/**
 * Makes all that a class has, and has inherited, work through a Proxy around its objects, as Vue, Alpine and others put around what is
 * in their state: private fields belong to the object and not to the Proxy, so methods and accessors are led to the object. Vue
 * leaves an object with a tag alone, so its views see no difference between a socket and one in their state.
 */
export function unproxied({ prototype }: { readonly prototype: object }, tag: string): void {
  const seen = new Set<PropertyKey>(["constructor"]);
  for (let owner = prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object) {
    for (const key of Reflect.ownKeys(owner)) {
      const member = Object.getOwnPropertyDescriptor(owner, key) as TypedPropertyDescriptor<unknown>;
      if (!seen.has(key)) Object.defineProperty(prototype, key, led(member));
      seen.add(key);
    }
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: tag });
}

function led(member: TypedPropertyDescriptor<unknown>): PropertyDescriptor {
  const { value, get, set } = member;
  if (typeof value === "function") return { ...member, value: ledMethod(value as Method) };
  return { ...member, ...(get && { get: ledMethod(get) }), ...(set && { set: ledMethod(set as Method) }) };
}

function ledMethod(method: Method): Method {
  return function (...args) {
    const { [SELF]: self } = this as { [SELF]?: () => object };
    return method.apply(self ? self() : this, args);
  };
}
