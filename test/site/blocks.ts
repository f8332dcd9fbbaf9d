// The code of a guide, as its reader gets it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../architecture/imports.js";

/** A block of code below the name of its file in bold: what the reader writes into that file. */
export interface Block {
  /** The heading of the second level that it stands under. */
  readonly section: string;
  readonly file: string;
  readonly code: string;
}

/** Blocks of code that have the name of a file above them, in the order of the page. */
export function blocksOf(page: string): readonly Block[] {
  const sections = readFileSync(join(ROOT, page), "utf8").split(/^## /m).slice(1);
  return sections.flatMap((section) =>
    [...section.matchAll(/^\*\*([\w.]+)\*\*.*\n\n```\w+.*\n([\s\S]*?)^```/gm)].map(
      ([, file = "", code = ""]) => ({ section: section.split("\n", 1)[0] ?? "", file, code }),
    ),
  );
}

/** How many blocks of code a page has in a language, with or without a file. */
export function countOf(page: string, language: RegExp): number {
  const fences = readFileSync(join(ROOT, page), "utf8").matchAll(/^```(\w+).*\n[\s\S]*?^```/gm);
  return [...fences].filter(([, found = ""]) => language.test(found)).length;
}

/** Packages that a page has its reader install. */
export function installedBy(page: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^npm install ([^&].*)$/gm)].flatMap(([, names = ""]) => names.split(" "));
}
