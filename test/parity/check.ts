// docs/parity.md and docs/differences.md as data, and what is wrong with them in the light of a run.

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
export interface Claim extends Shown {
  readonly status: Status;
  /** Why not, if the status is `no`; the row of docs/differences.md, if it is `different`. */
  readonly reason: string;
}

export interface Outcome {
  readonly file: string;
  /** The titles of its suites and its own, divided by ` > `. */
  readonly title: string;
  readonly state: "passed" | "failed" | "skipped";
}

/** The rows of the document. @throws Error that names the line of a row that cannot be understood */
export function readClaims(markdown: string): Claim[] {
  const claims: Claim[] = [];
  let section = "";
  for (const [index, text] of markdown.split("\n").entries()) {
    section = /^## (\d+\.\d+)\b/.exec(text)?.[1] ?? section;
    if (!text.startsWith("|") || /^\|\s*(feature|-+)\s*\|/.test(text)) continue;
    claims.push(readRow(text, section, index + 1));
  }
  return claims;
}

function readRow(text: string, section: string, line: number): Claim {
  const cells = text.split(/(?<!\\)\|/).map((cell) => cell.replaceAll("\\|", "|").trim());
  const [, feature = "", verdict = "", shown = ""] = cells;
  const status = /^(yes|different|no)\b/.exec(verdict)?.[1] as Status | undefined;
  const reason = /^(?:no|different): (.+)$/.exec(verdict)?.[1] ?? "";
  const evidence = [...shown.matchAll(/`([^`]+)` `([^`]+)`/g)].map(([, file = "", title = ""]) => ({
    file,
    title,
  }));
  const complaint =
    cells.length !== 5
      ? "has not three columns"
      : feature === ""
        ? "names nothing"
        : status === undefined || section === ""
          ? "has no status or no section"
          : status === "no"
            ? reason === "" && "gives no reason"
            : status === "different" && reason === ""
              ? "names no row of docs/differences.md"
              : evidence.length === 0 && "names no test";
  const place = `docs/parity.md:${line}`;
  if (complaint) throw new Error(`${place}: the row ${complaint}: ${text}`);
  return { place, section, feature, status: status as Status, reason, evidence };
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
