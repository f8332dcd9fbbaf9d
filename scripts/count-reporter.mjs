// Ends a run with one plain line: `tests: 12 passed, 0 failed, 3 skipped`.
// What failed outside a test (a file that does not load, an unhandled error) counts as failed too.
// The files in which something failed are written to the file that FAILED_FILES names, a line each, for scripts/test.mjs.
import { appendFileSync } from "node:fs";
import { relative } from "node:path";

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state === "passed" || state === "failed" ? state : "skipped"] += 1;
      }
      count.failed += module.errors().length;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
    }
    const list = process.env.FAILED_FILES;
    if (list !== undefined) {
      const failed = modules.filter((module) => !module.ok()).map(({ relativeModuleId }) => relativeModuleId);
      // Nobody knows whose error it is: that file cannot be run again.
      const strays = unhandledErrors.map(({ VITEST_TEST_PATH: path }) =>
        path === undefined ? "unknown" : relative(process.cwd(), path),
      );
      for (const file of [...failed, ...strays]) appendFileSync(list, `${file}\n`);
    }
    // After every other reporter has had its say.
    process.once("exit", () => {
      process.stdout.write(
        `\ntests: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`,
      );
    });
  }
}
