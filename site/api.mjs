// The API reference: pages of Markdown from the sources' declarations and doc comments, into site/api. Not committed.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";

const root = fileURLToPath(new URL("../", import.meta.url));
/** What an app names. Packages that only our own packages name are left out. */
const INNER = ["adapter", "codec", "conformance", "engine", "protocol", "session", "socket", "transport"];

/** File to the name by which an app imports it. */
const names = new Map();
for (const folder of readdirSync(`${root}packages`)) {
  if (INNER.includes(folder)) continue;
  const { name, exports = {} } = JSON.parse(readFileSync(`${root}packages/${folder}/package.json`, "utf8"));
  for (const [subpath, target] of Object.entries(exports)) {
    const file = JSON.stringify(target).match(/\.\/dist\/([\w/-]+)\.d\.ts/)?.[1];
    if (file !== undefined && !/internal|debug|legacy/.test(subpath))
      names.set(`packages/${folder}/src/${file}.ts`, name + subpath.slice(1));
  }
}

const app = await Application.bootstrapWithPlugins({
  plugin: ["typedoc-plugin-markdown"],
  entryPoints: [...names.keys()].map((file) => root + file),
  tsconfig: `${root}site/tsconfig.api.json`,
  out: `${root}site/api`,
  readme: "none",
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  disableSources: true,
  skipErrorChecking: true,
  entryFileName: "index",
  hidePageHeader: true,
  hideBreadcrumbs: true,
  logLevel: "Error",
});
const project = await app.convert();
if (project === undefined) process.exit(1);
for (const module of project.children ?? []) {
  const name = [...names].find(
    ([file]) => file.replace(/^packages\/|\.ts$|\/index\.ts$/g, "") === module.name,
  )?.[1];
  if (name === undefined) throw new Error(`nobody imports ${module.name}`);
  module.name = name;
}
await app.generateOutputs(project);
