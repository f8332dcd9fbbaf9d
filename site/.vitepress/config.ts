import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig, type MarkdownOptions, type SiteConfig } from "vitepress";
import { linkOf, PAGES, ROOT, slugOf, titleOf, twinOf } from "./pages.js";
import { sidebar } from "./sidebar.js";

const DESCRIPTION =
  "Events between a Node.js server and its clients, in the style of Socket.IO: acknowledgements, rooms, streams, and connections that outlive a change of networks.";

/** Every colour can be read on its ground. */
const THEMES = { light: "github-light-high-contrast", dark: "github-dark-high-contrast" } as const;

export default defineConfig({
  title: "Sockeye",
  description: DESCRIPTION,
  lang: "en",
  srcDir: "..",
  srcExclude: ["packages/**", "test/**", "examples/*/node_modules/**", "site/README.md"],
  rewrites: addressOf,
  cleanUrls: true,
  metaChunk: true,
  head: [
    ["link", { rel: "icon", href: "/sockeye.svg", type: "image/svg+xml" }],
    ["link", { rel: "alternate", href: "/llms.txt", type: "text/plain", title: "llms.txt" }],
  ],
  vite: {
    publicDir: join(ROOT, "site/public"),
    plugins: [{ name: "vue-of-this-folder", enforce: "pre", resolveId: outsideOfTheBundle }],
    build: { chunkSizeWarningLimit: 4000 },
  },
  markdown: { config: leadLinks, anchor: { slugify: slugOf }, theme: THEMES },
  ignoreDeadLinks: "localhostLinks",
  themeConfig: {
    logo: "/sockeye.svg",
    nav: [
      { text: "Tutorial", link: "/tutorial" },
      { text: "Guides", link: "/guides" },
      { text: "API", link: "/api/" },
      { text: "Examples", link: "/examples" },
      { text: "From Socket.IO", link: "/migrating" },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: "https://github.com/sockeyejs/sockeye" }],
  },
  buildEnd: writeTwins,
});

/** Pages lie outside of this folder, where nobody finds Vue. What renders them is run inside of it. */
function outsideOfTheBundle(
  id: string,
  _importer: string | undefined,
  { ssr = false }: { ssr?: boolean },
): { id: string; external: true } | null {
  return ssr && /^vue(?:\/|$)/.test(id) ? { id, external: true } : null;
}

function addressOf(file: string): string {
  const page = PAGES.get(file);
  if (page === undefined)
    throw new Error(`${file} is no page: name it in pages.ts, or leave it out by srcExclude`);
  return page;
}

/** The links of a page lead to pages of the site, or into the repository; nothing in it is a template. */
function leadLinks(md: Parameters<NonNullable<MarkdownOptions["config"]>>[0]): void {
  const plain = (text: string): string => md.utils.escapeHtml(text).replaceAll("{{", "&#123;&#123;");
  md.renderer.rules["text"] = (tokens, at) => plain(tokens[at]?.content ?? "");
  md.renderer.rules["code_inline"] = (tokens, at) => `<code>${plain(tokens[at]?.content ?? "")}</code>`;
  md.core.ruler.push("sockeye-links", ({ tokens, env }) => {
    const file = String(env.realPath ?? env.path).slice(ROOT.length);
    // Nobody reads an empty cell as a heading.
    tokens.forEach((token, at) => {
      if (token.type !== "th_open" || tokens[at + 1]?.content !== "") return;
      token.tag = "td";
      const end = tokens[at + 2];
      if (end !== undefined) end.tag = "td";
    });
    // The highlighter knows no ABNF.
    for (const token of tokens) if (token.info === "abnf") token.info = "txt";
    for (const token of [...tokens, ...tokens.flatMap(({ children }) => children ?? [])]) {
      // What stands in angle brackets is text, and no component of Vue's.
      if (/^html_/.test(token.type) && !/^\s*<(?:!--|\/?(?:img|p|br|a|picture|source)\b)/.test(token.content))
        token.type = "text";
      const href = token.type === "link_open" ? token.attrGet("href") : null;
      if (href !== null) token.attrSet("href", linkOf(file, href));
    }
  });
}

/** For programs that read: each page as Markdown beside its HTML, and `llms.txt`, which lists them. */
function writeTwins({ outDir }: SiteConfig): void {
  const lines: string[] = [];
  for (const [file, page] of PAGES) {
    const target = join(outDir, page);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, twinOf(file));
    if (!/^(?:adr|api)\/.+\//.test(page) && page !== "index.md") lines.push(`- [${titleOf(file)}](/${page})`);
  }
  writeFileSync(
    join(outDir, "llms.txt"),
    `# Sockeye\n\n> ${DESCRIPTION}\n\n## Pages\n\n${lines.join("\n")}\n`,
  );
}
