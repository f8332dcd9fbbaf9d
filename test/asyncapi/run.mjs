// What @sockeye/asyncapi writes, read by AsyncAPI's own parser, for contracts of three validators: a step of `npm run test:dependents`, after a build.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { asyncapi } from "@sockeye/asyncapi";
import { call, contract, event, stream, type } from "@sockeye/contract";
import { type as ark } from "arktype";
import * as v from "valibot";
import { z } from "zod";

const here = fileURLToPath(new URL(".", import.meta.url));
if (!process.argv.includes("--no-install")) {
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here, stdio: "inherit" });
  if (status !== 0) throw new Error("npm ci");
}
const require = createRequire(import.meta.url);
const { Parser } = require("@asyncapi/parser");
const { toJsonSchema } = require("@valibot/to-json-schema");

const Tree = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree);
  },
});
const Cat = z.object({ name: z.string() }).meta({ id: "Cat" });
const contracts = {
  zod: contract({
    toServer: {
      say: event(Tree, Cat.optional()),
      rename: call(Cat, { answer: Cat, errors: { TAKEN: z.object({ cat: Cat }), GONE: z.null() } }),
      ask: stream(z.string(), { item: z.union([z.string(), Tree]), end: z.number() }),
      ping: call(),
    },
    toClient: { "said, with spaces": event(Tree), nothing: event(), free: event(type()) },
  }),
  arktype: contract({ toServer: { say: event(ark({ name: "string", "age?": "number > 0" })) } }),
  valibot: contract({ toServer: { say: call(v.object({ name: v.string() }), { answer: v.number() }) } }),
};

const jsonSchema = (schema) =>
  schema["~standard"].vendor === "valibot"
    ? toJsonSchema(schema)
    : schema["~standard"].jsonSchema.input({ target: "draft-07" });
const { document, warnings } = asyncapi(
  { "/": contracts.zod, "/ark": contracts.arktype, "/valibot": contracts.valibot },
  { title: "All of them", url: "https://example.com/socket.io/", jsonSchema },
);
const { document: read, diagnostics } = await new Parser().parse(JSON.stringify(document));
const errors = diagnostics.filter(({ severity }) => severity === 0);
const operations = read?.operations().all().length;
for (const { message, path } of errors) console.error(`${path.join(".")}: ${message}`);
// A broken document must not pass.
const broken = await new Parser().parse(
  JSON.stringify({ ...document, operations: { x: { action: "eat" } } }),
);
const holds =
  errors.length === 0 && warnings.length === 0 && operations === 9 && broken.document === undefined;
console.log(
  `AsyncAPI's parser reads ${operations} operations, ${errors.length} errors, ${warnings.length} warnings: ${holds ? "ok" : "FAILED"}`,
);
process.exit(holds ? 0 : 1);
