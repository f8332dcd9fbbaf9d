import type { AsyncApiOptions, Described } from "./asyncapi.js";
import type { Contracts } from "./contracts.js";
import { byNamespace, itemsOf } from "./contracts.js";
import { type JsonSchema, Schemas, standardJsonSchema } from "./schemas.js";

/** A schema for each part of a contract, under `definitions`. */
export interface JsonSchemaDocument {
  readonly $schema: "http://json-schema.org/draft-07/schema#";
  readonly definitions: Readonly<Record<string, JsonSchema>>;
}

/**
 * Describes contracts as one JSON Schema (draft 7), with a definition for each part: `say.0` for the first argument of an event `say`,
 * `rename.input`, `rename.answer` and `rename.error.TAKEN` for a call, `ask.input`, `ask.item` and `ask.end` for a stream. In a namespace other than the main
 * one the namespace comes first: `chat.say.0`.
 *
 * @throws UsageError `ERR_BAD_OPTION` for what is not a contract
 */
export function jsonSchema(
  contracts: Contracts,
  { jsonSchema: convert = standardJsonSchema }: Pick<AsyncApiOptions, "jsonSchema"> = {},
): Described<JsonSchemaDocument> {
  const schemas = new Schemas("#/definitions", convert);
  for (const [namespace, { toServer, toClient }] of byNamespace(contracts)) {
    const prefix = namespace === "/" ? "" : `${namespace.slice(1)}.`;
    for (const [name, item] of [...itemsOf(toServer), ...itemsOf(toClient)]) {
      const parts =
        item.kind === "event"
          ? item.args
          : item.kind === "call"
            ? { input: item.input, answer: item.answer, ...prefixed("error.", item.errors) }
            : { input: item.input, item: item.item, end: item.end };
      for (const [part, schema] of Object.entries(parts))
        if (schema !== undefined) schemas.add(`${prefix}${name}.${part}`, schema);
    }
  }
  const document = { $schema: "http://json-schema.org/draft-07/schema#", definitions: schemas.all } as const;
  return { document, warnings: schemas.warnings };
}

function prefixed<T>(prefix: string, values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
}
