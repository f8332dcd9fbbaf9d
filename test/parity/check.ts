// The rows of docs/parity.md and docs/differences.md, the page that is written of the former, and what is wrong with them in the light of a run.

export type Status = "yes" | "different" | "no";

/** A test, or a group of tests: the title of it, or of a suite, or several of them in a row, divided by ` > `. */
export interface Evidence {
  readonly file: string;
  readonly title: string;
}

/** What a row says, and the tests that show it. */
export interface Shown {
  /** The file and the line. */
  readonly place: string;
  readonly section: string;
  readonly feature: string;
  readonly evidence: readonly Evidence[];
}

/** One row of docs/parity.md: a name, whether it is there, and the tests that show it. */
export interface Claim {
  readonly feature: string;
  readonly status: Status;
  /** Why not, if the status is `no`; the row of docs/differences.md, if it is `different`; else what there is to say. */
  readonly note: string;
  readonly evidence: readonly Evidence[];
}

/** A section of docs/parity.md. */
export interface Part {
  /** Its number, and its heading. */
  readonly title: string;
  readonly claims: readonly Claim[];
}

export interface Outcome {
  readonly file: string;
  /** The titles of its suites and its own, divided by ` > `. */
  readonly title: string;
  readonly state: "passed" | "failed" | "skipped";
}

/**
 * @param tests each `file: title`, the file without `.test.ts`
 * @throws Error that names the row that says too little
 */
export function claim(status: Status, feature: string, note: string, tests: readonly string[]): Claim {
  const complaint =
    status === "no"
      ? note === "" && "gives no reason"
      : tests.length === 0
        ? "names no test"
        : status === "different" && note === "" && "names no row of docs/differences.md";
  if (feature === "" || complaint) throw new Error(`the row "${feature}" ${complaint || "names nothing"}`);
  const evidence = tests.map((test) => {
    const [, file = "", title = ""] = /^([^:]+): (.+)$/.exec(test) ?? [];
    if (file === "") throw new Error(`the row "${feature}" names a test that is no "file: title": ${test}`);
    return { file: `${file}.test.ts`, title };
  });
  return { feature, status, note, evidence };
}

/** What the rows say, for {@link unshown}. */
export function shownBy(parts: readonly Part[]): Shown[] {
  return parts.flatMap(({ title, claims }) => {
    const [section = ""] = title.split(" ");
    return claims.map(({ feature, evidence }) => ({ place: "docs/parity.md", section, feature, evidence }));
  });
}

/** The page: `intro`, and a table for each part. */
export function writeParity(intro: string, parts: readonly Part[]): string {
  const tables = parts.map(({ title, claims }) => {
    const rows = claims.map(({ feature, status, note, evidence }) => [
      feature,
      note === "" ? status : `${status}: ${note}`,
      evidence.map((test) => `\`${test.file}\` \`${test.title}\``).join("<br>"),
    ]);
    return `## ${title}\n\n${writeTable(["feature", "status", "test"], rows)}`;
  });
  return `${[intro.trim(), ...tables].join("\n\n")}\n`;
}

/** A table of Markdown, with columns of one width. */
function writeTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const [first, ...rest] = lines.map((cells) =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)),
  );
  const rule = widths.map((width) => "-".repeat(width));
  return [first ?? [], rule, ...rest].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Which tests show which row of docs/differences.md, by its section and its first column. */
export type ShownBy = Readonly<Record<string, Readonly<Record<string, readonly Evidence[]>>>>;

/** The rows of docs/differences.md, with the tests that show them: none, if nothing is known of the row. */
export function readDifferences(markdown: string, shownBy: ShownBy): Shown[] {
  const rows: Shown[] = [];
  let section = "";
  for (const [index, text] of markdown.split("\n").entries()) {
    section = /^## (.+)$/.exec(text)?.[1] ?? section;
    const feature = /^\| (?:● )?(.+?) +\|/.exec(text)?.[1];
    if (feature === undefined || feature === "what" || /^-+$/.test(feature)) continue;
    const evidence = shownBy[section]?.[feature] ?? [];
    rows.push({ place: `docs/differences.md:${index + 1}`, section, feature, evidence });
  }
  return rows;
}

/** What the rows claim and the run did not show. Rows about files that had no part in the run are left out. */
export function unshown(
  rows: readonly Shown[],
  outcomes: readonly Outcome[],
  ran: ReadonlySet<string>,
): { readonly file: string; readonly text: string }[] {
  return rows.flatMap(({ place, section, feature, evidence }) =>
    evidence.flatMap(({ file, title }) => {
      if (!ran.has(file)) return [];
      const fault = faultOf(outcomes.filter((each) => each.file === file && isUnder(each.title, title)));
      return fault ? [{ file, text: `${place}: ${section} ${feature}: ${file}, "${title}" ${fault}` }] : [];
    }),
  );
}

function faultOf(found: readonly Outcome[]): string | undefined {
  if (found.length === 0) return "does not exist";
  if (found.some(({ state }) => state === "failed")) return "fails";
  return found.some(({ state }) => state === "passed") ? undefined : "is skipped";
}

/** Whole titles only: a test that was renamed is another test. */
function isUnder(full: string, title: string): boolean {
  return ` > ${full} > `.includes(` > ${title} > `);
}
