// Which files of the repository are pages, under which address, and where their links lead: the pages stay where they are, in docs/ and
// beside the code, and their links work on GitHub too.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
const REPOSITORY = "https://github.com/sockeyejs/sockeye";

const BESIDE = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "PROTOCOL.md", "SECURITY.md"];

/** Path in the repository to path in the site, both with `.md`. */
export const PAGES: ReadonlyMap<string, string> = new Map([
  ["README.md", "index.md"],
  ["docs/README.md", "guides.md"],
  ["examples/README.md", "examples.md"],
  ...within("docs")
    .filter((file) => file.endsWith(".md") && file !== "docs/README.md")
    .map((file): [string, string] => [file, file.slice("docs/".length)]),
  ...within("examples")
    .filter((file) => /^examples\/[^/]+\/README\.md$/.test(file))
    .map((file): [string, string] => [file, file.replace("/README.md", ".md")]),
  ...BESIDE.map((file): [string, string] => [file, pageBeside(file)]),
  ...within("site/api")
    .filter((file) => file.endsWith(".md"))
    .map((file): [string, string] => [file, file.replace("site/api/@sockeye/", "api/").replace("site/", "")]),
]);

/** `SECURITY.md` is how to report; `docs/security.md` is the guide. */
function pageBeside(file: string): string {
  return file === "SECURITY.md" ? "reporting.md" : file.toLowerCase();
}

/**
 * @param from the page that holds the link, as a path in the repository
 * @param href as it is written there
 * @returns where it leads in the site, or in the repository on GitHub for what is no page
 * @throws Error if there is no such file
 */
export function linkOf(from: string, href: string): string {
  if (/^(?:[a-z]+:|#)/i.test(href)) return href;
  const [path = "", hash] = href.split("#", 2);
  if (href.startsWith("/")) return href;
  const anchor = hash === undefined ? "" : `#${hash}`;
  const file = posix.join(posix.dirname(from), decodeURI(path)).replace(/\/$/, "");
  const page = PAGES.get(file) ?? PAGES.get(`${file}/README.md`) ?? PAGES.get(`${file}/index.md`);
  if (page !== undefined) return `/${page.replace(/(?:^|(?<=\/))index\.md$|\.md$/, "")}${anchor}`;
  if (!existsSync(join(ROOT, file))) throw new Error(`${from}: ${href} leads nowhere`);
  return `${REPOSITORY}/${statSync(join(ROOT, file)).isDirectory() ? "tree" : "blob"}/main/${file}${anchor}`;
}

/** A page as plain Markdown: its `.md` twin, with links to other twins. */
export function twinOf(file: string): string {
  const text = readFileSync(join(ROOT, file), "utf8").replace(/^---\n[\s\S]*?\n---\n/, "");
  return text.replace(/```[\s\S]*?```|`[^`\n]+`|\]\(([^)\s]+)\)/g, (found, href?: string) =>
    href === undefined ? found : `](${toTwin(linkOf(file, href))})`,
  );
}

function toTwin(link: string): string {
  if (!link.startsWith("/")) return link;
  const [path = "", hash] = link.split("#", 2);
  return `${path.endsWith("/") ? `${path}index` : path}.md${hash === undefined ? "" : `#${hash}`}`;
}

/** The anchor of a heading, as GitHub makes it. */
export function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
}

/** Its first heading. */
export function titleOf(file: string): string {
  return (/^# (.+)$/m.exec(readFileSync(join(ROOT, file), "utf8"))?.[1] ?? file).replace(/[`\\]/g, "");
}

function within(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === "dist") return [];
    return entry.isDirectory() ? within(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`];
  });
}
