import { readFileSync, writeFileSync } from "node:fs";
import { measureAgain } from "./rounds.mjs";
import { REFERENCE, ROWS } from "./rows.mjs";

const RECORDED = new URL("recorded.json", import.meta.url);
/** The machine may be busy with other things, so only what is worse by a third counts. */
const TOLERANCE = 4 / 3;

/** Rounds at first, and all in all where the figures look worse. */
const ROUNDS = 2;
const MOST_ROUNDS = 6;

/**
 * Compares the ratios of the guarded rows with the recorded ones. Of each contender the cheapest of all rounds counts,
 * since another process on the machine can make a message dearer only; what looks worse is measured some times more.
 *
 * @returns whether all held
 */
export async function guard() {
  const { ratios, floors } = JSON.parse(readFileSync(RECORDED, "utf8"));
  let held = true;
  for (const [name, row] of Object.entries(ROWS)) {
    if (!row.guard) continue;
    const good =
      (await holds(row, name, { against: REFERENCE, recorded: ratios[name] })) ||
      (floors[name] !== undefined && (await holds(row, name, { against: FLOOR, recorded: floors[name] })));
    held &&= good;
  }
  return held;
}

/** Where nearly all is the kernel's work, the ratio to socket.io is the kernel's as well: then the one to the same by hand decides. */
const FLOOR = "tcp";

async function holds(row, name, { against, recorded }) {
  const allowed = recorded * TOLERANCE;
  const ratio = await cheapest(row, against, allowed);
  const good = ratio <= allowed;
  const figures = `${ratio.toFixed(2)} of ${against}, recorded ${recorded.toFixed(2)}`;
  console.log(`${good ? "ok  " : "SLOW"} ${name}: ${figures}, allowed ${allowed.toFixed(2)}`);
  return good;
}

async function cheapest(row, against, allowed) {
  let ours = Number.POSITIVE_INFINITY;
  let theirs = Number.POSITIVE_INFINITY;
  for (let round = 1; ; round++) {
    ours = Math.min(ours, (await measureAgain(row, "sockeye", {})).cost);
    theirs = Math.min(theirs, (await measureAgain(row, against, {})).cost);
    const ratio = ours / theirs;
    if (round >= ROUNDS && (ratio <= allowed || round === MOST_ROUNDS)) return ratio;
  }
}

/** Makes the ratios of these results the ones that the guard compares with. */
export function record(all) {
  const ratios = {};
  const { floors } = JSON.parse(readFileSync(RECORDED, "utf8"));
  for (const { name, row, results } of all) {
    if (!row.guard) continue;
    const of = (wanted) => results.find(({ contender }) => contender === wanted)?.ratio.median;
    ratios[name] = Number(of("sockeye").toFixed(3));
    if (name in floors) floors[name] = Number((of("sockeye") / of(FLOOR)).toFixed(3));
  }
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(RECORDED, `${JSON.stringify({ date, node: process.version, ratios, floors }, null, 2)}\n`);
}
