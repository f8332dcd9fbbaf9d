import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TEMPLATES, type TemplateName } from "create-sockeye";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { command } from "../src/command.js";
import { refusedNode } from "../src/node-version.js";

let home: string;
let said: { out: string; err: string };

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "create-sockeye-"));
  said = { out: "", err: "" };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function run(...args: string[]): Promise<number> {
  return command(args, {
    isInteractive: false,
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
  });
}
const filesOf = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();

describe.each(Object.keys(TEMPLATES) as TemplateName[])("%s", (template) => {
  it("is written whole, under the folder's name, with our version, and with what it imports", async () => {
    const folder = join(home, "my-app");
    expect(await run(folder, "-t", template)).toBe(0);
    expect(said.out).toMatch(/cd \S*my-app\n {2}npm install\n {2}npm run dev\n/);
    const files = filesOf(folder);
    expect(files).toContain(".gitignore");
    expect(files).not.toContain("_gitignore");
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      name: string;
      scripts: Record<string, string>;
      dependencies: Record<string, string>;
      devDependencies?: Record<string, string>;
    };
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(manifest.name).toBe("my-app");
    expect(Object.keys(manifest.scripts)).toEqual(["dev", "build", "start"]);
    const needed = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const [name, range] of Object.entries(needed))
      expect(range).toMatch(name.startsWith("@sockeye/") ? `^${version}` : /^\^\d/);
    const sources = files.filter((file) => /\.(ts|tsx|js)$/.test(file));
    const imported = sources.flatMap((file) =>
      [...readFileSync(join(folder, file), "utf8").matchAll(/(?:from |import\(|import )"([^".][^"]*)"/g)].map(
        ([, name = ""]) => name.split("/", name.startsWith("@") ? 2 : 1).join("/"),
      ),
    );
    expect(imported.filter((name) => !name.startsWith("node:") && !(name in needed))).toEqual([]);
    // Programs are called by scripts, all others are imported.
    const programs = Object.values(manifest.scripts).flatMap((script) => script.split(" "));
    for (const name of Object.keys(manifest.dependencies).filter((each) => !programs.includes(each)))
      expect([...imported, "react-dom"]).toContain(name);
  });
});

describe("refuses, and changes nothing", () => {
  const full = () => join(home, "full");
  beforeEach(() => {
    mkdirSync(full());
    writeFileSync(join(full(), "mine.txt"), "mine");
    writeFileSync(join(home, "file"), "");
  });

  it.each<[string, () => string[], RegExp]>([
    ["a folder that is not empty", () => [full(), "-y"], /full is not empty\. Choose another folder/],
    ["a file", () => [join(home, "file"), "-y"], /file is a file\. Choose another name/],
    ["a bad name", () => [join(home, "My App!"), "-y"], /"My App!" cannot be the name.*such as my-app\./],
    ["a name of npm's", () => [join(home, "node_modules"), "-y"], /such as my-app\./],
    ["no name", () => ["", "-y"], /Name a folder/],
    ["an unknown template", () => [join(home, "x"), "-t", "vue"], /no template "vue"\. There are: chat-ts, /],
    ["two folders", () => ["a", "b", "-y"], /Name one folder/],
    ["an unknown option", () => ["--fast"], /Unknown option '--fast'/],
    ["to ask without a terminal", () => [], /no terminal to ask in\. Say --yes/],
  ])("%s", async (_, args, expected) => {
    const before = filesOf(home);
    expect(await run(...args())).toBe(1);
    expect(said.err).toMatch(expected);
    expect(said.out).toBe("");
    expect(filesOf(home)).toEqual(before);
  });

  it("but a folder with nothing but .git will do, and --yes takes the default template", async () => {
    mkdirSync(join(home, "fresh/.git"), { recursive: true });
    expect(await run(join(home, "fresh"), "--yes")).toBe(0);
    expect(existsSync(join(home, "fresh/src/server.ts"))).toBe(true);
  });
});

it.each([
  ["18.20.0", true],
  ["20.11.1", true],
  ["20.12.0", false],
  ["22.1.0", false],
])("Node.js %s is refused: %s", (version, isRefused) => {
  if (isRefused) expect(refusedNode(version)).toContain(`20.12 or later, and this is ${version}`);
  else expect(refusedNode(version)).toBeUndefined();
});

it("the program asks two things in a terminal, and takes Enter for the defaults", {
  timeout: 60_000,
}, async ({ skip }) => {
  const program = fileURLToPath(new URL("../bin.mjs", import.meta.url));
  skip(!existsSync(new URL("../dist/command.js", import.meta.url)), "the package is not built");
  // util-linux's `script` makes a terminal.
  skip(spawnSync("script", ["--version"]).status !== 0, "there is no program `script`");
  const child = spawn(
    "script",
    ["-qec", `stty cols 100 rows 30; "${process.execPath}" "${program}"`, "/dev/null"],
    { cwd: home },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const questions = ["In which folder?", "From which template?"];
  let heard = "";
  child.stdout.on("data", (chunk) => {
    heard += String(chunk);
    if (questions[0] === undefined || !heard.includes(questions[0])) return;
    questions.shift();
    child.stdin.write("\r");
  });
  expect(await once(child, "close")).toEqual([0, null]);
  expect(questions).toEqual([]);
  expect(heard).toContain("npm run dev");
  expect(existsSync(join(home, "sockeye-app/src/server.ts"))).toBe(true);
});
