import type { Tally } from "./tally.js";
import type { Outcome, Setup } from "./trial.js";

/** How long before and after it, in ms, a violation is shown with what the proxy did. */
const NEAR_MS = 4000;

/** What one needs to see a trial's violations, and to see them again; after so many, the rest is only counted. */
export function explain(setup: Setup, { violations, strokes, histories }: Outcome, most = 5): string {
  const shown = violations.slice(0, most).map((violation) => {
    const { client, kind, text, at, excerpt } = violation;
    const blows = (strokes[client] ?? []).filter((stroke) => at > 0 && Math.abs(stroke.at - at) < NEAR_MS);
    return [
      `seed ${setup.seed}, client ${client} (${histories[client]?.label}): ${kind}, at ${Math.round(at)} ms: ${text}`,
      ...excerpt.map((line) => `  ${line}`),
      ...blows.map((stroke) => `  ${Math.round(stroke.at)} ms: ${stroke.text}`),
    ].join("\n");
  });
  const rest = violations.length - shown.length;
  return [
    ...shown,
    ...(rest > 0 ? [`and ${rest} more: ${countKinds({ violations: violations.slice(most) })}`] : []),
  ].join("\n");
}

/** How often the proxies did what. */
export function countStrokes({ strokes }: Outcome): string {
  const words = strokes.flat().map(({ text }) => /^(?:connection \d+: )?(\S+)/.exec(text)?.[1] ?? text);
  return countEach(words.filter((word) => word !== "healed" && word !== "the"));
}

/** How many violations there are of each kind. */
export function countKinds({ violations }: Pick<Outcome, "violations">): string {
  return countEach(violations.map(({ kind }) => kind));
}

function countEach(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${word} ${count}`).join(", ");
}

/** All tallies as one. */
export function total(tallies: readonly Tally[]): Tally {
  const sum = { ...EMPTY };
  for (const one of tallies) {
    for (const name of Object.keys(EMPTY) as (keyof Tally)[]) sum[name] += one[name];
  }
  return sum;
}

const EMPTY: Tally = {
  sent: 0,
  lostUp: 0,
  lostDown: 0,
  unanswered: 0,
  missedAway: 0,
  twice: 0,
  disordered: 0,
  ended: 0,
  recovered: 0,
  suspended: 0,
  resumed: 0,
};
