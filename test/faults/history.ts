// What each end has seen, as it saw it. Both ends write down the same kinds of things about a conversation: it has the id of the
// socket, begins with `connect` (or `connection`), and ends with `disconnect`. Connection state recovery goes on with one that had ended.

/** A message, and when it was sent or handled, in ms since the beginning of the trial. */
export interface Mark {
  readonly key: string;
  readonly at: number;
}

export interface Joining {
  readonly at: number;
  /** What `socket.recovered` said. */
  readonly recovered: boolean;
}

export interface Parting {
  readonly at: number;
  readonly reason: string;
}

/** One conversation, as one end saw it. */
export interface Side {
  readonly id: string;
  readonly joinings: Joining[];
  readonly partings: Parting[];
  readonly sent: Mark[];
  readonly got: Mark[];
}

/** What one end has seen of all conversations of one client, in the order in which they began. */
export type Book = Map<string, Side>;

/** All that is known of one client. */
export interface History {
  readonly client: number;
  readonly label: string;
  readonly atClient: Book;
  readonly atServer: Book;
  /** Broadcasts while the server had no socket of this client. */
  readonly missedAway: Mark[];
  /** What was wrong on the spot: a body that is not what was sent, a resume without a suspend. */
  readonly faults: string[];
  suspended: number;
  resumed: number;
}

export function emptyHistory(client: number, label: string): History {
  return {
    client,
    label,
    atClient: new Map(),
    atServer: new Map(),
    missedAway: [],
    faults: [],
    suspended: 0,
    resumed: 0,
  };
}

/** Opens the page of this conversation, or opens it again. */
export function join(book: Book, id: string, joining: Joining): Side {
  let side = book.get(id);
  if (side === undefined) {
    side = { id, joinings: [], partings: [], sent: [], got: [] };
    book.set(id, side);
  }
  side.joinings.push(joining);
  return side;
}

export function isLive(side: Side): boolean {
  return side.joinings.length > side.partings.length;
}
