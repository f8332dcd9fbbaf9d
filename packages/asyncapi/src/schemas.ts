import type { Schema } from "@sockeye/contract";

/** JSON Schema of a schema, for what a sender gives; `undefined` if there is none. It may throw for what JSON Schema has no words for. */
export type ToJsonSchema = (schema: Schema) => object | undefined;

/** JSON Schema, draft 7: the newest that tools for AsyncAPI read without further parts. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How the validator itself puts it, by the Standard JSON Schema: zod 4.2 and arktype 2.1.28 do, valibot by `@valibot/to-json-schema`. */
export const standardJsonSchema: ToJsonSchema = (schema) => {
  const { jsonSchema } = schema["~standard"] as {
    readonly jsonSchema?: { readonly input?: (options: { readonly target: string }) => object };
  };
  return jsonSchema?.input?.({ target: "draft-07" });
};

/** Collects schemas under one place of a document, by name. */
export class Schemas {
  /** By name; what they refer to is inside this document. */
  readonly all: Record<string, JsonSchema> = {};
  /** What could not be described, and why. */
  readonly warnings: string[] = [];
  readonly #place: string;
  readonly #convert: ToJsonSchema;

  /** @param place of {@link all} in the document, as a JSON Pointer: `#/components/schemas` */
  constructor(place: string, convert: ToJsonSchema) {
    this.#place = place;
    this.#convert = convert;
  }

  /** Adds a schema, and returns a reference to it. What has no JSON Schema is anything, and a warning. */
  add(name: string, schema: Schema): JsonSchema {
    const key = freeKey(this.all, name);
    this.all[key] = this.#describe(name, `${this.#place}/${key}`, schema);
    return { $ref: `${this.#place}/${key}` };
  }

  #describe(name: string, pointer: string, schema: Schema): JsonSchema {
    const { vendor } = schema["~standard"];
    // A type of the contract's own, which checks nothing.
    if (vendor === "sockeye") return {};
    try {
      const found = this.#convert(schema);
      if (found) {
        const { $schema: _, ...rest } = rebase(found, pointer) as Record<string, unknown>;
        return rest;
      }
      this.warnings.push(`${name}: ${vendor} gives no JSON Schema; the option jsonSchema can`);
    } catch (error) {
      this.warnings.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    return {};
  }
}

/** A key that AsyncAPI takes (letters, digits, `.`, `-`, `_`), for a name that may be any text. */
export function freeKey(taken: Readonly<Record<string, unknown>>, name: string): string {
  const base = name.replace(/[^\w.-]/g, "_") || "_";
  let key = base;
  for (let n = 2; Object.hasOwn(taken, key); n++) key = `${base}_${n}`;
  return key;
}

/** References within a schema are from its root, which is somewhere in the document now. */
function rebase(value: unknown, pointer: string): unknown {
  if (Array.isArray(value)) return value.map((each) => rebase(each, pointer));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === "$ref" && typeof each === "string" && each.startsWith("#")
        ? pointer + each.slice(1)
        : rebase(each, pointer),
    ]),
  );
}
