import { isRoomPattern, roomLevels, roomMatcher, UsageError } from "@sockeye/protocol";

type Level = "word" | "one" | "rest";

interface Pattern<R> {
  readonly text: string;
  readonly parts: readonly string[];
  readonly matcher: RegExp;
  readonly rule: R;
}

/** What holds for one room. */
export interface Found<R> {
  readonly rule: R;
  /** What the name has where the pattern has `+` or `#`, or the groups of the regular expression. */
  readonly params: readonly string[];
}

/** Names whose rule is remembered. */
const MOST_REMEMBERED = 10_000;

/**
 * Which rule holds for a room. A name is looked for first, then patterns, the most specific one, then regular expressions in the order in
 * which they were declared.
 *
 * In a pattern `+` stands for one whole level and `#`, at the end, for one or more. A room named `#general` is a name.
 */
export class RuleTable<R> {
  readonly #names = new Map<string, R>();
  readonly #patterns: Pattern<R>[] = [];
  readonly #expressions: { readonly matcher: RegExp; readonly rule: R }[] = [];
  readonly #found = new Map<string, Found<R> | undefined>();

  /**
   * @throws UsageError `ERR_BAD_OPTION` for a pattern that makes no sense, that was declared before, or that means the same rooms as another
   *   one without being more specific
   */
  add(rooms: string | RegExp, rule: R): void {
    if (typeof rooms !== "string") {
      // A regular expression with a memory would find a room every other time.
      this.#expressions.push({
        matcher: new RegExp(rooms.source, rooms.flags.replace(/[gy]/g, "")),
        rule,
      });
    } else {
      const parts = roomLevels(rooms);
      if (!isRoomPattern(parts)) {
        if (rooms === "" || this.#names.has(rooms)) throw bad(rooms, "it is empty or has a rule already");
        this.#names.set(rooms, rule);
      } else this.#addPattern(rooms, parts, rule);
    }
    this.#found.clear();
  }

  /** The rule of a room; `undefined` if it has none. */
  find(room: string): Found<R> | undefined {
    if (this.#found.has(room)) return this.#found.get(room);
    const found = this.#look(room);
    if (this.#found.size >= MOST_REMEMBERED) this.#found.clear();
    this.#found.set(room, found);
    return found;
  }

  #look(room: string): Found<R> | undefined {
    const named = this.#names.get(room);
    if (named !== undefined) return { rule: named, params: [] };
    // The most specific pattern stands first.
    for (const { matcher, rule } of [...this.#patterns, ...this.#expressions]) {
      const match = matcher.exec(room);
      if (match) return { rule, params: match.slice(1).map((param = "") => param) };
    }
    return undefined;
  }

  #addPattern(text: string, parts: readonly string[], rule: R): void {
    if (parts.some((part, at) => part === "#" && at < parts.length - 1))
      throw bad(text, "# stands at the end only");
    for (const other of this.#patterns) {
      if (compare(parts, other.parts) === 0 && overlap(parts, other.parts))
        throw bad(text, `"${other.text}" means some of the same rooms, and neither of them is more specific`);
    }
    this.#patterns.push({ text, parts, matcher: roomMatcher(parts), rule });
    this.#patterns.sort((one, other) => compare(one.parts, other.parts));
  }
}

function levelOf(part: string | undefined): Level {
  if (part === "+") return "one";
  return part === "#" ? "rest" : "word";
}

const ORDER: Readonly<Record<Level, number>> = { word: 0, one: 1, rest: 2 };

/** Below zero if the first is more specific: the first level that differs in kind decides. */
function compare(one: readonly string[], other: readonly string[]): number {
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const difference = ORDER[levelOf(one[at])] - ORDER[levelOf(other[at])];
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Is there a room that both mean? */
function overlap(one: readonly string[], other: readonly string[]): boolean {
  for (let at = 0; ; at++) {
    const [left, right] = [one[at], other[at]];
    if (left === "#" || right === "#") return true;
    if (left === undefined || right === undefined) return left === right;
    if (left !== right && left !== "+" && right !== "+") return false;
  }
}

function bad(rooms: string, why: string): UsageError {
  return new UsageError("ERR_BAD_OPTION", `The rule for the rooms "${rooms}" is not taken: ${why}`);
}
