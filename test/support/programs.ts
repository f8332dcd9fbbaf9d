import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that some tests need; `scripts/setup-programs.mjs` installs it where that is possible. */
export interface Program {
  /** The environment variable that may name it. */
  readonly variable: string;
  /** What it may be called in `PATH`. */
  readonly commands: readonly string[];
  /** Who is skipped without it. */
  readonly users: string;
}

/**
 * @returns Its path. Without one, prints why the tests are skipped and returns undefined.
 * @throws Error if there is none and `CI` is `true`.
 */
export function findProgram({ variable, commands, users }: Program): string | undefined {
  const named = process.env[variable];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = named
    ? [named]
    : commands.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  const reason = named
    ? `${variable}=${named} cannot be executed`
    : `no ${commands.join(", ")} in PATH, and ${variable} is not set`;
  if (process.env["CI"] === "true") throw new Error(`${users} cannot run: ${reason}`);
  console.log(`${users} are skipped: ${reason}`);
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
