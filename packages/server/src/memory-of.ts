/** About what an object takes beside its members. */
const OBJECT = 56;
/** One place in an array or object, with what is in it if that is just a number. */
const PLACE = 16;
const TEXT = 24;

/** Bytes of memory that a value from the network takes, about. Its depth was bounded when it was read. */
export function memoryOf(value: unknown): number {
  if (typeof value === "string") return TEXT + value.length;
  if (typeof value !== "object" || value === null) return 0;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return 2 * OBJECT + value.byteLength;
  let sum = OBJECT;
  if (Array.isArray(value)) {
    for (const each of value as unknown[]) sum += PLACE + memoryOf(each);
    return sum;
  }
  for (const [name, each] of Object.entries(value)) sum += PLACE + name.length + memoryOf(each);
  return sum;
}

/** A token and a name: not worth counting. */
const SMALL_BYTES = 1024;

/** The same, and nothing for what is small. */
export function largeMemoryOf(value: unknown): number {
  const bytes = memoryOf(value);
  return bytes < SMALL_BYTES ? 0 : bytes;
}
