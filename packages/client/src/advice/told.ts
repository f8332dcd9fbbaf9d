import type { TransportClass } from "@sockeye/transport/client";
import { mistakesIn } from "./mistakes.js";

const MOST = 20;
const told = new Set<string>();

/** Tells what of these options has no effect, once for each cause. */
export function tellOnce(
  options: object | undefined,
  known: readonly TransportClass[],
  tell: (line: string) => void,
): void {
  for (const line of mistakesIn(options ?? {}, known)) {
    if (told.has(line) || told.size >= MOST) continue;
    told.add(line);
    tell(line);
  }
}
