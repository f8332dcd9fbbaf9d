const NAMES = {
  sockeye: "sockeye",
  socketio: "socket.io",
  ws: "ws by hand",
  tcp: "TCP by hand",
  http: "http by hand",
};

/** Below this the server was not the limit. What a message costs it in CPU time still holds, roughly. */
const SATURATED = 0.85;

/** Measured with as much at once as the server takes. */
const SHOWS_PACE = new Set(["flow", "batch"]);

/** One row as lines of text. */
export function printRow(name, row, results) {
  const isMemory = row.measure === "memory";
  const lines = [`${name}: ${row.title} (${row.unit}; target ${row.target ?? "none"})`];
  for (const result of results) {
    const cells = [
      NAMES[result.contender].padEnd(13),
      (isMemory ? bytes(result.cost) : micros(result.cost)).padStart(10),
      showRatio(result.ratio).padEnd(20),
    ];
    if (result.perSecond !== undefined && row.measure !== "idle" && row.measure !== "latency") {
      cells.push(
        `${Math.round(result.perSecond).toLocaleString("en-US").padStart(9)}/s`,
        busyness(row, result),
      );
    }
    if (result.p99 !== undefined) cells.push(`p99 ${micros(result.p99)}`);
    if (result.took !== undefined) cells.push(`took ${(result.took / 1000).toFixed(1)} ms each`);
    if (result.rss !== undefined) cells.push(`RSS ${bytes(result.rss)} ${showRatio(result.ratioRss)}`);
    lines.push(`  ${cells.join("  ")}`.trimEnd());
  }
  console.log(`${lines.join("\n")}\n`);
}

/** The whole as a Markdown table. */
export function markdown(all) {
  const lines = [
    "| row | what | socket.io | Sockeye | Sockeye ÷ socket.io | target | floor ÷ socket.io | a second ÷ socket.io |",
    "|---|---|--:|--:|--:|--:|--:|--:|",
  ];
  for (const { name, row, results } of all) {
    lines.push(markdownRow({ name, row, results, key: "cost", ratio: "ratio", target: row.target }));
    if (row.targetRss !== undefined || row.measure === "memory") {
      lines.push(markdownRow({ name, row, results, key: "rss", ratio: "ratioRss", target: row.targetRss }));
    }
    if (row.targetTime !== undefined) {
      lines.push(
        markdownRow({ name, row, results, key: "took", ratio: "ratioTook", target: row.targetTime }),
      );
    }
    if (row.measure === "latency") {
      lines.push(markdownRow({ name, row, results, key: "p99", ratio: undefined, target: undefined }));
    }
  }
  return lines.join("\n");
}

const WHAT = { rss: "resident memory", took: "time until upgraded", p99: "p99" };

function markdownRow({ name, row, results, key, ratio, target }) {
  const of = (contender) => results.find((result) => result.contender === contender);
  const show = (result) => (isSize(row, key) ? bytes(result[key]) : micros(result[key]));
  const floors = results.filter(({ contender }) => contender !== "sockeye" && contender !== "socketio");
  const cells = [
    `\`${name}\``,
    key === "cost" ? `${row.title}: ${row.unit}` : `the same: ${WHAT[key]}`,
    show(of("socketio")),
    show(of("sockeye")),
    `**${showRatio(of("sockeye")[ratio]) || "–"}**`,
    typeof target === "number" ? `≤ ${target}` : (target ?? "–"),
    floors
      .map((floor) => `${floor[ratio]?.median.toFixed(2) ?? show(floor)} ${NAMES[floor.contender]}`)
      .join(" · ") || "–",
    key === "cost" ? pace(row, of) : "–",
  ];
  return `| ${cells.join(" | ")} |`;
}

/** How many are done in a second, beside socket.io; the load is the same for both. */
function pace(row, of) {
  const [ours, theirs] = [of("sockeye").perSecond, of("socketio").perSecond];
  return ours && theirs && SHOWS_PACE.has(row.measure) ? (ours / theirs).toFixed(1) : "–";
}

function isSize(row, key) {
  return key === "rss" || (key === "cost" && row.measure === "memory");
}

function busyness(row, { busy, loadBusy }) {
  const text = `server busy ${busy.toFixed(2)}`;
  if (row.measure !== "flow" || busy >= SATURATED) return text;
  return `${text}: ${loadBusy >= SATURATED ? "the load was the limit" : "it waited for the load or for a free CPU"}`;
}

function showRatio(ratio) {
  return ratio === undefined
    ? ""
    : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`;
}

function micros(value) {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} ms`;
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)} µs`;
}

function bytes(value) {
  return value >= 1000 ? `${(value / 1000).toFixed(1)} KB` : `${Math.round(value)} B`;
}
