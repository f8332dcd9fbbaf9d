// docs/options.md has every option once: the lists of names are those that the compiler holds to the types.
import { expect, test } from "vitest";
import { read } from "../architecture/imports.js";

const page = read("docs/options.md");
const [, server = "", client = ""] = page.split(/^## Of the /m);

/** First cells of all tables. */
function documented(text: string): string[] {
  return [...text.matchAll(/^\| `([\w.]+)` +\|/gm)].map(([, name = ""]) => name);
}

/** The names of `const NAME: … = { a: true, b: true }` in a source. */
function names(file: string, constant: string): string[] {
  const body = new RegExp(`const ${constant}: [^\\n]*= \\{([^}]*)\\}`).exec(read(file))?.[1] ?? "";
  return [...body.matchAll(/(\w+): true/g)].map(([, name = ""]) => name);
}

const SERVER = "packages/server/src/unknown-options.ts";
const NESTED = {
  RECOVERY: "connectionStateRecovery",
  CLUSTER: "cluster",
  RESUME: "resume",
  STREAMS: "streams",
  COOKIE: "cookie",
  CORS: "cors",
} as const;

test("of the server", () => {
  const flat = ["ATTACH", "ENGINE", "SERVER"].flatMap((constant) => names(SERVER, constant));
  const nested = Object.entries(NESTED).flatMap(([constant, option]) =>
    names(SERVER, constant).map((name) => `${option}.${name}`),
  );
  expect(flat.length).toBeGreaterThan(30);
  expect(nested.length).toBeGreaterThan(30);
  expect(documented(server).sort()).toEqual([...flat, ...nested].sort());
});

test("of the client", () => {
  const all = names("packages/client/src/advice/mistakes.ts", "OPTIONS");
  expect(all.length).toBeGreaterThan(50);
  expect(documented(client).sort()).toEqual([...all].sort());
});
