import { root } from "./root.js";

// Static functions of the language that ES5 has not. The bundler puts them in the place of the originals.

type Values = Record<string, unknown>;

export { isView as es5_ArrayBuffer_isView } from "./bytes.js";

const { hasOwnProperty: isOwn } = Object.prototype;

export function es5_Object_hasOwn(value: object, key: string): boolean {
  return isOwn.call(value, key);
}

export function es5_Object_assign(target: Values, ...sources: (Values | null | undefined)[]): Values {
  sources.forEach((source) => {
    if (!source) return;
    Object.keys(source).forEach((key) => {
      target[key] = source[key];
    });
  });
  return target;
}

export function es5_Object_values(value: Values): unknown[] {
  return Object.keys(value).map((key) => value[key]);
}

export function es5_Object_entries(value: Values): [string, unknown][] {
  return Object.keys(value).map((key) => [key, value[key]]);
}

export function es5_Object_fromEntries(entries: unknown): Values {
  const values: Values = {};
  (es5_Array_from(entries) as [string, unknown][]).forEach(([key, value]) => {
    values[key] = value;
  });
  return values;
}

export function es5_Number_isFinite(value: unknown): boolean {
  return typeof value === "number" && value - value === 0;
}

export function es5_Number_isInteger(value: unknown): boolean {
  return typeof value === "number" && value % 1 === 0;
}

export function es5_Number_isSafeInteger(value: unknown): boolean {
  return es5_Number_isInteger(value) && Math.abs(value as number) <= 9007199254740991;
}

/** What is iterated, as an array. Our own collections give one themselves. */
export function es5_Array_from(items: unknown): unknown[] {
  if (Array.isArray(items)) return items;
  const { toArray } = items as { toArray?: () => unknown[] };
  return toArray ? toArray.call(items) : Array.prototype.slice.call(items);
}

let last = 0;

/** Never goes back, even where only the time of day is known. */
export function es5_performance_now(): number {
  const { performance } = root;
  if (performance?.now) return performance.now();
  last = Math.max(last, Date.now());
  return last;
}
