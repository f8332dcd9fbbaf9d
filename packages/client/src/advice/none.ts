// What is called "#advice" in apps as they are served: bundlers leave nothing of it.
import type { TransportClass } from "@sockeye/transport/client";

/** What is said while an app is developed is not in what is served. */
export function adviseOn(_prototype: object): void {}

export function advise(_options: object | undefined, _known: readonly TransportClass[]): void {}
