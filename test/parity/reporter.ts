import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, TestModule, Vitest } from "vitest/node";
import { type Outcome, readDifferences, shownBy, unshown } from "./check.js";
import { PARITY } from "./rows.js";
import { SHOWN } from "./shown.js";

/**
 * Fails a run in which a row of docs/parity.md or docs/differences.md has no passing test: only here it is known which tests passed. A run of some
 * files judges the rows about these files; a run of tests chosen by title judges nothing.
 */
export default class ParityReporter implements Reporter {
  #vitest: Vitest | undefined = undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#vitest === undefined || this.#vitest.getGlobalTestNamePattern() !== undefined) return;
    const { root } = this.#vitest.config;
    const rows = [
      ...shownBy(PARITY),
      ...readDifferences(readFileSync(`${root}/docs/differences.md`, "utf8"), SHOWN),
    ];
    const outcomes = modules.flatMap((module) => outcomesOf(module, relative(root, module.moduleId)));
    const faults = unshown(rows, outcomes, new Set(modules.map(({ moduleId }) => relative(root, moduleId))));
    if (faults.length === 0) return;
    process.exitCode = 1;
    process.stderr.write(
      `\nRows that no passing test shows:\n${faults.map(({ text }) => text).join("\n")}\n`,
    );
    // scripts/test.mjs runs these once more, and the rows are judged again.
    const list = process.env["FAILED_FILES"];
    if (list !== undefined) for (const { file } of faults) appendFileSync(list, `${file}\n`);
  }
}

function outcomesOf(module: TestModule, file: string): Outcome[] {
  return [...module.children.allTests()].map((test) => {
    const { state } = test.result();
    return {
      file,
      title: test.fullName,
      state: state === "passed" || state === "failed" ? state : "skipped",
    };
  });
}
