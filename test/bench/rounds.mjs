import { measure } from "./measure.mjs";
import { REFERENCE } from "./rows.mjs";
import { median } from "./stats.mjs";

/**
 * Measures the contenders one after the other, again and again, beginning with another one each round: what else the
 * machine does then falls on all of them alike. Ratios are taken within a round and only then summed up.
 *
 * @returns for each contender the medians of its figures, and of its ratios to socket.io with their spread
 */
export async function runRow(row, { rounds, contenders, profile }) {
  const results = new Map(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(turn + round) % contenders.length];
      const profiled = contender === "sockeye" ? profile : undefined;
      results.get(contender).push(await measureAgain(row, contender, { profile: profiled }));
    }
  }
  return contenders.map((contender) => summary(contender, results));
}

/** Once more if it failed, since a machine under load may run into a timeout; twice is a fault. */
export async function measureAgain(row, contender, options) {
  try {
    return await measure(row, contender, options);
  } catch (error) {
    console.error(`  (${contender} again: ${error.message})`);
    return measure(row, contender, options);
  }
}

function summary(contender, results) {
  const runs = results.get(contender);
  const reference = results.get(REFERENCE);
  const figures = {};
  for (const key of Object.keys(runs[0])) figures[key] = median(runs.map((run) => run[key]));
  return {
    contender,
    ...figures,
    ratio: ratios(runs, reference, "cost"),
    ratioRss: ratios(runs, reference, "rss"),
    ratioTook: ratios(runs, reference, "took"),
  };
}

function ratios(runs, reference, key) {
  if (reference === undefined || runs[0][key] === undefined) return undefined;
  const values = runs.map((run, round) => run[key] / reference[round][key]);
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}
