// The only file that knows how validators are asked: Standard Schema 1, which zod, valibot, arktype and many more implement. The types
// are written out here, so that no validator and no package of types is a dependency.

/** A schema of any validator. It may be a function, as arktype's are. */
export interface Schema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Result<Output> | PromiseLike<Result<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a validator says. */
export type Result<Output = unknown> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

export interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a sender gives. */
export type InputOf<S> = S extends Schema
  ? NonNullable<S["~standard"]["types"]> extends { readonly input: infer Input }
    ? Input
    : unknown
  : undefined;

/** What a receiver gets. */
export type OutputOf<S> = S extends Schema
  ? NonNullable<S["~standard"]["types"]> extends { readonly output: infer Output }
    ? Output
    : unknown
  : undefined;

/** Asks a schema. What the validator throws is thrown. */
export function validate(schema: Schema, value: unknown): Result | PromiseLike<Result> {
  return schema["~standard"].validate(value);
}

/** A type without a check: for what comes from your own server, or while the schemas are still to be written. */
export function type<T>(): Schema<T> {
  return { "~standard": { version: 1, vendor: "sockeye", validate: (value) => ({ value: value as T }) } };
}

export function isSchema(value: unknown): value is Schema {
  return "~standard" in Object(value);
}
