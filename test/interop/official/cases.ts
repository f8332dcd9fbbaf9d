import type { Peer } from "./peer.js";

/** What one peer does, and must see. */
export type Cases = Readonly<Record<string, (peer: Peer) => Promise<void>>>;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
