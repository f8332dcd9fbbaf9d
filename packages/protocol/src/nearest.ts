/** Longer names are not compared: nobody has mistyped one of ours to that. */
const LONGEST = 60;

/**
 * What the author of a name that does not exist probably meant: the known name with the fewest typing errors in between. Capitals and
 * small letters are the same. `undefined`: nothing is near, and a guess would mislead.
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > LONGEST) return undefined;
  const given = name.toLowerCase();
  const most = Math.min(3, Math.floor(name.length / 3));
  let best: string | undefined;
  let fewest = most + 1;
  for (const each of known) {
    const errors = distance(given, each.toLowerCase());
    if (errors >= fewest) continue;
    best = each;
    fewest = errors;
  }
  return best;
}

/** Letters left out, added, exchanged, or two neighbours swapped: how many of these lie between two texts. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const now = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      now[column] = Math.min(
        at(last, column) + 1,
        at(now, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = last;
    last = now;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
