import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { Contract } from "@sockeye/contract";
import { asyncapi } from "./asyncapi.js";
import { isContract } from "./contracts.js";
import { jsonSchema } from "./json-schema.js";

const USAGE = `Describes the contracts of a module, as an AsyncAPI 3 document.

  npx @sockeye/asyncapi <module> [options] > asyncapi.json

  --namespace <name>=<export>  the contract of a namespace; may be given several times.
                               Without it the only contract that the module exports is that of "/".
  --title, --version, --description <text>
  --url <url>                  where the server is: https://example.com/socket.io/
  --json-schema                JSON Schema of all parts instead

The module is JavaScript. For TypeScript: node --import tsx node_modules/@sockeye/asyncapi/bin.mjs contract.ts
`;

/** Where a command writes, and how it ends. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** The command line: its exit code. Nothing is written to `out` but the document. */
export async function command(args: readonly string[], { out, err }: Output): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        namespace: { type: "string", multiple: true },
        title: { type: "string" },
        version: { type: "string" },
        description: { type: "string" },
        url: { type: "string" },
        "json-schema": { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    const [path, ...more] = positionals;
    if (values.help) {
      out(USAGE);
      return 0;
    }
    if (path === undefined || more.length > 0) throw new Error(`name one module\n\n${USAGE}`);
    const exported: unknown = await import(pathToFileURL(resolve(path)).href);
    const contracts = contractsOf(exported as Readonly<Record<string, unknown>>, values.namespace);
    const describe = values["json-schema"] ? jsonSchema : asyncapi;
    const { document, warnings } = describe(contracts, values);
    for (const warning of warnings) err(`${warning}\n`);
    out(`${JSON.stringify(document, undefined, 2)}\n`);
    return 0;
  } catch (error) {
    err(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function contractsOf(
  exported: Readonly<Record<string, unknown>>,
  named: readonly string[] = [],
): Record<string, Contract> {
  const found = Object.entries(exported).filter(([, value]) => isContract(value));
  const names = found.map(([name]) => name).join(", ") || "none";
  if (named.length > 0) return Object.fromEntries(named.map(namespaceOf));
  // The same one may be exported under two names.
  const [only, ...others] = new Set(found.map(([, value]) => value as Contract));
  if (!only || others.length > 0)
    throw new Error(
      `say which contract is for which namespace: --namespace /=name. Contracts here: ${names}`,
    );
  return { "/": only };

  function namespaceOf(text: string): [namespace: string, contract: Contract] {
    const at = text.indexOf("=");
    const name = text.slice(at + 1);
    const value = Object.hasOwn(exported, name) ? exported[name] : undefined;
    if (at < 1 || !isContract(value))
      throw new Error(`--namespace is <name>=<export of a contract>, not ${text}. Contracts here: ${names}`);
    return [text.slice(0, at), value];
  }
}
