/**
 * The life of a session, as a table. ARCHITECTURE.md draws it; a test compares the two.
 *
 * `upgrading` is an open session whose second transport has passed the probe and is about to take over. The table is the only place that says what a
 * session may do in a state: nothing keeps flags beside it.
 */
export type SessionState = "opening" | "open" | "upgrading" | "suspended" | "closing" | "closed";

interface StateRules {
  /** May the app's packets be queued? */
  readonly accepts: boolean;
  /** May queued packets be written to the current transport? During an upgrade the client has paused it. */
  readonly writes: boolean | "server";
  /** May packets of the app come in? */
  readonly delivers: boolean;
  /** What can follow. */
  readonly next: readonly SessionState[];
}

export const SESSION_STATES: Readonly<Record<SessionState, StateRules>> = {
  // The client has dialled and waits for OPEN; the server has a session but not yet its transport.
  opening: { accepts: true, writes: false, delivers: false, next: ["open", "closed"] },
  open: {
    accepts: true,
    writes: true,
    delivers: true,
    next: ["upgrading", "suspended", "closing", "closed"],
  },
  // Until the UPGRADE packet the current transport continues; the client has paused it.
  upgrading: {
    accepts: true,
    writes: "server",
    delivers: true,
    next: ["open", "suspended", "closing", "closed"],
  },
  // The transport is gone, the session is not: the client may come back over any transport. Only if both ends count.
  suspended: { accepts: true, writes: false, delivers: false, next: ["open", "closed"] },
  // Closed by this side: what is queued is still written, then the transport closes.
  closing: { accepts: false, writes: true, delivers: false, next: ["closed"] },
  closed: { accepts: false, writes: false, delivers: false, next: [] },
};
