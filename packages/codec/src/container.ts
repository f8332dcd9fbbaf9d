/** What JSON nests. */
export type Container = unknown[] | Record<string, unknown>;

/** Where in it its items are. Holes of an array count: they are null in JSON. */
export function keysOf(container: Container): Iterable<string | number> {
  return Array.isArray(container) ? container.keys() : Object.keys(container);
}
