import type { Violation } from "./check.js";
import type { Book, History } from "./history.js";
import { isVolatile, KINDS } from "./message.js";

/** What became of the messages of one client or of all, whether it may be or not. */
export interface Tally {
  sent: number;
  /**
   * Never handled, though it was sent on a connection that both ends had: of the client's, of the server's; answers that never came. On a
   * slow machine a client gives an attempt up that the server has answered: it never has that socket, and the server is told.
   */
  lostUp: number;
  lostDown: number;
  unanswered: number;
  /** Broadcasts while the client was away, after it had been connected, which it did not get later. */
  missedAway: number;
  twice: number;
  disordered: number;
  /** How often the app was told of an end, and of a recovery: at the client. */
  ended: number;
  recovered: number;
  suspended: number;
  resumed: number;
}

export function tally(history: History, violations: readonly Violation[]): Tally {
  const up = countLane(history.atClient, history.atServer);
  const down = countLane(history.atServer, history.atClient);
  const got = keysOf(history.atClient, "got");
  const clientSides = [...history.atClient.values()];
  const first = Math.min(...clientSides.flatMap(({ joinings }) => joinings.map(({ at }) => at)));
  return {
    sent: up.sent + down.sent,
    lostUp: up.lost,
    lostDown: down.lost,
    unanswered: up.unanswered + down.unanswered,
    missedAway: history.missedAway.filter(({ key, at }) => at >= first && !got.has(key)).length,
    twice: violations.filter(({ kind }) => kind === "twice").length,
    disordered: violations.filter(({ kind }) => kind === "order").length,
    ended: clientSides.reduce((sum, { partings }) => sum + partings.length, 0),
    recovered: clientSides.reduce((sum, { joinings }) => sum + joinings.filter((j) => j.recovered).length, 0),
    suspended: history.suspended,
    resumed: history.resumed,
  };
}

function countLane(from: Book, to: Book): { sent: number; lost: number; unanswered: number } {
  const got = keysOf(to, "got");
  const shared = new Map([...from].filter(([id]) => to.has(id)));
  const sent = [...keysOf(shared, "sent")].filter((key) => !isVolatile(key));
  const missing = sent.filter((key) => !got.has(key));
  const unanswered = missing.filter((key) => key.startsWith(KINDS.answer)).length;
  return { sent: sent.length, lost: missing.length - unanswered, unanswered };
}

function keysOf(book: Book, list: "sent" | "got"): Set<string> {
  return new Set([...book.values()].flatMap((side) => side[list].map(({ key }) => key)));
}
