import { UsageError } from "@sockeye/protocol";
import type { Schema } from "./schema.js";
import { isSchema } from "./schema.js";

/** An event: one schema for each argument. */
export interface EventItem<Args extends readonly Schema[] = readonly Schema[]> {
  readonly kind: "event";
  readonly args: Args;
}

/** Refusals of a call, by code, with the schema of their data. */
export type Refusals = Readonly<Record<string, Schema>>;

/** A call: an event that is answered, or refused. */
export interface CallItem<
  Input extends Schema | undefined = Schema | undefined,
  Answer extends Schema | undefined = Schema | undefined,
  Errors extends Refusals = Refusals,
> {
  readonly kind: "call";
  readonly input: Input;
  readonly answer: Answer;
  readonly errors: Errors;
}

/** A stream of items, with a value at its end. */
export interface StreamItem<
  Input extends Schema | undefined = Schema | undefined,
  Item extends Schema = Schema,
  End extends Schema | undefined = Schema | undefined,
> {
  readonly kind: "stream";
  readonly input: Input;
  readonly item: Item;
  readonly end: End;
}

/** Bytes that a client sends, and what the server answers. */
export interface UploadItem<
  Input extends Schema | undefined = Schema | undefined,
  Answer extends Schema | undefined = Schema | undefined,
> {
  readonly kind: "upload";
  readonly input: Input;
  readonly answer: Answer;
}

/** What one direction of a contract declares, by name. */
export type Items = Readonly<Record<string, EventItem | CallItem | StreamItem | UploadItem>>;

/** Declares an event. @param args one schema for each argument of `emit` */
export function event<const Args extends readonly Schema[]>(...args: Args): EventItem<Args> {
  for (const each of args) requireSchema(each, "an argument of an event");
  return { kind: "event", args };
}

/**
 * Declares a call.
 *
 * @param input left out, or `undefined`: it takes none
 * @param options.answer left out: it answers with nothing
 * @param options.errors with which codes it may be refused, each with the schema of the refusal's data
 * @throws UsageError `ERR_BAD_OPTION` for what is not a schema
 */
export function call<
  Input extends Schema | undefined = undefined,
  Answer extends Schema | undefined = undefined,
  Errors extends Refusals = Record<never, never>,
>(
  input?: Input,
  { answer, errors }: { readonly answer?: Answer; readonly errors?: Errors } = {},
): CallItem<Input, Answer, Errors> {
  for (const each of [input, answer, ...Object.values(errors ?? {})])
    if (each !== undefined) requireSchema(each, "a part of a call");
  return {
    kind: "call",
    input: input as Input,
    answer: answer as Answer,
    errors: errors ?? ({} as Errors),
  };
}

/**
 * Declares a stream, which a client asks for and the server makes: what it takes, its items, and the value at its end.
 *
 * @throws UsageError `ERR_BAD_OPTION` for what is not a schema
 */
export function stream<
  Input extends Schema | undefined,
  Item extends Schema,
  End extends Schema | undefined = undefined,
>(input: Input, { item, end }: { readonly item: Item; readonly end?: End }): StreamItem<Input, Item, End> {
  for (const each of [input, item, end]) if (each !== undefined) requireSchema(each, "a part of a stream");
  return { kind: "stream", input, item, end: end as End };
}

/**
 * Declares an upload, which a client makes: what is said of the bytes, and what the server answers.
 *
 * @param input left out, or `undefined`: nothing but the bytes
 * @throws UsageError `ERR_BAD_OPTION` for what is not a schema
 */
export function upload<
  Input extends Schema | undefined = undefined,
  Answer extends Schema | undefined = undefined,
>(input?: Input, { answer }: { readonly answer?: Answer } = {}): UploadItem<Input, Answer> {
  for (const each of [input, answer]) if (each !== undefined) requireSchema(each, "a part of an upload");
  return { kind: "upload", input: input as Input, answer: answer as Answer };
}

function requireSchema(value: unknown, what: string): void {
  if (!isSchema(value))
    throw new UsageError("ERR_BAD_OPTION", `${what} is not a schema: it has no member "~standard"`);
}
