/**
 * The life of a session, as tables. ARCHITECTURE.md draws it; a test compares the two.
 *
 * `upgrading` is an open session whose second transport has passed the probe and is about to take over. They are the only place that says what a
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
}

export const SESSION_STATES: Readonly<Record<SessionState, StateRules>> = {
  // The client has dialled and waits for OPEN; the server has a session but not yet its transport.
  opening: { accepts: true, writes: false, delivers: false },
  open: { accepts: true, writes: true, delivers: true },
  // Until the UPGRADE packet the current transport continues; the client has paused it.
  upgrading: { accepts: true, writes: "server", delivers: true },
  // The transport is gone, the session is not: the client may come back over any transport. Only if both ends count.
  suspended: { accepts: true, writes: false, delivers: false },
  // Closed by this side: what is queued is still written, then the transport closes.
  closing: { accepts: false, writes: true, delivers: false },
  closed: { accepts: false, writes: false, delivers: false },
};

/** What can follow a state. Nothing but tests reads it, and bundles have none of it. */
export const NEXT_STATES: Readonly<Record<SessionState, readonly SessionState[]>> = {
  opening: ["open", "closed"],
  open: ["upgrading", "suspended", "closing", "closed"],
  upgrading: ["open", "suspended", "closing", "closed"],
  suspended: ["open", "closed"],
  closing: ["closed"],
  closed: [],
};
