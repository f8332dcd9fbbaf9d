import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT, read } from "./imports.js";

// Plain English for those who read the guides: what a native technical writer would not write.

const RIDDLES: Readonly<Record<string, RegExp>> = {
  "a clause without a head: name who": /\bwhoever\b/i,
  "archaic: write on": /\bupon\b/i,
  "a figure of speech: name the object":
    /\bone floor (?:below|above|further)\b|\btakes? leave\b|\bthe offender\b/i,
  "people are they": /\b(?:his|her) own\b/i,
  "a heading is what people search for": /^# (?:seeing|who is) /i,
};

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

it.each(pages)("%s is plain English", (page) => {
  const found = read(page)
    .replace(/```[\s\S]*?```/g, (code) => code.replace(/[^\n]/g, ""))
    .split("\n")
    .flatMap((line, at) =>
      Object.entries(RIDDLES).flatMap(([why, riddle]) =>
        riddle.test(line) ? [`${page}:${at + 1}: ${why}: ${line.slice(0, 100)}`] : [],
      ),
    );
  expect(found).toEqual([]);
});
