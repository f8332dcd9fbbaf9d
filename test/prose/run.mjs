// A prose linter over all that people read: the pages, and the comments and messages of the sources. `npm run prose` installs it first.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../../", import.meta.url));
if (!process.argv.includes("--no-install")) {
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here, stdio: "inherit" });
  if (status !== 0) throw new Error("npm ci");
}
const require = createRequire(import.meta.url);
const { createLinter, loadTextlintrc } = require("textlint");
const { load } = require("js-yaml");
const ts = require("typescript");

const files = (...patterns) =>
  spawnSync("git", ["ls-files", ...patterns], { cwd: root, encoding: "utf8" })
    .stdout.split("\n")
    .filter(Boolean);
const pages = files("*.md", ":!CHANGELOG.md", ":!packages/*/CHANGELOG.md", ":!.changeset", ":!docs/adr");
const sources = files("packages/*/src/**/*.ts", "packages/*/src/*.ts");
const linter = createLinter({
  descriptor: await loadTextlintrc({
    configFilePath: `${here}textlintrc.json`,
    node_modulesDir: `${here}node_modules`,
  }),
});

/** The prose of a comment: its paragraphs, list items and tags each alone, without tables, drawings and code. */
function prosesOf(comment) {
  const text = comment
    .replace(/^\/\*+|\*\/$/g, "")
    .replace(/^[ \t]*(?:\*|\/\/) ?/gm, "")
    .replace(/```[\s\S]*?```/g, (code) => code.replace(/[^\n]/g, ""))
    .replace(/@example[^@]*/g, (code) => code.replace(/[^\n]/g, ""))
    .replace(/^(?: {3}|\|).*$/gm, "")
    .replace(/\{@link ([^}]*)\}/g, "`$1`");
  const proses = [];
  let isNew = true;
  for (const [at, line] of text.split("\n").entries()) {
    if (isNew || /^\s*(?:- |@)/.test(line)) proses.push({ at, text: "" });
    proses.at(-1).text += ` ${line.trim()}`;
    isNew = line.trim() === "";
  }
  return proses;
}

/** Each comment and each message of a source as paragraphs of Markdown, with the lines where they stand. */
function paragraphsOf(source) {
  const paragraphs = [];
  const add = (position, at, text) => {
    const line = source.getLineAndCharacterOfPosition(position).line + 1 + at;
    const plain = text
      .replace(/^\s*(?:- |@\w+ )/, "")
      .replace(/\s+/g, " ")
      .trim();
    if (plain.split(" ").length >= 4) paragraphs.push({ line, text: plain });
  };
  const seen = new Set();
  const visit = (node) => {
    for (const range of ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? []) {
      if (seen.has(range.pos)) continue;
      seen.add(range.pos);
      const proses = prosesOf(source.text.slice(range.pos, range.end));
      for (const { at, text } of proses) add(range.pos, at, text);
    }
    const parts = ts.isTemplateExpression(node)
      ? [node.head, ...node.templateSpans.map(({ literal }) => literal)]
      : ts.isStringLiteralLike(node)
        ? [node]
        : [];
    const message = parts.map(({ text }) => text).join("`x`");
    // What has several lines is a script or a page, and what is split is a list of names.
    const isList = ts.isPropertyAccessExpression(node.parent ?? node) && node.parent.name.text === "split";
    if (!message.includes("\n") && !isList) add(node.getStart(source), 0, message);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return paragraphs;
}

const findings = [];
for (const page of pages) {
  const { messages } = await linter.lintText(readFileSync(root + page, "utf8"), page);
  for (const { line, message } of messages) findings.push(`${page}:${line}: ${message}`);
}
for (const file of sources) {
  const source = ts.createSourceFile(file, readFileSync(root + file, "utf8"), ts.ScriptTarget.Latest, true);
  const paragraphs = paragraphsOf(source);
  const text = paragraphs.map((paragraph) => paragraph.text).join("\n\n");
  const { messages } = await linter.lintText(text, `${file}.md`);
  for (const { line, message } of messages) {
    findings.push(`${file}:${paragraphs[(line - 1) / 2].line}: ${message}`);
  }
}

// A linter that has lost its rules finds nothing in these, either.
const { rules } = load(readFileSync(`${here}style.yml`, "utf8"));
const breaches = rules.map(({ expected, specs = [] }) => {
  const breach = specs.find(({ from, to }) => from !== to)?.from;
  return { rule: "prh", says: `=> ${expected}`, name: `"${expected}" of style.yml`, breach };
});
breaches.push(
  { rule: "write-good", says: "is repeated", breach: "So this is is a mistake." },
  { rule: "write-good", says: "cliche", breach: "It goes without saying." },
  { rule: "common-misspellings", says: "category", breach: "This is a catagory." },
  { rule: "sentence-length", says: "exceeds", breach: `${"A long, ".repeat(60)}end.` },
);
for (const { rule, says, name = `${rule} (${says})`, breach = "" } of breaches) {
  const { messages } = await linter.lintText(breach, "breach.md");
  const isSeen = messages.some(({ ruleId, message }) => ruleId === rule && message.includes(says));
  if (!isSeen) findings.push(`test/prose: the rule ${name} sees nothing in "${breach.slice(0, 60)}"`);
}

for (const finding of findings) console.error(finding.split("\n")[0]);
console.log(`prose: ${pages.length} pages and ${sources.length} sources, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
