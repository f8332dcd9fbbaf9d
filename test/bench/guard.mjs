import { readFileSync, writeFileSync } from "node:fs";
import { runRow } from "./rounds.mjs";
import { ROWS } from "./rows.mjs";

const RECORDED = new URL("recorded.json", import.meta.url);
/** The machine may be busy with other things, so only what is worse by a third counts. */
const TOLERANCE = 4 / 3;
const CONTENDERS = ["sockeye", "socketio"];

/**
 * Compares the ratios of the guarded rows with the recorded ones. What looks worse is measured once more, and the better
 * of both counts.
 *
 * @returns whether all held
 */
export async function guard() {
  const { ratios } = JSON.parse(readFileSync(RECORDED, "utf8"));
  let held = true;
  for (const [name, row] of Object.entries(ROWS)) {
    if (!row.guard) continue;
    const allowed = ratios[name] * TOLERANCE;
    let ratio = await measured(row, 2);
    if (ratio > allowed) ratio = Math.min(ratio, await measured(row, 3));
    const good = ratio <= allowed;
    held &&= good;
    const figures = `${ratio.toFixed(2)} of socket.io, recorded ${ratios[name].toFixed(2)}`;
    console.log(`${good ? "ok  " : "SLOW"} ${name}: ${figures}, allowed ${allowed.toFixed(2)}`);
  }
  return held;
}

/** Makes the ratios of these results the ones that the guard compares with. */
export function record(all) {
  const ratios = {};
  for (const { name, row, results } of all) {
    if (!row.guard) continue;
    const { ratio } = results.find(({ contender }) => contender === "sockeye");
    ratios[name] = Number(ratio.median.toFixed(3));
  }
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(RECORDED, `${JSON.stringify({ date, node: process.version, ratios }, null, 2)}\n`);
}

async function measured(row, rounds) {
  const results = await runRow(row, { rounds, contenders: CONTENDERS });
  return results[0].ratio.median;
}
