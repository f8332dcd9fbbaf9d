/** Names of rooms are levels, with a colon or slash between. */
const LEVELS = /([:/])/;

/** The levels of a name or pattern of rooms, and what stands between them. */
export function roomLevels(name: string): string[] {
  return name.split(LEVELS);
}

/** Does it stand for many rooms? `+` is one whole level, `#` the rest. A room named `#general` is a name. */
export function isRoomPattern(levels: readonly string[]): boolean {
  return levels.some((level) => level === "+" || level === "#");
}

/** What a name must match, with a group for each `+` and `#`. */
export function roomMatcher(levels: readonly string[]): RegExp {
  const source = levels.map((level) => {
    if (level === "+") return "([^:/]+)";
    return level === "#" ? "(.+)" : level.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`, "s");
}
