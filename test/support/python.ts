import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

/**
 * A python3 that has python-socketio: Debian's own has Debian's packages, one that was built by hand does not. Without one, prints why the tests
 * are skipped.
 *
 * @param users who is skipped without it
 */
export function pythonWithSocketIo(users: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = [
    process.env["PYTHON_SOCKETIO_PATH"] ?? "python3",
    ...folders.map((folder) => join(folder, "python3")),
  ].find((file) => spawnSync(file, ["-c", "import socketio, aiohttp"]).status === 0);
  if (found === undefined)
    console.log(`no python3 in PATH has python-socketio (Debian: python3-socketio): ${users} is not tested`);
  return found;
}

/** Has it this module, too? If not, prints why what is skipped is. */
export function canImport(python: string, module: string, what: string): boolean {
  const can = spawnSync(python, ["-c", `import ${module}`]).status === 0;
  if (!can) console.log(`${python} has no ${module} (Debian: python3-${module}): ${what} is not tested`);
  return can;
}
