/** How much of a stranger's text is shown. */
const MOST = 100;

/**
 * Characters that do something in a log or a terminal, or cannot be seen, and those that end a quotation. They are controls (line ends and the
 * beginnings of escape sequences among them), characters that change the direction of text or have no width, line and paragraph separators,
 * halves of surrogate pairs, and private and unassigned characters.
 */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}"\\]/gu;

/** In the text of an error, line ends and quotes are at home. */
const UNFIT_IN_ERRORS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

const SHORT: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
  "\\": "\\\\",
};

/**
 * A text that may come from outside, as it may be printed: one line, cut, and with escapes as in JSON for whatever is not plain
 * text. Everything that strangers choose passes here on its way to a log: names of events and namespaces, headers,
 * messages of errors.
 *
 * @param most characters that are shown of it
 */
export function shown(text: unknown, most: number = MOST): string {
  const whole = String(text);
  const cut = whole.length > most;
  // An escape for each at the most: what is behind is not looked at.
  const safe = (cut ? whole.slice(0, most) : whole).replace(UNFIT, escaped);
  return cut ? `${safe}…` : safe;
}

/** How much of an error is shown, its stack included. */
const MOST_OF_ERRORS = 10_000;

/**
 * The text of an error with its stack, as it may be printed. Its message may quote a stranger: so no line of it but the first begins
 * where a line of the log does.
 */
export function shownError(text: string): string {
  const cut = text.length > MOST_OF_ERRORS;
  const safe = (cut ? text.slice(0, MOST_OF_ERRORS) : text)
    .split("\n")
    .map((line, index) => {
      const plain = line.replace(UNFIT_IN_ERRORS, escaped);
      return index === 0 || /^(?:\s|[\])}]*$)/.test(plain) ? plain : `    ${plain}`;
    })
    .join("\n");
  return cut ? `${safe}…` : safe;
}

function escaped(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) as number;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
