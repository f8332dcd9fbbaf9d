import { relative } from "node:path";
import { parseArgs } from "node:util";
import { cancel, intro, isCancel, outro, select, text } from "@clack/prompts";
import { createApp, refusedFolder } from "./create-app.js";
import { isTemplate, TEMPLATE_NAMES, TEMPLATES, type TemplateName } from "./templates.js";

const DEFAULT_FOLDER = "sockeye-app";

const USAGE = `Makes a new app with Sockeye.

  npm create sockeye [folder] -- [--template <name>] [--yes]

  --template, -t  ${TEMPLATE_NAMES.join(", ")}
  --yes, -y       asks nothing: ${DEFAULT_FOLDER} and ${TEMPLATE_NAMES[0]}, unless said otherwise
`;

/** Where a command speaks, and whether a person can answer. */
export interface Terminal {
  readonly isInteractive: boolean;
  out(text: string): void;
  err(text: string): void;
}

const OWN_TERMINAL: Terminal = {
  isInteractive: process.stdin.isTTY === true && process.stdout.isTTY === true,
  out: (line) => void process.stdout.write(line),
  err: (line) => void process.stderr.write(line),
};

/** The command line: its exit code. */
export async function command(args: readonly string[], terminal: Terminal = OWN_TERMINAL): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        template: { type: "string", short: "t" },
        yes: { type: "boolean", short: "y" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      terminal.out(USAGE);
      return 0;
    }
    const [given, ...more] = positionals;
    if (more.length > 0) throw new Error(`Name one folder.\n\n${USAGE}`);
    const wanted = values.template;
    if (wanted !== undefined && !isTemplate(wanted))
      throw new Error(`There is no template "${wanted}". There are: ${TEMPLATE_NAMES.join(", ")}.`);
    // Before anything is asked.
    const refused = given === undefined ? undefined : refusedFolder(given);
    if (refused !== undefined) throw new Error(refused);
    const asks = !values.yes && (given === undefined || wanted === undefined);
    if (asks && !terminal.isInteractive)
      throw new Error("There is no terminal to ask in. Say --yes, or name a folder and a --template.");
    if (asks) intro("A new app with Sockeye");
    const folder = given ?? (asks ? await askFolder() : DEFAULT_FOLDER);
    const template = wanted ?? (asks ? await askTemplate() : TEMPLATE_NAMES[0]);
    if (folder === undefined || template === undefined) {
      cancel("Nothing was made.");
      return 1;
    }
    createApp({ folder, template });
    if (asks) outro(`${template} is in ${folder}`);
    terminal.out(`\nNow run:\n\n  cd ${relative("", folder) || "."}\n  npm install\n  npm run dev\n\n`);
    return 0;
  } catch (error) {
    terminal.err(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function askFolder(): Promise<string | undefined> {
  const answer = await text({
    message: "In which folder?",
    placeholder: DEFAULT_FOLDER,
    defaultValue: DEFAULT_FOLDER,
    validate: (value) => refusedFolder(value || DEFAULT_FOLDER),
  });
  return isCancel(answer) ? undefined : answer;
}

async function askTemplate(): Promise<TemplateName | undefined> {
  const options = TEMPLATE_NAMES.map((value) => ({ value, label: value, hint: TEMPLATES[value].hint }));
  const answer = await select<TemplateName>({ message: "From which template?", options });
  return isCancel(answer) ? undefined : answer;
}
