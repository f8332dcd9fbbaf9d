/** Up to this length a look at each character is cheaper than a call of `JSON.stringify`. */
const SHORT = 256;

/** JSON escapes control characters, quote, backslash and lone surrogates; pairs are caught too, and just take longer. */
const NEEDS_ESCAPE = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/**
 * An array as JSON, to the letter what `JSON.stringify` writes. Faster for what most events carry, a short name and a
 * few plain values: those need no call of the serializer at all.
 *
 * @throws whatever `JSON.stringify` throws
 */
export function writeArray(items: readonly unknown[]): string {
  let json = "[";
  for (let i = 0; i < items.length; i++) {
    if (i > 0) json += ",";
    json += writeItem(items[i]);
  }
  return `${json}]`;
}

/** One element of such an array. */
export function writeItem(item: unknown): string {
  if (typeof item === "string") return writeString(item);
  if (typeof item === "number") return Number.isFinite(item) ? String(item) : "null";
  // Functions, symbols and `undefined` have no JSON, and are null in an array.
  return (JSON.stringify(item) as string | undefined) ?? "null";
}

function writeString(text: string): string {
  return text.length > SHORT || NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}
