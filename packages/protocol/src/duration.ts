const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as apps write it: a number of milliseconds, or `"90s"`, `"10m"`, `"24h"`, `"7d"`. In ms; `undefined` for anything else. */
export function readDuration(value: unknown): number | undefined {
  if (typeof value === "number") return value > 0 ? value : undefined;
  const match = typeof value === "string" ? DURATION.exec(value) : null;
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNIT_MS[match[2] as string] as number);
  return ms > 0 ? ms : undefined;
}
