// What is called "#advice" in apps as they are served: bundlers leave nothing of it.
import type { TransportClass } from "@sockeye/transport/client";

export function advise(_options: object | undefined, _known: readonly TransportClass[]): void {}
