import type { KnownSession } from "./checks.js";

/** A session that another node has. */
export class There {
  constructor(readonly node: string) {}
}

/** Whose is the id of a session? The session itself: it is here. `undefined`: nobody's. */
export type Located = KnownSession | There | undefined;
