import { LegacyOrNativePromise } from "./promise.js";

// Methods of strings and arrays that ES5 has not, with what they are called on as the first argument. Only what the client uses.

export function es5_includes(whole: string | unknown[], part: unknown): boolean {
  return whole.indexOf(part as string) !== -1;
}

export function es5_startsWith(text: string, start: string): boolean {
  return text.lastIndexOf(start, 0) === 0;
}

export function es5_find<T>(items: readonly T[], test: (item: T) => boolean): T | undefined {
  return items.filter(test)[0];
}

export function es5_findIndex<T>(items: readonly T[], test: (item: T) => boolean): number {
  return items.map((item) => !!test(item)).indexOf(true);
}

export function es5_flatMap<T, R>(items: readonly T[], call: (item: T) => R[]): R[] {
  return Array.prototype.concat.apply([], items.map(call));
}

/** Of arrays and of our own collections. */
export function es5_keys(whole: unknown[] | { keys(): unknown[] }): unknown[] {
  return Array.isArray(whole) ? whole.map((_, i) => i) : whole.keys();
}

/** Of a Blob, which old browsers let a `FileReader` read. */
export function es5_arrayBuffer(blob: Blob): Promise<unknown> {
  if (typeof blob.arrayBuffer === "function") return blob.arrayBuffer();
  return new LegacyOrNativePromise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(blob);
  });
}
