const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Brackets and braces differ in this bit alone. */
const BRACE = 0x20;
const OPENING = 0x5b;
const CLOSING = 0x5d;

/**
 * Is a JSON text nested deeper than `limit`? Meant to come before `JSON.parse`, so that no code behind it has to fear
 * for its stack. Most texts are cleared without a look at each character; the rest takes linear time. Of a text that is
 * not JSON the answer means nothing, except that it comes.
 */
export function isDeeperThan(json: string, limit: number): boolean {
  // Every level takes an opening and a closing bracket.
  if (json.length < 2 * (limit + 1)) return false;
  let openings = 0;
  for (const bracket of ["[", "{"]) {
    for (let at = json.indexOf(bracket); at >= 0; at = json.indexOf(bracket, at + 1)) {
      // Wherever they stand, in texts too: a yes needs a closer look.
      if (++openings > limit) return measure(json) > limit;
    }
  }
  return false;
}

function measure(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(json, at);
    else if ((unit & ~BRACE) === OPENING) deepest = Math.max(deepest, ++depth);
    else if ((unit & ~BRACE) === CLOSING) depth--;
  }
  return deepest;
}

/** Position of the quote that closes the string opened at `start`, or the end of the text. */
function endOfString(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); at >= 0; at = json.indexOf('"', at + 1)) {
    let first = at;
    while (json.charCodeAt(first - 1) === BACKSLASH) first--;
    // An even number of backslashes escape each other.
    if ((at - first) % 2 === 0) return at;
  }
  return json.length;
}
