// What NOTIFY says: which rows there are, and for whom. A bell is one line of less than 8,000 bytes:
//
//   m <writer> <number of the first row> <cells>             messages
//   l <epoch> <number of the first row> <cells> <group>      entries of a log
//
// One cell for each row: the hashes of its topics, and how many bytes it has, "1x9k2f+0zz81~5k".

/** PostgreSQL takes 7,999 bytes, and a group may have 2,700. */
const MAX_CELLS = 4_000;
/** A node with so many topics hears everything. */
const MAX_HASHES = 100;
const ANYBODY = "*";

/** What a row says of itself. */
export interface Cell {
  readonly topics: readonly string[];
  readonly bytes: number;
}

/** A row that is to be read. */
export interface Rung {
  /** The writer of a message, or the group of an entry. */
  readonly of: string;
  readonly n: number;
  readonly bytes: number;
  /** Of an entry. */
  readonly epoch: string | undefined;
}

/** Cells, in as many pieces as it takes; each with the place of its first row. */
export function cellsOf(rows: readonly Cell[]): { readonly first: number; readonly cells: string }[] {
  const pieces: { first: number; cells: string }[] = [];
  let piece: { first: number; cells: string } | undefined;
  rows.forEach(({ topics, bytes }, index) => {
    const hashes = topics.length > MAX_HASHES ? ANYBODY : topics.map(hashOf).join("+");
    const cell = `${hashes}~${bytes.toString(36)}`;
    if (piece && piece.cells.length + cell.length < MAX_CELLS) piece.cells += `,${cell}`;
    else {
      piece = { first: index, cells: cell };
      pieces.push(piece);
    }
  });
  return pieces;
}

const BELL = /^(?:m ([\w-]{8}) (\d{1,16}) ([^ ]+)|l ([\w-]{8}) (\d{1,16}) ([^ ]+) (.+))$/s;
const CELL = /^([a-z0-9+*]+)~([a-z0-9]{1,8})$/;

/** The rows that this node wants. Payloads that make no sense are ignored: other programs may ring, too. */
export function rungBy(payload: string, isWanted: (hash: string) => boolean): Rung[] {
  const [, writer, number = "", cells = "", epoch, logNumber = "", logCells = "", group] =
    BELL.exec(payload) ?? [];
  const of = writer ?? group;
  if (of === undefined) return [];
  const first = Number(writer === undefined ? logNumber : number);
  const rung: Rung[] = [];
  (writer === undefined ? logCells : cells).split(",").forEach((text, index) => {
    const [, hashes, bytes = ""] = CELL.exec(text) ?? [];
    if (hashes?.split("+").some((hash) => hash === ANYBODY || isWanted(hash)))
      rung.push({ of, n: first + index, bytes: Number.parseInt(bytes, 36), epoch });
  });
  return rung;
}

/** Two topics with one hash cost a row that is read for nothing. */
export function hashOf(topic: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < topic.length; at++) hash = Math.imul(hash ^ topic.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36);
}
