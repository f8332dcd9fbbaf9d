import type { Mark } from "./history.js";

/** So many messages are shown before and after. */
const AROUND = 3;

/** The part of a list around one place, which is marked. */
export function around(what: string, marks: readonly Mark[], place: number): string[] {
  if (place < 0) return [];
  const from = Math.max(0, place - AROUND);
  const shown = marks.slice(from, place + AROUND + 1);
  return [
    `${what} ${shown.map((mark, at) => (from + at === place ? `>${show(mark)}<` : show(mark))).join(" ")}`,
  ];
}

/** The part of a list around a moment. */
export function aroundMoment(what: string, marks: readonly Mark[], at: number): string[] {
  const next = marks.findIndex((mark) => mark.at >= at);
  const from = Math.max(0, (next === -1 ? marks.length : next) - AROUND);
  const shown = marks.slice(from, from + 2 * AROUND);
  return [
    `${what} ${shown.map(show).join(" ")}${from + shown.length === marks.length ? " and no more" : ""}`,
  ];
}

function show({ key, at }: Mark): string {
  return `${key}@${Math.round(at)}`;
}
