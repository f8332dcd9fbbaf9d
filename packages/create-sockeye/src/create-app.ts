import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { TEMPLATES, type TemplateName } from "./templates.js";

/** What to make, and where. */
export interface NewApp {
  /** A path; its last part becomes the name of the package. */
  readonly folder: string;
  readonly template: TemplateName;
}

const HOME: string = join(dirname(fileURLToPath(import.meta.url)), "..");

/** What a new folder may hold already. */
const HARMLESS = [".git", ".DS_Store"];

/** @returns Why nothing can be made there; nothing if it can. */
export function refusedFolder(folder: string): string | undefined {
  if (folder.trim() === "") return "Name a folder: npm create sockeye my-app";
  const path = resolve(folder);
  const name = basename(path);
  if (!/^[a-z0-9][a-z0-9._-]{0,213}$/.test(name) || name === "node_modules") {
    const better = name
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, "-")
      .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
    const hint = better === "" || better === "node_modules" || better === name ? "my-app" : better;
    return `"${name}" cannot be the name of a package: use lower-case letters, digits and . _ - only, such as ${hint}.`;
  }
  if (!existsSync(path)) return undefined;
  if (!statSync(path).isDirectory()) return `${path} is a file. Choose another name; nothing was changed.`;
  if (readdirSync(path).some((each) => !HARMLESS.includes(each)))
    return `${path} is not empty. Choose another folder, or empty it; nothing was changed.`;
  return undefined;
}

/**
 * Writes a new app.
 *
 * @throws Error that says what to do if the name or the folder will not do; nothing was written then
 */
export function createApp({ folder, template }: NewApp): void {
  const refused = refusedFolder(folder);
  if (refused !== undefined) throw new Error(refused);
  const path = resolve(folder);
  const templates = join(HOME, "templates");
  mkdirSync(path, { recursive: true });
  cpSync(join(templates, template), path, { recursive: true });
  // npm packs no file of that name.
  renameSync(join(path, "_gitignore"), join(path, ".gitignore"));
  for (const [from, to] of Object.entries(TEMPLATES[template].shared)) {
    mkdirSync(dirname(join(path, to)), { recursive: true });
    cpSync(join(templates, "shared", from), join(path, to));
  }
  const { version } = JSON.parse(readFileSync(join(HOME, "package.json"), "utf8")) as { version: string };
  const file = join(path, "package.json");
  const manifest = readFileSync(file, "utf8")
    .replace('"name": ""', `"name": ${JSON.stringify(basename(path))}`)
    .replaceAll(/("@sockeye\/[a-z-]+": )"\*"/g, `$1"^${version}"`);
  writeFileSync(file, manifest);
}
