const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;

/**
 * Is a JSON text nested deeper than `limit`? Meant to come before `JSON.parse`, so that no code behind it has to fear
 * for its stack. Most texts are cleared without a look at each character; the rest takes linear time. Of a text that is
 * not JSON the answer means nothing, except that it comes.
 */
export function isDeeperThan(json: string, limit: number): boolean {
  // Every level takes an opening and a closing bracket.
  if (json.length < 2 * (limit + 1)) return false;
  if (!hasMoreOpenings(json, limit)) return false;
  return measure(json, limit);
}

/** Counts opening brackets wherever they stand, so it errs towards yes only. Stops after `limit` of them. */
function hasMoreOpenings(json: string, limit: number): boolean {
  let count = 0;
  for (const bracket of ["[", "{"]) {
    for (let at = json.indexOf(bracket); at !== -1; at = json.indexOf(bracket, at + 1)) {
      if (++count > limit) return true;
    }
  }
  return false;
}

function measure(json: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        if (++depth > limit) return true;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth--;
        break;
      case QUOTE:
        at = endOfString(json, at);
        break;
    }
  }
  return false;
}

/** Position of the quote that closes the string opened at `start`, or the end of the text. */
function endOfString(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let first = at;
    while (json.charCodeAt(first - 1) === BACKSLASH) first--;
    // An even number of backslashes escape each other.
    if ((at - first) % 2 === 0) return at;
  }
  return json.length;
}
