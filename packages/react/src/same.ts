/**
 * Do two values say the same? Plain objects and arrays are compared by what they hold, so that an app may write them again in each
 * rendering. Functions are all the same: the latest one is called.
 */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other) || (typeof one === "function" && typeof other === "function")) return true;
  const kind = kindOf(one);
  if (kind !== kindOf(other) || (kind !== Object && kind !== Array)) return false;
  const mine = Object.entries(one as Fields);
  const others = other as Fields;
  return (
    mine.length === Object.keys(others).length &&
    mine.every(([key, value]) => key in others && same(value, others[key]))
  );
}

type Fields = Readonly<Record<string, unknown>>;

function kindOf(value: unknown): unknown {
  return (value as Fields | null | undefined)?.["constructor"];
}
