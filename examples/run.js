// @ts-check
// What `node server.js` does in each example: starts it, says where it is, and ends it with Ctrl-C. The examples themselves need no more than `start`.
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Does nothing in a module that was imported, as tests do.
 *
 * @param {string} module its `import.meta.url`
 * @param {(options: { port: number }) => Promise<{ url: string, close: () => Promise<unknown> }>} start
 * @param {(url: string) => string} [hello] what to say. Default: where it is.
 */
export async function run(module, start, hello = (url) => url) {
  const program = process.argv[1];
  if (program === undefined || realpathSync(program) !== fileURLToPath(module)) return;
  const wanted = process.env["PORT"] || "3000";
  try {
    const port = Number(wanted);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new Error("PORT is a number from 0 to 65535");
    const { url, close } = await start({ port });
    console.log(hello(url));
    // A second signal hurries it.
    for (const signal of ["SIGINT", "SIGTERM"])
      process.on(signal, () => void close().then(() => process.exit(0)));
  } catch (error) {
    console.error(`It did not start: ${explain(error, wanted)}`);
    process.exit(1);
  }
}

/**
 * @param {unknown} error
 * @param {string} port
 * @returns {string} One line that says what to do.
 */
function explain(error, port) {
  if (!(error instanceof Error)) return String(error);
  const { code } = /** @type {{ code?: string } & Error} */ (error);
  if (code === "EADDRINUSE")
    return `port ${port} is in use; choose another one: PORT=${Number(port) + 1} npm start`;
  if (code === "EACCES") return `port ${port} is not allowed; choose another one: PORT=3000 npm start`;
  return error.message;
}
